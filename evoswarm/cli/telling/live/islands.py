"""The islands of a search side by side: a column each, or of each that there is room for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from evoswarm.cli.telling.live.glyphs import Glyphs
from evoswarm.cli.telling.live.line import Line, dim, plain
from evoswarm.experiment.wording import objective_value

if TYPE_CHECKING:
    from evoswarm.evolution.report import IslandReport

_CELL = (6, 20)  # columns of a cell, at least and at most
_LABEL, _GAP = 10, 2  # columns before all cells, and before each


def island_lines(
    islands: Sequence[IslandReport], objective: str, bests: Mapping[int, Sequence[float]], width: int, glyphs: Glyphs
) -> list[Line]:
    """A few lines: number, best, median, the course of the best, and for how long nothing got better.

    Args:
        islands: as the last generation left them.
        objective: the name of the first.
        bests: by island, the best value of the first objective behind every generation.
        width: of the terminal, columns.
        glyphs: to draw with.
    """
    least, most = _CELL
    room = max(1, (width - _LABEL) // (least + _GAP))
    shown = islands[:room]
    if not shown:
        return []
    cell = min(most, max(least, (width - _LABEL) // len(shown) - _GAP))
    values = [value for one in shown for value in bests.get(one.island, ())]
    low, high = (min(values), max(values)) if values else (0.0, 0.0)

    def course(report: IslandReport) -> str:
        return glyphs.curve(bests.get(report.island, ())[-cell:], low, high)

    def row(label: str, text: Callable[[IslandReport], str]) -> str:
        cells = "".join(" " * _GAP + f"{text(one):<{cell}.{cell}}" for one in shown)
        return f"{f'  {label}':<{_LABEL}}{cells}"

    lines = [
        dim(row("island", lambda one: str(one.island + 1))),
        plain(row("best", lambda one: objective_value(objective, one.best[0]) if one.best else "-")),
        plain(row("median", lambda one: objective_value(objective, one.median[0]) if one.median else "-")),
        *([plain(row("course", course))] if glyphs.heights else []),
        dim(row("stagnant", lambda one: "reseed" if one.reseeded else str(one.stagnant))),
    ]
    left = islands[room:]
    more = f"  and {len(left)} more island{'s' if len(left) > 1 else ''}"
    return [*lines, dim(more)] if left else lines
