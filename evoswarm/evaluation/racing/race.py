"""A race: recipes are scored rung by rung, and those that can no longer win a place stop."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from evoswarm.evaluation.evaluation import Evaluation, Summary, summarize
from evoswarm.evaluation.racing.rota import Rota
from evoswarm.policies.mix import Recipe
from evoswarm.statistics.paired import Scores, StratifiedEstimate, TaskStrata, mean_scores
from evoswarm.tasks.task import Item, Task

DROP_ERRORS = 1.28
"""A recipe is dropped when it is behind by more standard errors than this: one-sided 90%."""

REFERENCES = 8
"""The best recipes that know all items: their mean score on an item says how easy it is."""


class Scorer(Protocol):
    """What a race asks for scores: an :class:`~evoswarm.evaluation.evaluator.Evaluator`, or a matrix of scores."""

    @property
    def tasks(self) -> Mapping[str, Task]:
        """By name."""
        ...

    def evaluate(self, recipes: Sequence[Recipe], items: Sequence[Item]) -> list[list[Evaluation]]:
        """Score every recipe on every item."""
        ...


@dataclass(frozen=True)
class Contest:
    """Who competes for the same places: those of one island.

    Attributes:
        places: how many there are; 1 or more.
        newcomers: recipes to be scored.
        holders: digests of recipes that hold places now; they were newcomers of an earlier race.
    """

    places: int
    newcomers: tuple[Recipe, ...]
    holders: tuple[str, ...] = ()


@dataclass(frozen=True)
class Standing:
    """What a race knows of a recipe.

    Attributes:
        summary: over the items that it was scored on.
        estimate: of the objective over all items; None for a failure.
        complete: whether it was scored on all of them.
    """

    summary: Summary
    estimate: StratifiedEstimate | None
    complete: bool


class Race:
    """Races recipes over rungs of items, generation by generation, and remembers what each has shown.

    All newcomers are scored on the first rung. One goes on to the next rung while it could still win a place: while
    the upper bound of its paired difference to whoever holds the last place of its contest is not below 0. The place
    holders are the best by estimate, of those that hold places already and of those that still run. So the cutoff is
    statistical, as in Hoeffding races (Maron & Moore 1994) and in F-race and irace (Birattari et al. 2002;
    Lopez-Ibanez et al. 2016), and the rungs are those of successive halving (Jamieson & Talwalkar 2016). Bounds are
    normal ones: Hoeffding's and Bernstein's are too wide to drop anybody on few dozen items.

    At the end nobody holds a place by luck: whoever is among the best by its *lower* bound is scored on all items.
    The others keep an estimate: the paired difference to the mean of the best recipes that know all items (a control
    variate), so that an easy rung does not flatter. An item that failed is a wrong answer; who failed on every item of
    its first rung has failed, and stops.

    Args:
        evaluator: scores recipes; one call per rung, for all contests.
        items: of the search split.
        sizes: of the rungs, growing; the last is all items.
        objective: ``accuracy`` or ``accuracy:TASK``.
    """

    def __init__(self, evaluator: Scorer, items: Sequence[Item], sizes: Sequence[int], objective: str) -> None:
        self._evaluator, self._items, self._objective = evaluator, items, objective
        self._rota = Rota(items, sizes)
        task = objective.partition(":")[2]
        counted = [task] if task else list(self._rota.by_task)
        total = math.fsum(evaluator.tasks[name].weight for name in counted)
        weights = {name: evaluator.tasks[name].weight / total for name in counted}
        self._strata = TaskStrata({name: self._rota.by_task[name] for name in counted}, weights)
        self._recipes: dict[str, Recipe] = {}
        self._known: dict[str, dict[int, Evaluation]] = {}
        self._standings: dict[str, Standing] = {}

    def run(self, generation: int, contests: Sequence[Contest]) -> Mapping[str, Standing]:
        """One race.

        Args:
            generation: from 0; decides which items the rungs hold.
            contests: all islands'.

        Returns:
            What is known, by digest, of every newcomer and every holder; holders that had not been scored on all
            items run again, so theirs may be news.
        """
        for recipe in (recipe for contest in contests for recipe in contest.newcomers):
            self._recipes.setdefault(recipe.digest, recipe)
            self._known.setdefault(recipe.digest, {})
        everyone = list(dict.fromkeys(digest for contest in contests for digest in _digests(contest)))
        running = self._unfinished(everyone)
        for rung in self._rota.rungs(generation):
            self._score(running, rung)
            running = self._unfinished(running)
            able = self._able(contests, set(running))
            running = [digest for digest in running if digest in able]
        while owed := self._owed(contests):
            self._score(owed, range(len(self._items)))
        reference = self._reference()
        self._standings.update((digest, self._standing(digest, reference)) for digest in everyone)
        return {digest: self._standings[digest] for digest in everyone}

    def _score(self, digests: Sequence[str], places: Sequence[int]) -> None:
        if not digests:
            return
        recipes = [self._recipes[digest] for digest in digests]
        rows = self._evaluator.evaluate(recipes, [self._items[place] for place in places])
        for digest, row in zip(digests, rows, strict=True):
            self._known[digest].update(zip(places, row, strict=True))

    def _able(self, contests: Sequence[Contest], running: set[str]) -> set[str]:
        """Who of the runners could still win a place of some contest."""
        reference = self._reference()
        able: set[str] = set()
        for contest in contests:
            field = [d for d in _digests(contest) if d in running or self._complete(d)]
            ranked = sorted(field, key=lambda digest: -self._estimate(digest, reference).mean)
            if ranked:
                last = self._scores(ranked[min(contest.places, len(ranked)) - 1])
                behind = {digest: self._strata.difference(self._scores(digest), last) for digest in field}
                able.update(digest for digest in field if behind[digest].upper(DROP_ERRORS) >= 0)
        return able

    def _owed(self, contests: Sequence[Contest]) -> list[str]:
        """Who would win a place without having been scored on all items."""
        reference = self._reference()
        owed: dict[str, None] = {}
        for contest in contests:
            field = [digest for digest in _digests(contest) if not self._failed(digest)]
            ranked = sorted(field, key=lambda digest: -self._estimate(digest, reference).lower(1.0))
            owed.update(dict.fromkeys(self._unfinished(ranked[: contest.places])))
        return list(owed)

    def _reference(self) -> Scores:
        """How easy each item is: the mean score of the best who know all; empty as long as there are none."""
        rows = [self._scores(digest) for digest in self._known if self._complete(digest)]
        return mean_scores(sorted(rows, key=self._strata.mean, reverse=True)[:REFERENCES])

    def _estimate(self, digest: str, reference: Scores) -> StratifiedEstimate:
        scores = self._scores(digest)
        if self._complete(digest):
            return StratifiedEstimate(self._strata.mean(scores), 0.0)
        if not reference:
            return self._strata.difference(scores, dict.fromkeys(scores, 0.0))
        ahead = self._strata.difference(scores, reference)
        return StratifiedEstimate(min(1.0, max(0.0, self._strata.mean(reference) + ahead.mean)), ahead.error)

    def _standing(self, digest: str, reference: Scores) -> Standing:
        places = sorted(self._known[digest])
        rows = [self._known[digest][place] for place in places]
        summary = summarize([self._items[place] for place in places], rows, self._evaluator.tasks)
        if summary.failure is not None:
            return Standing(summary, None, False)
        if self._complete(digest):  # to the last bit what a search without racing would see
            return Standing(summary, StratifiedEstimate(summary.objective(self._objective), 0.0), True)
        return Standing(summary, self._estimate(digest, reference), False)

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


def _digests(contest: Contest) -> list[str]:
    """All who compete, each once, holders first: of equals they come first."""
    return list(dict.fromkeys([*contest.holders, *(recipe.digest for recipe in contest.newcomers)]))
