"""Ways tried out on the selection split, and the plans that come of the best."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evoswarm.controls.contestant import Contestant
from evoswarm.controls.ways import Way
from evoswarm.evaluation.cost import Cost, CostTable, MemberCost
from evoswarm.evaluation.evaluation import Evaluation, item_weights, means_by_task, scores_of
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.evaluation.failures import failed_items
from evoswarm.tasks.task import Item, Task


@dataclass(frozen=True)
class Entrant:
    """A plan: a way of answering under a name.

    Attributes:
        key: see ``Contestant``.
        name: see ``Contestant``.
        description: see ``Contestant``.
        way: how it answers.
    """

    key: str
    name: str
    description: str
    way: Way

    def play(self, evaluator: Evaluator, items: Sequence[Item]) -> Contestant:
        """Answer the items; see ``Plan``."""
        rows = self.way.evaluations(evaluator, items)
        return Contestant(
            key=self.key,
            name=self.name,
            description=self.description,
            scores=scores_of(rows),
            failed=failed_items(row.failure for row in rows),
            at_limit=sum(row.ending in ("limit", "cut_off") for row in rows),
            cut_off=sum(row.ending == "cut_off" for row in rows),
            cost=mean_of_costs(items, rows, evaluator.tasks),
        )


@dataclass(frozen=True)
class Trial:
    """A way on the selection items.

    Attributes:
        way: how it answers.
        words: what it is, in a few words.
        rows: its evaluations, in the items' order.
        accuracy: weighted mean over tasks; a failure counts 0.
        by_task: mean score by task.
        flops: mean per item, deployed alone, tasks weighted.
    """

    way: Way
    words: str
    rows: tuple[Evaluation, ...]
    accuracy: float
    by_task: Mapping[str, float]
    flops: float

    def entrant(self, key: str, name: str, description: str) -> Entrant:
        """The plan to go on like this; the description ends with what was seen here."""
        return Entrant(key, name, f"{description}: {self.accuracy:.1%} on selection.", self.way)


class Trials:
    """Tries ways out on the selection split; whatever they share is decoded once.

    Args:
        evaluator: decodes.
        items: of the selection split.
    """

    def __init__(self, evaluator: Evaluator, items: Sequence[Item]) -> None:
        self.evaluator = evaluator
        self.items = items
        self._weights = item_weights(items, evaluator.tasks)

    def run(self, ways: Sequence[tuple[str, Way]]) -> list[Trial]:
        """Try (words, way) out, in order."""
        self.evaluator.prepare([recipe for _, way in ways for recipe in way.recipes], self.items)
        return [self._trial(words, way) for words, way in ways]

    def _trial(self, words: str, way: Way) -> Trial:
        rows = tuple(way.evaluations(self.evaluator, self.items))
        scores = scores_of(rows)
        return Trial(
            way=way,
            words=words,
            rows=rows,
            accuracy=math.fsum(score * weight for score, weight in zip(scores, self._weights, strict=True)),
            by_task=means_by_task(self.items, scores),
            flops=mean_of_costs(self.items, rows, self.evaluator.tasks).flops,
        )


def best_of(trials: Sequence[Trial], task: str | None = None) -> Trial:
    """The most accurate, overall or on one task; of equals the cheaper, then the first."""
    return min(trials, key=lambda trial: (-(trial.accuracy if task is None else trial.by_task[task]), trial.flops))


def mean_of_costs(items: Sequence[Item], rows: Sequence[Evaluation], tasks: Mapping[str, Task]) -> Cost:
    """Weighted mean, of failed items what was read; a member that an item does without costs nothing there."""
    names = tuple(dict.fromkeys(name for row in rows for name in row.cost.names))
    return CostTable.of([_by_name(row.cost, names) for row in rows]).mean(item_weights(items, tasks))


def _by_name(cost: Cost, names: tuple[str, ...]) -> Cost:
    """The cost vector over these members; what one of them did for several voters adds up."""
    if cost.names == names:
        return cost
    found: dict[str, list[MemberCost]] = {name: [] for name in names}
    for one in cost.members:
        found[one.name].append(one)
    return Cost(
        tuple(
            MemberCost(
                name=name,
                tokens=sum(one.tokens for one in ones),
                passes=sum(one.passes for one in ones),
                weight_reads=sum(one.weight_reads for one in ones),
                flops=sum(one.flops for one in ones),
                steps=sum(one.steps for one in ones),
            )
            for name, ones in found.items()
        )
    )
