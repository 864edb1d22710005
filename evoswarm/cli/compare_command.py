"""What the command ``compare`` does, and what it prints."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from evoswarm.cli.showing.blocks import blocks
from evoswarm.errors import SpaceError, Where

if TYPE_CHECKING:
    from rich.table import Table

    from evoswarm.cli.telling.narrator import Narrator
    from evoswarm.space import SearchSpace
    from evoswarm.statistics.seeds import Estimate
    from evoswarm.study.comparison.record import SearchRecord
    from evoswarm.study.comparison.result import Comparison

_MOST_SEEDS = 10_000
_FIRST = "algorithm"
_TITLES = {
    "final": "best on search",
    "area": "area under best-so-far",
    "selection": "champion on selection",
    "hypervolume": "hypervolume",
}
_MEANINGS = {
    "final": "the greatest accuracy (0 to 1) on the search split at the end",
    "area": "its mean over all evaluations: who is early scores more",
    "selection": "the champion's accuracy on the selection split, which the search did not see",
    "hypervolume": "share of the box from the worst to the best of all objectives that the Pareto front covers",
}


def numbers(text: str, name: str = "--seeds") -> tuple[int, ...]:
    """The seeds that a text means: ``0-9``, ``3`` or ``0-4,7``.

    Args:
        text: of the option.
        name: of the option, for errors.

    Raises:
        SpaceError: the text means none, or one twice.
    """
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,18})(?:-(\d{1,18}))?\s*", part, re.ASCII)
        low, high = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not low <= high < low + _MOST_SEEDS:
            raise SpaceError(f"expected seeds such as 0-9 or 0,3,7, got {text!r}", Where(name))
        found += range(low, high + 1)
    if len(set(found)) < len(found):
        raise SpaceError(f"expected seeds that differ, got {text!r}", Where(name))
    return tuple(found)


def algorithms_named(text: str) -> list[str]:
    """The algorithms that a text names."""
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        expected = "expected names of algorithms with commas between them, such as archipelago,random"
        raise SpaceError(f"{expected}, got {text!r}", Where("--algorithms"))
    return names


def run_compare(
    space: SearchSpace,
    algorithms: Sequence[str],
    seeds: Sequence[int],
    evaluations: int,
    narrator: Narrator,
    *,
    out: Path,
    runs: Path,
) -> None:
    """Compare, telling of every search as it ends, then show a table of all measures.

    Raises:
        EvoswarmError: see ``evoswarm.study.comparison.compare.compare``.
    """
    from evoswarm.cli.showing.screen import files, make_console, meanings, prose
    from evoswarm.decoding.forward.devices import silence_loading
    from evoswarm.study.comparison.compare import compare
    from evoswarm.study.comparison.result import COMPARISON, COMPARISON_PLOT

    def show(one: SearchRecord, number: int, count: int) -> None:
        line = (
            f"{number}/{count} {one.algorithm}, seed {one.seed}: best {one.final:.3f}, area {one.area:.3f}, "
            f"champion {one.selection:.3f} on selection"
        )
        narrator.part("search", number, json.loads(one.to_json()), line)

    silence_loading()
    narrator.expect(len(algorithms) * len(seeds))
    comparison = compare(
        space,
        algorithms,
        seeds,
        evaluations,
        out=out,
        runs=runs,
        progress=narrator.progress,
        on_search=show,
    )
    narrator.result({"directory": str(comparison.directory), **comparison.as_dict()})
    if not narrator.to_people:
        return
    console = make_console()
    for table in comparison_tables(comparison, console.width):
        console.print(table)
    prose(
        console,
        f"Mean and 95% interval over seeds; below them the lead over {comparison.baseline} on the same seeds. A lead "
        "whose interval holds 0 was not shown. More is better everywhere.",
    )
    meanings(console, {_TITLES[measure]: _MEANINGS[measure] for measure in comparison.measures})
    whole = {COMPARISON: "every figure", COMPARISON_PLOT: "best so far against evaluations"}
    files(console, {comparison.directory / name: meaning for name, meaning in whole.items()})


def comparison_tables(comparison: Comparison, width: int) -> Iterator[Table]:
    """Per algorithm, every measure with its interval, and its difference from the baseline.

    Where that is too wide, intervals stand below their means; where that is too wide too, measures go over several
    tables.

    Args:
        comparison: of algorithms.
        width: that a table may have, characters.
    """
    first = max(len(_FIRST), *map(len, comparison.algorithms))
    columns = [_column(comparison, measure, " ") for measure in comparison.measures]
    found = list(blocks(first, [one.width for one in columns], width))
    if len(found) > 1:
        columns = [_column(comparison, measure, "\n") for measure in comparison.measures]
        found = list(blocks(first, [one.width for one in columns], width))
    for some in found:
        yield _table(comparison, [columns[place] for place in some], begins=some.start == 0)


class _MeasureColumn(NamedTuple):
    """A measure: its title, and a cell for every algorithm."""

    title: str
    cells: tuple[str, ...]

    @property
    def width(self) -> int:
        """In characters."""
        return max(len(line) for text in (self.title, *self.cells) for line in text.split("\n"))


def _column(comparison: Comparison, measure: str, between: str) -> _MeasureColumn:
    cells = []
    for algorithm in comparison.algorithms:
        cell = words(comparison.estimate(measure, algorithm), between=between)
        if algorithm != comparison.baseline:
            cell += "\n" + words(comparison.difference(measure, algorithm), sign="+", between=between)
        cells.append(cell)
    return _MeasureColumn(_TITLES[measure].replace(" ", between), tuple(cells))


def _table(comparison: Comparison, columns: Sequence[_MeasureColumn], *, begins: bool) -> Table:
    from rich.markup import escape
    from rich.table import Table

    seeds = "1 seed" if len(comparison.seeds) == 1 else f"{len(comparison.seeds)} seeds"
    title = f"{comparison.space}: {comparison.evaluations} evaluations a search, {seeds}"
    table = Table(title=title if begins else None, title_justify="left", show_lines=True)
    table.add_column(_FIRST, overflow="fold")
    for column in columns:
        table.add_column(column.title, justify="right", no_wrap=True)
    for number, algorithm in enumerate(comparison.algorithms):
        table.add_row(algorithm, *(escape(column.cells[number]) for column in columns))
    return table


def words(estimate: Estimate, sign: str = "-", between: str = " ") -> str:
    """An estimate in a cell; without an interval where there is one seed only."""

    def number(value: float) -> str:
        return f"{value:{sign if round(value, 3) else '-'}z.3f}"  # nothing has no sign

    if estimate.low is None or estimate.high is None:
        return number(estimate.mean)
    return f"{number(estimate.mean)}{between}[{number(estimate.low)}, {number(estimate.high)}]"
