"""The files of one run: what a search writes, whole or not at all, and the journal that makes replay a resume."""

from evoswarm.run_directory.choosing import run_directory
from evoswarm.run_directory.directory import (
    CHAMPION,
    CLOCK,
    FINISHED,
    GENERATION,
    INDIVIDUALS,
    JOURNAL,
    MIRRORED,
    TRACKED,
    TRACKING,
    RunDirectory,
)
from evoswarm.run_directory.durable import require_regular, write_file, write_within

__all__ = [
    "CHAMPION",
    "CLOCK",
    "FINISHED",
    "GENERATION",
    "INDIVIDUALS",
    "JOURNAL",
    "MIRRORED",
    "TRACKED",
    "TRACKING",
    "RunDirectory",
    "require_regular",
    "run_directory",
    "write_file",
    "write_within",
]
