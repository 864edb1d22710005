"""Which recipe is the champion: decided on the selection split, which evolution never saw.

Argmax over many recipes drags noise along. So the champion is the *cheapest* of the finalists that the best one
does not clearly beat, and members that hardly matter are dropped from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from evoswarm.controls.plain import MEMBER, UNIFORM, Contender, without
from evoswarm.errors import RunError
from evoswarm.evaluation.evaluation import Summary
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.experiment.scoring import hopeless
from evoswarm.pareto import ParetoFront
from evoswarm.policies.mix import Recipe
from evoswarm.statistics.paired import paired_standard_error
from evoswarm.tasks.task import Item, Task

FINALISTS = 20
"""Distinct recipes, best on the search split, that are tested again."""

DROP_TOLERANCE = 0.005
"""How far selection accuracy may fall, in all, while members are dropped."""

_ROUNDING = 1e-9  # of sums of scores


class Tested(Protocol):
    """What the choice of a champion looks at: of a recipe, or of whatever else answers items."""

    @property
    def scores(self) -> tuple[float, ...]:
        """Per item; a failure counts 0."""
        ...

    @property
    def accuracy(self) -> float:
        """Weighted mean accuracy."""
        ...

    @property
    def flops(self) -> float:
        """Mean operations per item, deployed alone."""
        ...

    @property
    def digest(self) -> str:
        """Settles ties."""
        ...


S = TypeVar("S", bound=Tested)


@dataclass(frozen=True)
class Standing:
    """A contender with what it did on the selection split."""

    name: str
    recipe: Recipe
    summary: Summary

    @property
    def scores(self) -> tuple[float, ...]:
        """Per item; a failure counts 0."""
        return self.summary.scores

    @property
    def accuracy(self) -> float:
        """Weighted mean accuracy.

        Raises:
            ValueError: it failed.
        """
        return self.summary.objective("accuracy")

    @property
    def digest(self) -> str:
        """Of the recipe."""
        return self.recipe.digest

    @property
    def is_rival(self) -> bool:
        """Whether it is a single member or the uniform mix."""
        return self.name == UNIFORM or self.name.startswith(MEMBER)

    @property
    def flops(self) -> float:
        """Mean operations per item, deployed alone."""
        return self.summary.cost.flops


@dataclass(frozen=True)
class Selection:
    """The outcome.

    Attributes:
        champion: the recipe that was chosen, after dropping.
        winner: the finalist it was made from.
        best: the finalist of greatest accuracy.
        standard_error: of the paired difference between best and winner.
        dropped: names of members that were dropped from the winner.
        standings: all contenders, best first; failures last.
        front: the non-dominated ones by the objectives.
        objectives: that the front is about.
    """

    champion: Standing
    winner: Standing
    best: Standing
    standard_error: float
    dropped: tuple[str, ...]
    standings: tuple[Standing, ...]
    front: tuple[Standing, ...]
    objectives: tuple[str, ...]


def select(
    evaluator: Evaluator,
    items: Sequence[Item],
    finalists: Sequence[Contender],
    others: Sequence[Contender],
    objectives: Sequence[str],
) -> Selection:
    """Evaluate on the selection split and choose.

    Args:
        evaluator: scores recipes.
        items: of the selection split.
        finalists: who may become champion.
        others: who only takes part in the front (the Pareto archive of a search with several objectives).
        objectives: of the search; a front over a single one is shown as accuracy against FLOPs.

    Raises:
        RunError: every finalist failed on every item.
    """
    standings = _standings(evaluator, items, _distinct([*others, *finalists]))
    eligible = {contender.recipe.digest for contender in finalists}
    able = [s for s in standings if s.summary.failure is None and s.recipe.digest in eligible]
    if not able:
        reason = hopeless([s.summary for s in standings if s.recipe.digest in eligible])
        raise RunError(f"expected a recipe that can be evaluated, got failures only: {reason}")
    best, winner = best_and_cheapest_near(able, items, evaluator.tasks)
    champion, dropped, tried = _drop_members(evaluator, items, winner, {s.recipe.digest: s for s in standings})
    everything = _ordered([*standings, *tried])
    champion_first = sorted(everything, key=lambda s: s.recipe.digest != champion.recipe.digest)
    axes = tuple(objectives) if len(objectives) > 1 else ("accuracy", "flops")
    return Selection(
        champion=champion,
        winner=winner,
        best=best,
        standard_error=paired_standard_error(best.scores, winner.scores, *_tasks_of(items, evaluator.tasks)),
        dropped=dropped,
        standings=everything,
        front=pareto_front([s for s in champion_first if s.summary.failure is None], axes),
        objectives=axes,
    )


def best_and_cheapest_near(able: Sequence[S], items: Sequence[Item], tasks: Mapping[str, Task]) -> tuple[S, S]:
    """The most accurate, and the cheapest within one paired standard error of it (Breiman et al. 1984, section 3.4.3).

    Args:
        able: at least one, none failed.
        items: of the selection split.
        tasks: by name.
    """
    names, weights = _tasks_of(items, tasks)
    best = min(able, key=lambda one: (-one.accuracy, one.flops, one.digest))
    near = [
        one
        for one in able
        if best.accuracy - one.accuracy <= paired_standard_error(best.scores, one.scores, names, weights)
    ]
    return best, min(near, key=lambda one: (one.flops, -one.accuracy, one.digest))


def _tasks_of(items: Sequence[Item], tasks: Mapping[str, Task]) -> tuple[list[str], dict[str, float]]:
    return [item.task for item in items], {name: task.weight for name, task in tasks.items()}


def pareto_front(standings: Sequence[Standing], objectives: Sequence[str]) -> tuple[Standing, ...]:
    """Those that no other one equals or betters in every objective and betters in one; best in the first first.

    Of several with equal values the first stands for all.
    """
    front: ParetoFront[Standing] = ParetoFront()
    for one in standings:
        values = [(1 if name.startswith("accuracy") else -1) * one.summary.objective(name) for name in objectives]
        front.add(tuple(values), one)
    return tuple(first for first, *_ in front.groups)


def _distinct(contenders: Sequence[Contender]) -> list[Contender]:
    """One contender per behaviour; the last name given to it is the plainest."""
    by_digest: dict[str, Contender] = {}
    for contender in contenders:
        by_digest[contender.recipe.digest] = contender
    return list(by_digest.values())


def _standings(evaluator: Evaluator, items: Sequence[Item], contenders: Sequence[Contender]) -> list[Standing]:
    summaries = evaluator.summaries([contender.recipe for contender in contenders], items)
    return [Standing(one.name, one.recipe, summary) for one, summary in zip(contenders, summaries, strict=True)]


def _drop_members(
    evaluator: Evaluator, items: Sequence[Item], winner: Standing, known: Mapping[str, Standing]
) -> tuple[Standing, tuple[str, ...], list[Standing]]:
    """Drop followers one by one, each time the one that is missed least, while accuracy falls within tolerance.

    What is left keeps the standing, and so the name, of a contender of the same behaviour (``known``, by digest).
    """
    champion = winner
    dropped: list[str] = []
    tried: list[Standing] = []
    while len(champion.recipe.members) > 1:
        followers = [m.spec.name for m in champion.recipe.members if m.spec.name != champion.recipe.lead]
        contenders = [
            Contender(f"{winner.name} without {', '.join([*dropped, name])}", without(champion.recipe, name))
            for name in followers
        ]
        fewer = [known.get(s.recipe.digest, s) for s in _standings(evaluator, items, contenders)]
        able = [(s, name) for s, name in zip(fewer, followers, strict=True) if s.summary.failure is None]
        if not able:
            break
        least, name = min(able, key=lambda pair: (-pair[0].accuracy, pair[0].flops, pair[1]))
        if winner.accuracy - least.accuracy > DROP_TOLERANCE + _ROUNDING:
            break
        champion = least
        dropped.append(name)
        tried.append(least)
    return champion, tuple(dropped), tried


def _ordered(standings: Sequence[Standing]) -> tuple[Standing, ...]:
    """Best first, one per behaviour, failures last."""
    first: dict[str, Standing] = {}
    for standing in standings:
        first.setdefault(standing.recipe.digest, standing)

    def key(standing: Standing) -> tuple[bool, float, float, str]:
        failed = standing.summary.failure is not None
        return failed, -(standing.summary.accuracy or 0.0), standing.flops, standing.recipe.digest

    return tuple(sorted(first.values(), key=key))
