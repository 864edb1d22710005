"""Who is better: DEAP's fitness over individuals, as one island sees them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from deap import base, tools

from evoswarm.evolution.archive import signed
from evoswarm.evolution.individual import Individual
from evoswarm.evolution.settings import Objective

G = TypeVar("G")


class Fitness(base.Fitness):  # type: ignore[misc]  # DEAP has no types
    """A DEAP fitness of any number of values; larger is better in each, earlier values decide first.

    Raises:
        ValueError: a value is NaN, which DEAP would rank above everything.
    """

    weights: tuple[float, ...] = (1.0,)

    def __init__(self, values: Sequence[float] = ()) -> None:
        if any(math.isnan(value) for value in values):
            raise ValueError(f"expected numbers, got {tuple(values)}")
        self.weights = (1.0,) * len(values)
        super().__init__(tuple(values))

    def __deepcopy__(self, memo: dict[int, object]) -> Fitness:
        return Fitness(self.values)


@dataclass(slots=True)
class RankedIndividual(Generic[G]):
    """An individual with its fitness on one island, made anew for every ranking: DEAP writes into fitnesses.

    Attributes:
        individual: who.
        fitness: its objectives (or their weighted sum), larger is better.
        standing: what tournaments compare: the weighted sum and then what was expected, or (-front, crowding).
    """

    individual: Individual[G]
    fitness: Fitness
    standing: Fitness


class Ranking:
    """One island's view of who is better.

    With one objective, or with objective weights, individuals compare by one number, and equals by what was expected of
    them, if anything was; else by NSGA-II's front and
    crowding (Deb et al. 2002). Equals keep the order of their ids, so that no order of telling matters.

    Args:
        objectives: of the search.
        weights: objective name -> weight of the island; None is none.
        scales: what each objective is divided by before it is weighted; positive.
    """

    def __init__(
        self,
        objectives: Sequence[Objective],
        weights: Mapping[str, float] | None = None,
        scales: Sequence[float] | None = None,
    ) -> None:
        self._objectives = tuple(objectives)
        self.several = len(self._objectives) > 1 and weights is None
        divisors = scales if scales is not None else [1.0] * len(self._objectives)
        named = weights if weights is not None and len(self._objectives) > 1 else {self._objectives[0].name: 1.0}
        self._factors = [
            named.get(objective.name, 0.0) / divisor
            for objective, divisor in zip(self._objectives, divisors, strict=True)
        ]

    def point(self, individual: Individual[G]) -> tuple[float, ...]:
        """Its objectives with signs such that larger is better in each."""
        return signed(self._objectives, individual.objectives)

    def worth(self, individual: Individual[G]) -> float:
        """The number that a one-number island compares; larger is better."""
        values = self.point(individual)
        return math.fsum(factor * value for factor, value in zip(self._factors, values, strict=True) if factor)

    def candidates(self, individuals: Iterable[Individual[G]]) -> list[RankedIndividual[G]]:
        """Individuals with their fitness, best first.

        Raises:
            ValueError: one of them did not succeed; failures are not ranked.
        """
        ordered = sorted(individuals, key=lambda individual: individual.order)
        for individual in ordered:
            if not individual.succeeded:
                raise ValueError(f"{individual.id}: expected an individual that succeeded, got a failure")
        if self.several:
            return self._by_front(ordered)
        ranked = [
            RankedIndividual(i, Fitness((worth,)), Fitness((worth, *i.promise)))
            for i, worth in ((i, self.worth(i)) for i in ordered)
        ]
        return sorted(ranked, key=lambda candidate: candidate.standing, reverse=True)

    def best_first(self, individuals: Iterable[Individual[G]]) -> list[Individual[G]]:
        """Individuals sorted, best first."""
        return [candidate.individual for candidate in self.candidates(individuals)]

    def select(self, individuals: Iterable[Individual[G]], count: int) -> list[Individual[G]]:
        """The ``count`` best: by NSGA-II when there are several objectives."""
        candidates = self.candidates(individuals)
        if self.several and candidates:
            candidates = tools.selNSGA2(candidates, min(count, len(candidates)))
        return [candidate.individual for candidate in candidates[:count]]

    def _by_front(self, ordered: Sequence[Individual[G]]) -> list[RankedIndividual[G]]:
        """Candidates with (-front, crowding) as their standing, best first."""
        if not ordered:
            return []
        candidates = [RankedIndividual(i, Fitness(self.point(i)), Fitness()) for i in ordered]
        for number, front in enumerate(tools.sortNondominated(candidates, len(candidates))):
            tools.emo.assignCrowdingDist(front)
            for candidate in front:
                candidate.standing = Fitness((-float(number), candidate.fitness.crowding_dist))
        return sorted(candidates, key=lambda candidate: candidate.standing, reverse=True)
