"""The files of one run: what a search writes, whole or not at all, and the journal that makes replay a resume."""

from evoswarm.run_directory.choosing import RunWanted, run_directory
from evoswarm.run_directory.directory import (
    BEGAN,
    CERTIFICATE,
    CHAMPION,
    CLOCK,
    FINISHED,
    FITTED,
    GENERATION,
    GUIDED,
    HEARD,
    INDIVIDUALS,
    JOURNAL,
    MIRRORED,
    TRACKED,
    TRACKING,
    UNREAD,
    RunDirectory,
    parsed,
)

__all__ = [
    "BEGAN",
    "CERTIFICATE",
    "CHAMPION",
    "CLOCK",
    "FINISHED",
    "FITTED",
    "GENERATION",
    "GUIDED",
    "HEARD",
    "INDIVIDUALS",
    "JOURNAL",
    "MIRRORED",
    "TRACKED",
    "TRACKING",
    "UNREAD",
    "RunDirectory",
    "RunWanted",
    "parsed",
    "run_directory",
]
