"""The plot of a comparison: best-so-far curves with bands over seeds."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from evoswarm.statistics.seeds import Estimate
from evoswarm.study.comparison.result import Comparison

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_POINTS = 200
_SIZE = (8.0, 5.0)  # inches
_DPI = 120


def picture(comparison: Comparison) -> bytes:
    """The plot as a PNG. No figure is registered with pyplot, no setting of matplotlib is touched."""
    figure = Figure(figsize=_SIZE, dpi=_DPI, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for number, algorithm in enumerate(comparison.algorithms):
        _draw(axes, comparison, algorithm, f"C{number}")
    axes.set_xlabel("evaluations (recipe, item)")
    axes.set_ylabel("best accuracy so far, search split")
    seeds = "1 seed" if len(comparison.seeds) == 1 else f"mean and 95% interval over {len(comparison.seeds)} seeds"
    axes.set_title(f"{comparison.space}: {seeds}")
    axes.set_xlim(0, comparison.evaluations)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    buffer = io.BytesIO()
    canvas.print_png(buffer)
    return buffer.getvalue()


def _draw(axes: Axes, comparison: Comparison, algorithm: str, colour: str) -> None:
    """One algorithm from where all its searches have ended their first generation."""
    searches = comparison.of(algorithm)
    known: dict[float, Estimate] = {}
    for place in (comparison.evaluations * point / _POINTS for point in range(_POINTS + 1)):
        row = [value for one in searches if (value := one.at(place)) is not None]
        if len(row) == len(searches):
            known[place] = Estimate.of(row).within(0.0, 1.0)
    x = list(known)
    axes.step(x, [one.mean for one in known.values()], where="post", color=colour, label=algorithm)
    if len(searches) > 1:
        low = [one.mean if one.low is None else one.low for one in known.values()]
        high = [one.mean if one.high is None else one.high for one in known.values()]
        axes.fill_between(x, low, high, step="post", color=colour, alpha=0.15, linewidth=0)
