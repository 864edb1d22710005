"""What the command ``report`` does: the page is written, and opened where that was asked for."""

from __future__ import annotations

import webbrowser
from collections.abc import Sequence
from pathlib import Path

from evoswarm.cli.given.named_files import require_new
from evoswarm.cli.showing.output import show
from evoswarm.cli.telling.narrator import Narrator
from evoswarm.errors import RunError, Where
from evoswarm.report.run_files import RunFiles
from evoswarm.report.writing import place_of, write_report
from evoswarm.user_files import place_refused


def run_report(runs: Sequence[Path], narrator: Narrator, *, out: Path | None, opened: bool, overwrite: bool) -> None:
    """Write the page of runs and say where it is.

    Raises:
        EvoswarmError: see `evoswarm.report.writing.write_report`.
    """
    usual = place_of([RunFiles(run) for run in runs])
    if out is not None and out.resolve() == usual.resolve():
        out = None
    place = usual if out is None else out
    if out is None:
        refused = place_refused(place)
        if refused is not None:
            message = f"expected a place where the page can be written (--out FILE is another), got {refused}"
            raise RunError(message, Where(str(place)))
    else:
        require_new(out, overwrite=overwrite, inputs=runs)
    write_report(runs, out=out)
    narrator.rest()
    if narrator.to_people:
        show(f"Written: {place}")
    if opened and not _open(place):
        narrator.note(f"no browser was found: open {place.resolve().as_uri()} in one")


def _open(place: Path) -> bool:
    """Whether a browser was told to show a page."""
    try:
        return webbrowser.open(place.resolve().as_uri())
    except webbrowser.Error:
        return False
