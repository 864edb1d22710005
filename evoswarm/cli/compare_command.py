"""What the command ``compare`` does, and what it prints."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evoswarm.cli.output import say
from evoswarm.errors import SpaceError, Where

if TYPE_CHECKING:
    from rich.table import Table

    from evoswarm.cli.narrator import Narrator
    from evoswarm.space import SearchSpace
    from evoswarm.statistics.seeds import Estimate
    from evoswarm.study.comparison.record import SearchRecord
    from evoswarm.study.comparison.result import Comparison

_MOST_SEEDS = 10_000
_FILE_WIDTH = 160
_TITLES = {
    "final": "best on search",
    "area": "area under best-so-far",
    "selection": "champion on selection",
    "hypervolume": "hypervolume",
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
    from rich.console import Console

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
    Console(width=None if sys.stdout.isatty() else _FILE_WIDTH).print(comparison_table(comparison))
    for name in (COMPARISON, COMPARISON_PLOT):
        say(f"  {comparison.directory / name}")


def comparison_table(comparison: Comparison) -> Table:
    """Per algorithm, every measure with its interval, and its difference from the baseline."""
    from rich.table import Table

    baseline = comparison.baseline
    seeds = "1 seed" if len(comparison.seeds) == 1 else f"{len(comparison.seeds)} seeds"
    title = f"{comparison.space}: {comparison.evaluations} evaluations a search, {seeds}"
    table = Table(title=title, title_justify="left", caption_justify="left", show_lines=True)
    table.caption = (
        f"Mean \\[95% interval over seeds], accuracy 0 to 1; below it the lead over {baseline} on the same seeds.\n"
        "The area is the mean of best-so-far over all evaluations. More is better everywhere."
    )
    table.add_column("algorithm")
    for measure in comparison.measures:
        table.add_column(_TITLES[measure], justify="right")
    for algorithm in comparison.algorithms:
        cells = []
        for measure in comparison.measures:
            cell = words(comparison.estimate(measure, algorithm))
            if algorithm != baseline:
                cell += "\n" + words(comparison.difference(measure, algorithm), sign="+")
            cells.append(cell)
        table.add_row(algorithm, *cells)
    return table


def words(estimate: Estimate, sign: str = "-") -> str:
    """An estimate in a cell; without an interval where there is one seed only."""

    def number(value: float) -> str:
        return f"{value:{sign if round(value, 3) else '-'}z.3f}"  # nothing has no sign

    if estimate.low is None or estimate.high is None:
        return number(estimate.mean)
    return f"{number(estimate.mean)} \\[{number(estimate.low)}, {number(estimate.high)}]"
