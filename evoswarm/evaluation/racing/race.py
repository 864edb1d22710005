"""A race: policies are scored rung by rung, and those that can no longer become elites stop."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from evoswarm.evaluation.evaluation import Evaluation, Summary, summarize
from evoswarm.evaluation.racing.rungs import RungSchedule
from evoswarm.policies import Policy
from evoswarm.statistics.paired import ItemScores, StratifiedEstimate, TaskStrata, mean_scores
from evoswarm.tasks.task import Item, Task

P = TypeVar("P", bound=Policy)
P_contra = TypeVar("P_contra", bound=Policy, contravariant=True)

DROP_ERRORS = 1.28
"""A policy is dropped when it is behind by more standard errors than this: one-sided 90%."""

REFERENCES = 8
"""The best policies that know all items: their mean score on an item says how easy it is."""


class ScoresPolicies(Protocol[P_contra]):
    """What a race asks for scores: an :class:`~evoswarm.evaluation.evaluator.Evaluator`, or a matrix of scores."""

    @property
    def tasks(self) -> Mapping[str, Task]:
        """By name."""
        ...

    def evaluate(self, policies: Sequence[P_contra], items: Sequence[Item], /) -> list[list[Evaluation]]:
        """Score every policy on every item."""
        ...


@dataclass(frozen=True)
class Bracket(Generic[P]):
    """Policies that compete for the same places: those of one island.

    Attributes:
        elites: how many places there are; 1 or more.
        challengers: policies to be scored.
        incumbents: digests of policies that hold places now; they were challengers of an earlier race.
    """

    elites: int
    challengers: tuple[P, ...]
    incumbents: tuple[str, ...] = ()

    @property
    def digests(self) -> list[str]:
        """All who compete, each once, incumbents first: of equals they come first."""
        return list(dict.fromkeys([*self.incumbents, *(policy.digest for policy in self.challengers)]))


@dataclass(frozen=True)
class RaceResult:
    """What a race knows of a policy.

    Attributes:
        summary: over the items that it was scored on.
        estimate: of the objective over all items; None for a failure.
        complete: whether it was scored on all of them.
    """

    summary: Summary
    estimate: StratifiedEstimate | None
    complete: bool

    @property
    def bound(self) -> float | None:
        """What selection compares: one standard error less than the estimate says, so that luck on a few items wins no
        place. None for a failure."""
        return None if self.estimate is None else self.estimate.lower(1.0)

    def to_json(self) -> dict[str, Any]:
        """What the lineage says of an individual that raced: its estimated objective, and what that rests on."""
        mean, error = ([], 0.0) if self.estimate is None else ([self.estimate.mean], self.estimate.error)
        return {"objectives": mean, "items": self.summary.items, "standard_error": error}


class Race(Generic[P]):
    """Races policies over rungs of items, generation by generation, and remembers what each has shown.

    All challengers are scored on the first rung. One goes on to the next rung while it could still become an elite:
    while the upper bound of its paired difference to the last elite of its bracket is not below 0. The elites are the
    best by estimate, of the incumbents and of those that still run. So the cutoff is statistical, as in Hoeffding races
    (Maron & Moore 1994) and in F-race and irace (Birattari et al. 2002; Lopez-Ibanez et al. 2016), and the rungs are
    those of successive halving (Jamieson & Talwalkar 2016). Bounds are normal ones: Hoeffding's and Bernstein's are too
    wide to drop anybody on few dozen items.

    At the end nobody is an elite by luck: whoever is among the best by its *lower* bound is scored on all items.
    The others keep an estimate: the paired difference to the mean of the best policies that know all items (a control
    variate), so that an easy rung does not flatter. An item that failed is a wrong answer; who failed on every item of
    its first rung has failed, and stops.

    Args:
        evaluator: scores policies; one call per rung, for all brackets.
        items: of the search split.
        sizes: of the rungs, growing; the last is all items.
        objective: ``accuracy`` or ``accuracy:TASK``.
    """

    def __init__(
        self, evaluator: ScoresPolicies[P], items: Sequence[Item], sizes: Sequence[int], objective: str
    ) -> None:
        self._evaluator, self._items, self._objective = evaluator, items, objective
        self._schedule = RungSchedule(items, sizes)
        task = objective.partition(":")[2]
        counted = [task] if task else list(self._schedule.by_task)
        total = math.fsum(evaluator.tasks[name].weight for name in counted)
        weights = {name: evaluator.tasks[name].weight / total for name in counted}
        self._strata = TaskStrata({name: self._schedule.by_task[name] for name in counted}, weights)
        self._policies: dict[str, P] = {}
        self._known: dict[str, dict[int, Evaluation]] = {}

    def run(self, generation: int, brackets: Sequence[Bracket[P]]) -> Mapping[str, RaceResult]:
        """One race.

        Args:
            generation: from 0; decides which items the rungs hold.
            brackets: all islands'.

        Returns:
            What is known, by digest, of every challenger and every incumbent; incumbents that had not been scored on
            all items run again, so theirs may be news.
        """
        for policy in (policy for bracket in brackets for policy in bracket.challengers):
            self._policies.setdefault(policy.digest, policy)
            self._known.setdefault(policy.digest, {})
        everyone = list(dict.fromkeys(digest for bracket in brackets for digest in bracket.digests))
        running = self._unfinished(everyone)
        for rung in self._schedule.rungs(generation):
            self._score(running, rung)
            running = self._unfinished(running)
            able = self._able(brackets, set(running))
            running = [digest for digest in running if digest in able]
        while owed := self._owed(brackets):
            self._score(owed, range(len(self._items)))
        reference = self._reference()
        return {digest: self._result(digest, reference) for digest in everyone}

    def _score(self, digests: Sequence[str], places: Sequence[int]) -> None:
        if not digests:
            return
        policies = [self._policies[digest] for digest in digests]
        rows = self._evaluator.evaluate(policies, [self._items[place] for place in places])
        for digest, row in zip(digests, rows, strict=True):
            self._known[digest].update(zip(places, row, strict=True))

    def _able(self, brackets: Sequence[Bracket[P]], running: set[str]) -> set[str]:
        """Who of the runners could still become an elite of some bracket."""
        reference = self._reference()
        able: set[str] = set()
        for bracket in brackets:
            field = [d for d in bracket.digests if d in running or self._complete(d)]
            ranked = sorted(field, key=lambda digest: -self._estimate(digest, reference).mean)
            if ranked:
                last = self._scores(ranked[min(bracket.elites, len(ranked)) - 1])
                behind = {digest: self._strata.difference(self._scores(digest), last) for digest in field}
                able.update(digest for digest in field if behind[digest].upper(DROP_ERRORS) >= 0)
        return able

    def _owed(self, brackets: Sequence[Bracket[P]]) -> list[str]:
        """Who would become an elite without having been scored on all items."""
        reference = self._reference()
        owed: dict[str, None] = {}
        for bracket in brackets:
            field = [digest for digest in bracket.digests if not self._failed(digest)]
            ranked = sorted(field, key=lambda digest: -self._estimate(digest, reference).lower(1.0))
            owed.update(dict.fromkeys(self._unfinished(ranked[: bracket.elites])))
        return list(owed)

    def _reference(self) -> ItemScores:
        """How easy each item is: the mean score of the best who know all; empty as long as there are none."""
        rows = [self._scores(digest) for digest in self._known if self._complete(digest)]
        return mean_scores(sorted(rows, key=self._strata.mean, reverse=True)[:REFERENCES])

    def _estimate(self, digest: str, reference: ItemScores) -> StratifiedEstimate:
        scores = self._scores(digest)
        if self._complete(digest):
            return StratifiedEstimate(self._strata.mean(scores), 0.0)
        if not reference:
            return self._strata.difference(scores, dict.fromkeys(scores, 0.0))
        ahead = self._strata.difference(scores, reference)
        return StratifiedEstimate(min(1.0, max(0.0, self._strata.mean(reference) + ahead.mean)), ahead.error)

    def _result(self, digest: str, reference: ItemScores) -> RaceResult:
        places = sorted(self._known[digest])
        rows = [self._known[digest][place] for place in places]
        summary = summarize([self._items[place] for place in places], rows, self._evaluator.tasks)
        if summary.failure is not None:
            return RaceResult(summary, None, False)
        if self._complete(digest):  # to the last bit what a search without racing would see
            return RaceResult(summary, StratifiedEstimate(summary.objective(self._objective), 0.0), True)
        return RaceResult(summary, self._estimate(digest, reference), False)

    def _scores(self, digest: str) -> dict[int, float]:
        return {place: float(row.score or 0.0) for place, row in self._known[digest].items()}

    def _failed(self, digest: str) -> bool:
        """Whether it has failed on all it was asked; before it was asked, it has not."""
        rows = self._known[digest].values()
        return bool(rows) and all(row.failure is not None for row in rows)

    def _complete(self, digest: str) -> bool:
        return len(self._known[digest]) == len(self._items) and not self._failed(digest)

    def _unfinished(self, digests: Sequence[str]) -> list[str]:
        return [digest for digest in digests if not self._complete(digest) and not self._failed(digest)]
