"""Ways of coming to an answer: by decoding a recipe, by a vote, by a router; and two that look at the gold.

Every way decodes through the evaluator, so that whatever it needs is in the ledger and can be replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from evoswarm.controls.ballot import Ballot, ballot_evaluations
from evoswarm.evaluation.cost import Cost
from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.evaluation.judge import checked_score
from evoswarm.policies.mix import Recipe
from evoswarm.tasks.task import Item, Task


class Way(Protocol):
    """How items are answered."""

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """All that may have to be decoded."""

    def evaluations(self, evaluator: Evaluator, items: Sequence[Item]) -> list[Evaluation]:
        """One per item, in order; the cost is that of everything the way has to decode for the item.

        Raises:
            RunError: the ledger cannot be written.
            Stopped: the evaluator was told to stop.
        """


@dataclass(frozen=True)
class Decode:
    """Decode one recipe."""

    recipe: Recipe

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """The recipe."""
        return (self.recipe,)

    def evaluations(self, evaluator: Evaluator, items: Sequence[Item]) -> list[Evaluation]:
        """See ``Way``."""
        return evaluator.evaluate([self.recipe], items)[0]


@dataclass(frozen=True)
class Vote:
    """Hold a vote over whole answers."""

    ballot: Ballot

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """The voters'."""
        return tuple(voter.recipe for voter in self.ballot.voters)

    def evaluations(self, evaluator: Evaluator, items: Sequence[Item]) -> list[Evaluation]:
        """See ``Way``."""
        return ballot_evaluations(evaluator, [self.ballot], items)[0]


@dataclass(frozen=True)
class RouteByTask:
    """Decode, for every task, the recipe that was chosen for it.

    Attributes:
        by_task: (task's name, recipe).
        otherwise: for tasks without one.
    """

    by_task: tuple[tuple[str, Recipe], ...]
    otherwise: Recipe

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """Of all tasks."""
        return (*(recipe for _, recipe in self.by_task), self.otherwise)

    def evaluations(self, evaluator: Evaluator, items: Sequence[Item]) -> list[Evaluation]:
        """See ``Way``."""
        chosen, answered = dict(self.by_task), dict[int, Evaluation]()
        for task in dict.fromkeys(item.task for item in items):
            places = [place for place, item in enumerate(items) if item.task == task]
            rows = evaluator.evaluate([chosen.get(task, self.otherwise)], [items[place] for place in places])[0]
            answered.update(zip(places, rows, strict=True))
        return [answered[place] for place in range(len(items))]


@dataclass(frozen=True)
class MostConfident:
    """Decode all, and take the whole answer whose lead was the surest: of least mean entropy per step.

    Recipes that fail are passed over; ties go to the first.
    """

    recipes: tuple[Recipe, ...]

    def evaluations(self, evaluator: Evaluator, items: Sequence[Item]) -> list[Evaluation]:
        """See ``Way``."""
        return _one_of_each(evaluator, self.recipes, items, lambda row: row.entropy)


@dataclass(frozen=True)
class BestWithGold:
    """Decode all, and take the answer of the greatest score. Nobody can play that: it looks at the gold."""

    recipes: tuple[Recipe, ...]

    def evaluations(self, evaluator: Evaluator, items: Sequence[Item]) -> list[Evaluation]:
        """See ``Way``."""
        return _one_of_each(evaluator, self.recipes, items, lambda row: -(row.score or 0.0))


@dataclass(frozen=True)
class AnySampleWithGold:
    """Decode one recipe, and take the sample of the greatest score. Nobody can play that: it looks at the gold."""

    recipe: Recipe

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """The recipe."""
        return (self.recipe,)

    def evaluations(self, evaluator: Evaluator, items: Sequence[Item]) -> list[Evaluation]:
        """See ``Way``."""
        rows = evaluator.evaluate([self.recipe], items)[0]
        return [_best_sample(evaluator.tasks[item.task], item, row) for item, row in zip(items, rows, strict=True)]


def _one_of_each(
    evaluator: Evaluator, recipes: Sequence[Recipe], items: Sequence[Item], worth: Callable[[Evaluation], float]
) -> list[Evaluation]:
    """Per item the success of least ``worth``, at the cost of all; where all failed, the first failure."""
    found = []
    for rows in zip(*evaluator.evaluate(recipes, items), strict=True):
        able = [row for row in rows if row.failure is None]
        cost = Cost(tuple(member for row in rows for member in row.cost.members))
        found.append(replace(min(able, key=worth) if able else rows[0], cost=cost))
    return found


def _best_sample(task: Task, item: Item, row: Evaluation) -> Evaluation:
    if row.failure is not None:
        return row
    return replace(row, score=max((_score(task, item, text) for text in row.answers), default=0.0))


def _score(task: Task, item: Item, text: str) -> float:
    """A sample that the scorer cannot read is no right one."""
    try:
        return checked_score(task.score(item, text))
    except Exception:  # a user's own scorer may raise anything
        return 0.0
