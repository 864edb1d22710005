"""Routes put together from scores that are known, and what they are worth, by nested cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evoswarm.evaluation.routes.assignment import Labels, PolicyScores, assigned, overall_best
from evoswarm.policies.partition import Partition
from evoswarm.statistics.by_task import folds
from evoswarm.statistics.intervals import Vector
from evoswarm.tasks.task import Item

FOLDS = 5


@dataclass(frozen=True)
class KnownScores:
    """What is known of some policies on some items.

    Attributes:
        scores: ``[policies, items]``; NaN where a score is not known. At least one policy is known everywhere.
        weights: ``[items]``, > 0.
        flops: of the policies, mean per item.
        items: in order.
    """

    scores: PolicyScores
    weights: Vector
    flops: Sequence[float]
    items: Sequence[Item]


@dataclass(frozen=True)
class Composition:
    """A route over policies, by their positions.

    Attributes:
        partition: how items are told apart; None where all go to one policy.
        first: the best policy everywhere: it answers what is of no kind.
        chosen: per kind, who answers.
        labels: of the items, their kinds.
        accuracy: by cross-validation, of choosing the policies in this partition.
        held_out: per item, the score of what would have been composed, partition included, without the item's fold.
        alone: likewise, of the best policy everywhere.
    """

    partition: Partition | None
    first: int
    chosen: tuple[int, ...]
    labels: Labels
    accuracy: float
    held_out: tuple[float, ...]
    alone: tuple[float, ...]


def composed(evidence: KnownScores, partitions: Sequence[Partition], most: int | None = None) -> Composition:
    """The best composition over some partitions, or no partition at all, by cross-validation.

    Of equals the first counts, and no partition before all. Clusters of prompts know no scores, so they may be those of
    all items; whatever depends on scores is chosen anew without the fold that is predicted.

    Args:
        evidence: of at least two items.
        partitions: to choose from.
        most: distinct policies of a route; None is any number.
    """
    ways = [_NoPartition, *partitions]
    labels = [_labels(one, evidence.items) for one in ways]
    places = folds([item.task for item in evidence.items], FOLDS)
    everything = np.ones(len(evidence.items), dtype=bool)
    trials = _Trials(evidence, [one.cells for one in ways], labels, most)
    best, predicted = trials.best(places, everything)
    held_out, alone = np.zeros(len(evidence.items)), np.zeros(len(evidence.items))
    for fold in range(FOLDS):
        rest = places != fold
        if rest.all():
            continue
        inner, _ = trials.best(places, rest)
        held_out[~rest] = trials.predicted(inner, rest, ~rest)
        alone[~rest] = trials.predicted(0, rest, ~rest)
    first, chosen = trials.made(best, everything)
    accuracy = float(predicted @ evidence.weights / evidence.weights.sum())
    partition = None if best == 0 else partitions[best - 1]
    estimates = (tuple(map(float, scores)) for scores in (held_out, alone))
    return Composition(partition, first, tuple(chosen), labels[best], accuracy, *estimates)


_NoPartition = Partition(tasks=("",))  # no item is of that task: the first policy answers all


def _labels(partition: Partition, items: Sequence[Item]) -> Labels:
    cells = [partition.cell(item.task, item.prompt) for item in items]
    return np.array([-1 if cell is None else cell for cell in cells], dtype=np.int64)


@dataclass(frozen=True)
class _Trials:
    """Compositions made on some items and tried on others."""

    evidence: KnownScores
    cells: Sequence[int]
    labels: Sequence[Labels]
    most: int | None

    def made(self, way: int, items: np.ndarray) -> tuple[int, list[int]]:
        """The best policy everywhere, and the policy for each kind, as these items say."""
        known = self.evidence
        scores, weights = known.scores[:, items], known.weights[items]
        first = overall_best(scores, weights, known.flops)
        labels, cells = self.labels[way][items], self.cells[way]
        return first, assigned(scores, weights, labels, cells, first, known.flops, self.most)

    def predicted(self, way: int, items: np.ndarray, others: np.ndarray) -> Vector:
        """Scores on other items of what these items say; where one is not known, that of the best policy everywhere."""
        first, chosen = self.made(way, items)
        policies = np.array([*chosen, first])[self.labels[way][others]]  # no kind is -1: the last
        scores = self.evidence.scores[:, others]
        found = scores[policies, np.arange(scores.shape[1])]
        known: Vector = np.where(np.isnan(found), scores[first], found)
        return known

    def best(self, folds: Labels, items: np.ndarray) -> tuple[int, Vector]:
        """The way of greatest accuracy by cross-validation within some items, and its scores on them."""
        weights, found = self.evidence.weights[items], []
        for way in range(len(self.labels)):
            scores = np.zeros(len(folds))
            for fold in np.unique(folds[items]):
                rest, held = items & (folds != fold), items & (folds == fold)
                scores[held] = self.predicted(way, rest, held)
            found.append(scores[items])
        accuracies = [round(float(scores @ weights), 9) for scores in found]
        best = accuracies.index(max(accuracies))
        return best, found[best]
