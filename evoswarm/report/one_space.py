"""Runs that stand side by side on one page: of one space, whatever their seeds and however they searched it."""

from __future__ import annotations

from collections.abc import Sequence

from evoswarm.errors import RunError, Where
from evoswarm.report.run_files import RunFiles
from evoswarm.run_directory import SPACE
from evoswarm.space.differences import differences, in_words

_HOW_IT_IS_SEARCHED = ("name", "evolution", "racing", "warm_start")
"""Keys in which the runs may differ, beside the seed and what makes no other search: all else is what was searched."""


def require_one_space(runs: Sequence[RunFiles]) -> None:
    """Refuse runs that cannot be compared on one page.

    Raises:
        RunError: one is there twice, or two are of different spaces; says in what they differ.
    """
    first = runs[0]
    seen: set[str] = set()
    for run in runs:
        place = str(run.path.resolve())
        if place in seen:
            raise RunError("expected runs that differ, got one twice", Where(str(run.path)))
        seen.add(place)
        changes = [one for one in differences(first.space, run.space) if not _is_free(one.path)]
        if changes:
            message = (
                "expected runs of one space, which differ in their seed and in how they searched at most, got another "
                f"than in {first.path}: {in_words(changes)}"
            )
            raise RunError(message, Where(str(run.path / SPACE), changes[0].path))


def _is_free(path: str) -> bool:
    return path.split(".")[0] in _HOW_IT_IS_SEARCHED
