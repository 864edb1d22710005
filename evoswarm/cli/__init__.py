"""The command line: parses, calls, prints."""

from evoswarm.cli.border import main, run

__all__ = ["main", "run"]
