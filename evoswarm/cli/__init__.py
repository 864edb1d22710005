"""The command line: parses, calls, prints."""

from evoswarm.cli.commands import main, run

__all__ = ["main", "run"]
