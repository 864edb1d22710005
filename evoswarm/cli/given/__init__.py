"""What the caller gives: arguments, paths, files of questions and of answers, replies at the terminal."""
