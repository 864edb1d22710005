"""A study in one picture: importance with intervals, and every setting against the score."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.distributions import CategoricalDistribution, IntDistribution

from evoswarm.study.hyperparameters.hyperparameter import Hyperparameter
from evoswarm.study.hyperparameters.importance import Importance
from evoswarm.study.hyperparameters.record import TrialRecord
from evoswarm.study.hyperparameters.result import StudyResult

_COLUMNS, _CELL = 3, (4.2, 3.2)  # inches
_LEGEND = "orange: the default, green: the best, crosses: given up; bars: standard error over seeds"
_DEFAULT, _BEST, _OTHER = "#d95f02", "#1b9e77", "#7570b3"


def picture(result: StudyResult) -> bytes:
    """A PNG: of every trial that has scores their mean, with the standard error over seeds."""
    from matplotlib.figure import Figure

    study, settings, best = result.question.study, result.question.settings, result.best
    scored = [record for record in result.records if record.scores]
    rows = math.ceil((len(settings) + 1) / _COLUMNS)
    columns = min(_COLUMNS, len(settings) + 1)
    figure = Figure(figsize=(_CELL[0] * columns, _CELL[1] * rows + 0.4), layout="constrained")
    title = f"{study.name}: {len(result.records)} trials, each with {len(study.seeds)} seeds"
    figure.suptitle(f"{title}\n{_LEGEND}", fontsize=10)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    _draw_importances(panels[0], result.importances)
    for panel, setting in zip(panels[1:], settings, strict=False):
        panel.set_ylabel(f"{study.measure} accuracy", fontsize=8)
        _draw_setting(panel, setting, scored, best)
    for panel in panels[len(settings) + 1 :]:
        panel.axis("off")
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=110, format="png")
    return buffer.getvalue()


def _draw_importances(panel: Any, importances: Sequence[Importance]) -> None:
    panel.set_title("share of variance explained alone", fontsize=9)
    if not importances:
        panel.text(0.5, 0.5, "too few trials", ha="center", va="center", transform=panel.transAxes)
        panel.axis("off")
        return
    shown = list(reversed(importances))
    places = range(len(shown))
    panel.barh(places, [i.share for i in shown], color=_OTHER, alpha=0.6, label="share")
    reach = [[max(0.0, i.share - i.low) for i in shown], [max(0.0, i.high - i.share) for i in shown]]
    panel.errorbar([i.share for i in shown], places, xerr=reach, fmt="none", ecolor="black", capsize=3)
    panel.scatter([i.chance for i in shown], places, marker="|", s=120, color=_DEFAULT, label="by chance (95%)")
    panel.set_yticks(places, [i.path for i in shown], fontsize=7)
    panel.set_xlim(0, 1)
    panel.legend(fontsize=7, loc="lower right")  # where the shortest bars are


def _draw_setting(panel: Any, setting: Hyperparameter, records: Sequence[TrialRecord], best: TrialRecord) -> None:
    panel.set_title(setting.path, fontsize=9)
    labels, distribution = _in_order(setting.labels), setting.distribution
    for record in records:
        parameter = record.parameters[setting.path]
        place = labels.index(parameter) if labels else parameter
        colour = _DEFAULT if record.number == 0 else _BEST if record is best else _OTHER
        mark, error = "o" if record.state == "complete" else "x", record.standard_error or 0.0
        panel.errorbar([place], [record.mean], yerr=[error], fmt=mark, color=colour, alpha=0.8, markersize=5)
    if isinstance(distribution, CategoricalDistribution):
        panel.set_xticks(range(len(labels)), [text[:14] for text in labels], fontsize=7)
        panel.set_xlim(-0.5, len(labels) - 0.5)
    elif distribution.log:
        panel.set_xscale("log")
        ends = [distribution.low, float(setting.default), distribution.high]
        panel.set_xticks(ends, [f"{end:g}" for end in ends])
        panel.set_xticks([], minor=True)
    elif isinstance(distribution, IntDistribution):
        panel.locator_params(axis="x", integer=True)


def _in_order(labels: Mapping[str, Any]) -> list[str]:
    """Numbers by size, other values as they were given."""
    numbers = all(isinstance(value, int | float) for value in labels.values())
    return sorted(labels, key=lambda name: labels[name]) if numbers else list(labels)
