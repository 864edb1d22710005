"""What ``evoswarm runs`` prints: the runs of a directory, and what else lies there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from evoswarm.cli.showing.blocks import blocks
from evoswarm.cli.showing.screen import make_console, meanings, prose
from evoswarm.cli.showing.terminal import visible
from evoswarm.cli.telling.narrator import Narrator
from evoswarm.experiment.files.listing import DamagedRun, ListedRun, runs_in, size_of
from evoswarm.experiment.wording import quantity
from evoswarm.run_directory import CERTIFICATE

KNOWN = {
    "ledger.sqlite": "every evaluation of all runs",
    "openings.jsonl": "who opened which test questions",
    "mlflow.db": "MLflow's history",
    "mlartifacts": "MLflow's files",
    "studies": "studies of settings",
    "studies.db": "the trials of studies",
    "two-by-two": "mixing against voting",
}
"""What else may lie there, by its name."""

HOLDING = {"comparison.json": "a comparison of algorithms", CERTIFICATE: "a certificate over several seeds"}
"""What a directory is that holds such a file."""

_PASSING = (".evoswarm-", "ledger.sqlite-", "mlflow.db-", "mlflow.db.", "studies.db-")
"""How names begin of files that come and go beside others."""

_FIRST = "run"
_MEANINGS = {
    "state": "how far the search is, in generations",
    "accuracy": "of the champion, in percent with its 95% interval: on the test items, or (*) on the selection items",
    "verdict": "of the champion's certificate: does mixing add value?",
}


class _RunColumn(NamedTuple):
    """A column: its title, and the cell of a run."""

    title: str
    cell: Callable[[ListedRun], str]


_COLUMNS = (
    _RunColumn("state", lambda run: run.state.words),
    _RunColumn("accuracy", lambda run: _accuracy(run)),
    _RunColumn("verdict", lambda run: run.verdict or "-"),
    _RunColumn("changed", lambda run: f"{datetime.fromtimestamp(run.changed):%Y-%m-%d %H:%M}"),
    _RunColumn("size", lambda run: f"{quantity(run.size)}B"),
    _RunColumn("space", lambda run: run.space),
    _RunColumn("seed", lambda run: str(run.seed)),
)


class NoRun(NamedTuple):
    """What is no run.

    Attributes:
        name: of the file or directory.
        meaning: what it is; None where nobody knows.
        size: in bytes.
    """

    name: str
    meaning: str | None
    size: int


def run_runs(directory: Path, narrator: Narrator) -> None:
    """List what lies in a directory of runs.

    Raises:
        RunError: see ``evoswarm.experiment.files.listing.runs_in``.
    """
    runs, others = runs_in(directory)
    beside = [NoRun(one.name, _meaning(one), size_of(one)[1]) for one in others if not one.name.startswith(_PASSING)]
    narrator.result(
        {
            "directory": str(directory),
            "runs": [one.as_dict() for one in runs],
            "beside": [one._asdict() for one in beside],
        }
    )
    if not narrator.to_people:
        return
    console = make_console()
    listed = [one for one in runs if isinstance(one, ListedRun)]
    for table in _tables(directory, runs, console.width):
        console.print(table)
    if listed:
        meanings(console, _MEANINGS)
    for one in runs:
        if isinstance(one, DamagedRun):
            prose(console, f"{one.directory.name} cannot be read: {one.why}")
    if not runs:
        prose(console, f"No search has written to {directory} yet.")
    _print_beside(console, beside)


def _tables(directory: Path, runs: Sequence[ListedRun | DamagedRun], width: int) -> Iterator[Table]:
    """A row for every run; columns that have no room stand below."""
    listed = [one for one in runs if isinstance(one, ListedRun)]
    wide = [max(len(title), *(len(cell(one)) for one in listed), 0) for title, cell in _COLUMNS]
    first = max(len(_FIRST), *(len(one.directory.name) for one in runs), 0)
    for some in blocks(min(first, max(10, width // 3)), wide, width) if runs else ():
        count = f"{len(runs):,} run{'' if len(runs) == 1 else 's'} in {visible(str(directory))}"
        table = Table(title=None if some.start else escape(count), title_justify="left")
        table.add_column(_FIRST, overflow="fold")
        for place in some:
            table.add_column(_COLUMNS[place].title, no_wrap=True, justify="right" if place in (1, 4, 6) else "left")
        for one in runs:
            cells = [_COLUMNS[place].cell(one) for place in some] if isinstance(one, ListedRun) else ["damaged"]
            table.add_row(escape(visible(one.directory.name)), *map(escape, cells))
        yield table


def _accuracy(run: ListedRun) -> str:
    if run.accuracy is None:
        return "-"
    known, mark = run.accuracy, "" if run.split == "test" else "*"
    return f"{known.accuracy:.1%}{mark} ({100 * known.low:.1f} to {100 * known.high:.1f})"


def _meaning(path: Path) -> str | None:
    known = KNOWN.get(path.name)
    return known or next((meaning for name, meaning in HOLDING.items() if os.path.isfile(path / name)), None)


def _print_beside(console: Console, beside: Sequence[NoRun]) -> None:
    """What else is there, and what nobody knows."""
    known = [f"{one.name} ({one.meaning}, {quantity(one.size)}B)" for one in beside if one.meaning is not None]
    unknown = [one.name for one in beside if one.meaning is None]
    if known:
        prose(console, f"Beside them: {', '.join(known)}.")
    if unknown:
        prose(console, f"Not known, and not listed: {', '.join(unknown)}.")
