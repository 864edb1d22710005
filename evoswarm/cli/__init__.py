"""The command line: parses, calls, prints."""

from evoswarm.cli.running import main, run

__all__ = ["main", "run"]
