"""From run directories to a page on disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evoswarm.durable import write_file, write_within
from evoswarm.report.one_space import require_one_space
from evoswarm.report.page import page_of
from evoswarm.report.run_files import RunFiles
from evoswarm.run_directory import REPORT


def write_report(runs: str | Path | Sequence[str | Path], *, out: str | Path | None = None) -> Path:
    """Write a search as one page that any browser opens, without network or server; no model is loaded.

    The same files give the same page to the byte. A search at work, one that was interrupted and one of an earlier
    version are shown as far as their files go.

    Args:
        runs: a run directory, or several of one space, which are laid side by side.
        out: the file; None is `place_of` the runs, where an earlier page is replaced.

    Returns:
        Where it was written.

    Raises:
        EvoswarmError: a directory is no run's, a file of it is damaged, several are not of one space, or the page
            cannot be written.

    Example:
        >>> page = write_report(result.directory)
        >>> page.name, page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
        ('report.html', True)
    """
    named = [runs] if isinstance(runs, str | Path) else list(runs)
    found = [RunFiles(Path(run)) for run in named]
    require_one_space(found)
    place = place_of(found) if out is None else Path(out)
    text = page_of(found)
    return write_file(place, text) if out is not None else write_within(place.parent, place.name, text)


def place_of(runs: Sequence[RunFiles]) -> Path:
    """Where the page of runs lies unless its user says otherwise: in the run; of several, beside the first."""
    first = runs[0]
    if len(runs) == 1:
        return first.path / REPORT
    return first.path.resolve().parent / f"{first.space.name}-compared.html"
