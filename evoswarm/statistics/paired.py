"""Differences of two answerers over the same items, stratified by task, with plain standard errors.

Searches and races decide by these, many thousand times; the certificate's intervals are in
`evoswarm.statistics.intervals`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

ItemScores = Mapping[int, float]
"""Scores of one answerer, by the place of the item."""

LARGEST_VARIANCE = 1.0
"""Of a difference of two scores that is 0 in the mean."""


def paired_standard_error(
    first: Sequence[float], second: Sequence[float], tasks: Sequence[str], weights: Mapping[str, float]
) -> float:
    """Standard error of the difference of two weighted means over the same items.

    A task with a single item says nothing of its spread: the largest possible variance stands in.

    Args:
        first: scores, per item.
        second: of the other, in the same order.
        tasks: names of the items' tasks, in the same order.
        weights: by task, > 0, on any scale.
    """
    groups: dict[str, list[float]] = {}
    for task, one, other in zip(tasks, first, second, strict=True):
        groups.setdefault(task, []).append(one - other)
    total = math.fsum(weights[task] for task in groups)
    variance = 0.0
    for task, group in groups.items():
        spread = math.fsum(_squares(group)) / (len(group) - 1) if len(group) > 1 else LARGEST_VARIANCE
        variance += (weights[task] / total) ** 2 * spread / len(group)
    return math.sqrt(variance)


@dataclass(frozen=True)
class StratifiedEstimate:
    """A mean over all items, as some of them tell.

    Attributes:
        mean: the estimate.
        error: its standard error; 0 where all items are known.
    """

    mean: float
    error: float

    def upper(self, errors: float) -> float:
        """The upper bound that lies so many standard errors above."""
        return self.mean + errors * self.error

    def lower(self, errors: float) -> float:
        """The lower bound that lies so many standard errors below."""
        return self.mean - errors * self.error


@dataclass(frozen=True)
class TaskStrata:
    """All items of a finite population, by task, and what each task counts.

    Attributes:
        places: of the items of every task that counts.
        weights: of these tasks; they sum to 1.
    """

    places: Mapping[str, Sequence[int]]
    weights: Mapping[str, float]

    def mean(self, scores: ItemScores) -> float:
        """Weighted mean over tasks of the tasks' means; every task has an item that is known."""
        return math.fsum(weight * _mean(self._known(task, scores)) for task, weight in self.weights.items())

    def difference(self, first: ItemScores, second: ItemScores) -> StratifiedEstimate:
        """First minus second over all items, from the items that both know: at least one of every task.

        The spread within tasks is pooled, as a rung holds few items of each, and one more observation of the largest
        possible variance is added: that few items agree is no certainty. Items are drawn without replacement, so the
        error falls to 0 as all become known (Cochran 1977, sections 2.6 and 5.6).
        """
        both = {place: first[place] - second[place] for place in first if place in second}
        groups = {task: self._known(task, both) for task in self.weights}
        squares = math.fsum(square for group in groups.values() for square in _squares(group))
        freedom = sum(len(group) - 1 for group in groups.values())
        spread = (squares + LARGEST_VARIANCE) / (freedom + 1)
        variance = math.fsum(
            weight**2 * spread / len(groups[task]) * (1 - len(groups[task]) / len(self.places[task]))
            for task, weight in self.weights.items()
        )
        return StratifiedEstimate(self.mean(both), math.sqrt(max(0.0, variance)))

    def _known(self, task: str, scores: ItemScores) -> list[float]:
        return [scores[place] for place in self.places[task] if place in scores]


def mean_scores(rows: Sequence[ItemScores]) -> dict[int, float]:
    """Mean score of several answerers on every item; all of them know the same items."""
    return {place: _mean([row[place] for row in rows]) for place in (rows[0] if rows else ())}


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _squares(values: Sequence[float]) -> Iterable[float]:
    mean = _mean(values)
    return ((value - mean) ** 2 for value in values)
