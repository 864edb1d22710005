"""What is told while a command is at work: to a person at a terminal, to a log, to a machine."""
