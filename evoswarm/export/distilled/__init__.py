"""One small model that learns to answer as a champion does: an ordinary Hugging Face folder, one pass a token."""

from __future__ import annotations

from pathlib import Path

WORK = ".distilling"
"""Ends the name of the folder beside an export in which its work is kept."""


def work_of(out: Path) -> Path:
    """The folder in which the work on a student is kept until it is in its place.

    Args:
        out: that place.
    """
    return out.with_name(out.name + WORK)
