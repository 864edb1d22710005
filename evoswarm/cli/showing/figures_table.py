"""Recipes side by side: accuracy, per task where there is room, and what they cost deployed alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from evoswarm.cli.showing.screen import meanings, prose
from evoswarm.evaluation.cost import MEANINGS
from evoswarm.evaluation.evaluation import Summary
from evoswarm.experiment.wording import quantity
from evoswarm.policies.shares import percent


class Row(NamedTuple):
    """A recipe in a table.

    Attributes:
        name: shown.
        summary: its figures.
        expected: the accuracy that is expected of it on other questions, where that was estimated.
    """

    name: str
    summary: Summary
    expected: float | None = None


_FIRST = "recipe"
_BORDERS = 3  # characters of a column besides its cells: two blanks and a line
_NAME = 24  # characters that the names of recipes have at least; longer ones go on in the next line
_PER = "mean per question, the recipe deployed alone"


@dataclass(frozen=True)
class _Column:
    """A column of figures.

    Attributes:
        title: above it.
        cell: a row -> what stands there.
        tasks: it is of one task, one of several.
    """

    title: str
    cell: Callable[[Row], str]
    tasks: bool = False

    def width(self, rows: Sequence[Row]) -> int:
        """In characters, its border included."""
        return max(len(self.title), *(len(self.cell(one)) for one in rows if one.summary.failure is None), 0) + _BORDERS


_FIRST_TO_GO = ("weight reads", "open", "passes", "FLOPs", "at limit", "failed")


def print_figures(
    console: Console, title: str, rows: Sequence[Row], *, elsewhere: str, explained: bool = False, note: str = ""
) -> None:
    """Print a table, what its columns are, and which had no room.

    Args:
        console: as wide as the table may be.
        title: of the table.
        rows: names and figures.
        elsewhere: where all figures can be found, as a sentence goes on.
        explained: a table above has said what the columns are.
        note: what else is to be said of the table.
    """
    everything = list(_columns(rows))
    shown = _fitting(everything, rows, console.width)
    console.print(_table(title, rows, shown))
    if not explained:
        meanings(console, dict(_explained(shown)))
    left = [column for column in everything if column not in shown]
    if left:
        prose(console, f"Left out, as {console.width} columns are too few: {_listed(left)}; {elsewhere}.")
    for name, summary, _ in rows:
        if summary.failure is not None:
            prose(console, f"{name} failed on every question: {summary.failed[0].words}.")
    if note:
        prose(console, note)


def _score_of(task: str) -> Callable[[Row], str]:
    return lambda row: f"{row.summary.by_task[task]:.3f}"


def _columns(rows: Sequence[Row]) -> Iterator[_Column]:
    yield _Column("accuracy", lambda row: f"{row.summary.accuracy:.3f}")
    if any(row.expected is not None for row in rows):
        yield _Column("expected", lambda row: "" if row.expected is None else f"{row.expected:.3f}")
    tasks = list(dict.fromkeys(task for row in rows for task in row.summary.by_task))
    for task in tasks if len(tasks) > 1 else []:
        yield _Column(task, _score_of(task), tasks=True)
    if any(row.summary.failures for row in rows):
        yield _Column("failed", lambda row: f"{row.summary.failures:,}")
    if any(row.summary.at_limit for row in rows):
        yield _Column("at limit", lambda row: _at_limit(row.summary))
    yield _Column("FLOPs", lambda row: quantity(row.summary.cost.flops))
    yield _Column("weight reads", lambda row: f"{quantity(row.summary.cost.weight_reads)}B")
    yield _Column("passes", lambda row: f"{row.summary.cost.passes:.1f}")
    yield _Column("open", lambda row: percent(row.summary.open_share))


def _fitting(columns: Sequence[_Column], rows: Sequence[Row], width: int) -> list[_Column]:
    """Those that fit side by side; the columns of tasks go first, and all of them."""
    name = min(_NAME, max(len(_FIRST), *(len(row.name) for row in rows))) + _BORDERS + 1
    shown = list(columns)
    gone = [[column for column in columns if column.tasks]]
    gone += [[column for column in columns if column.title == title and not column.tasks] for title in _FIRST_TO_GO]
    for some in gone:
        if name + sum(column.width(rows) for column in shown) <= width:
            break
        shown = [column for column in shown if column not in some]
    return shown


def _table(title: str, rows: Sequence[Row], columns: Sequence[_Column]) -> Table:
    table = Table(title=escape(title), title_justify="left")
    table.add_column(_FIRST, overflow="fold")
    for column in columns:
        table.add_column(escape(column.title), justify="right", no_wrap=True)
    for row in rows:
        if row.summary.failure is not None:
            table.add_row(escape(row.name), "failed")
        else:
            table.add_row(escape(row.name), *(escape(column.cell(row)) for column in columns))
    return table


def _explained(columns: Sequence[_Column]) -> Iterator[tuple[str, str]]:
    tasks = [column.title for column in columns if column.tasks]
    costs = {column.title: MEANINGS[column.title] for column in columns if column.title in MEANINGS}
    meaning = {
        "accuracy": "mean score, 1 is all right; tasks count by their weights",
        "expected": "on other questions: less what searching and choosing flatter, shrunk towards the uniform mix",
        "failed": "questions that it has no answer to; they count as wrong",
        "at limit": "answers that max_bytes ended (cut off: before anything that the scorer could read)",
        **{name: f"{text}, {'likewise' if number else _PER}" for number, (name, text) in enumerate(costs.items())},
        "open": "share of steps at which any member besides the lead spoke; a member alone has none",
    }
    for column in columns:
        if not column.tasks:
            yield column.title, meaning[column.title]
        elif column.title == tasks[0]:
            yield f"{tasks[0]} ... {tasks[-1]}", "mean score of each task"


def _listed(columns: Sequence[_Column]) -> str:
    tasks = [column.title for column in columns if column.tasks]
    names = [f"the accuracy on each of the {len(tasks)} tasks"] if tasks else []
    return ", ".join([*names, *(column.title for column in columns if not column.tasks)])


def _at_limit(summary: Summary) -> str:
    """How many answers reached their limit of bytes, and how many of them before they could be read."""
    return f"{summary.at_limit:,}" + (f" ({summary.cut_off:,} cut off)" if summary.cut_off else "")
