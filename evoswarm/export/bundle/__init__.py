"""A bundle: the policy with everything that answering needs, in one folder that works offline, anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from evoswarm.export.target import Options, Target
from evoswarm.run_directory import CHAMPION

if TYPE_CHECKING:
    from evoswarm.export.source import Source

CARD = "README.md"
"""The model card."""


def write_bundle(source: Source, out: Path, options: Options) -> list[str]:
    """Write a bundle.

    Args:
        source: with its members.
        out: the folder.
        options: of the caller's.

    Returns:
        What was written and how it is used, a sentence each.

    Raises:
        EvoswarmError: a member's files cannot be had, or the disk has no room for them.
    """
    from evoswarm.export.bundle.writing import written  # reads what only loaders need

    return written(source, out, options)


BUNDLE = Target(
    name="bundle",
    title="one folder with the policy, its members and its certificate, which answers offline, anywhere",
    takes="policy",
    command="evoswarm generate OUT",
    write=write_bundle,
    signs=(CHAMPION, CARD),
)
