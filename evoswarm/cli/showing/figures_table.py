"""Recipes side by side: accuracy, in all and per task, and what they cost deployed alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from evoswarm.cli.showing.blocks import blocks
from evoswarm.cli.showing.screen import meanings, prose
from evoswarm.cli.showing.terminal import visible
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
_NAME = 24  # characters of the names of recipes at most, and a third of a line; longer ones go on in the next line
_PER = "mean per question, the recipe deployed alone"


@dataclass(frozen=True)
class _FigureColumn:
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
        """Of the cells, in characters."""
        return max(len(self.title), *(len(self.cell(one)) for one in rows if one.summary.failure is None), 0)


def print_figures(
    console: Console, title: str, rows: Sequence[Row], *, explained: bool = False, note: str = ""
) -> None:
    """Print a table and what its columns are; columns that have no room stand in further tables below.

    Args:
        console: as wide as a table may be.
        title: of the table.
        rows: names and figures.
        explained: a table above has said what the columns are.
        note: what else is to be said of the table.
    """
    columns = list(_columns(rows))
    name = min(_NAME, max(len(_FIRST), console.width // 3), max(len(_FIRST), *(len(row.name) for row in rows)))
    for some in blocks(name, [column.width(rows) for column in columns], console.width):
        console.print(_table(title if some.start == 0 else None, rows, [columns[place] for place in some]))
    if not explained:
        meanings(console, dict(_explained(columns)))
    for name_of, summary, _ in rows:
        if summary.failure is not None:
            prose(console, f"{name_of} failed on every question: {summary.failed[0].words}.")
    if note:
        prose(console, note)


def _score_of(task: str) -> Callable[[Row], str]:
    return lambda row: f"{row.summary.by_task[task]:.3f}"


def _columns(rows: Sequence[Row]) -> Iterator[_FigureColumn]:
    yield _FigureColumn("accuracy", lambda row: f"{row.summary.accuracy:.3f}")
    if any(row.expected is not None for row in rows):
        yield _FigureColumn("expected", lambda row: "" if row.expected is None else f"{row.expected:.3f}")
    tasks = list(dict.fromkeys(task for row in rows for task in row.summary.by_task))
    for task in tasks if len(tasks) > 1 else []:
        yield _FigureColumn(task, _score_of(task), tasks=True)
    if any(row.summary.failures for row in rows):
        yield _FigureColumn("failed", lambda row: f"{row.summary.failures:,}")
    if any(row.summary.at_limit for row in rows):
        yield _FigureColumn("at limit", lambda row: _at_limit(row.summary))
    yield _FigureColumn("FLOPs", lambda row: quantity(row.summary.cost.flops))
    yield _FigureColumn("weight reads", lambda row: f"{quantity(row.summary.cost.weight_reads)}B")
    yield _FigureColumn("passes", lambda row: f"{row.summary.cost.passes:.1f}")
    yield _FigureColumn("open", lambda row: percent(row.summary.open_share))


def _table(title: str | None, rows: Sequence[Row], columns: Sequence[_FigureColumn]) -> Table:
    table = Table(title=title and escape(title), title_justify="left")
    table.add_column(_FIRST, overflow="fold")
    for column in columns:
        table.add_column(escape(column.title), justify="right", no_wrap=True)
    for row in rows:
        if row.summary.failure is not None:
            table.add_row(escape(visible(row.name)), "failed")
        else:
            table.add_row(escape(visible(row.name)), *(escape(column.cell(row)) for column in columns))
    return table


def _explained(columns: Sequence[_FigureColumn]) -> Iterator[tuple[str, str]]:
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


def _at_limit(summary: Summary) -> str:
    """How many answers reached their limit of bytes, and how many of them before they could be read."""
    return f"{summary.at_limit:,}" + (f" ({summary.cut_off:,} cut off)" if summary.cut_off else "")
