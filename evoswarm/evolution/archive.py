"""What a search has found: all distinct successes, the best of them, and the Pareto front."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

from evoswarm.evolution.individual import Individual
from evoswarm.evolution.settings import Objective
from evoswarm.pareto import ParetoFront

G = TypeVar("G")


def signed(objectives: Sequence[Objective], values: Sequence[float]) -> tuple[float, ...]:
    """Raw values with signs such that larger is better in each."""
    return tuple(objective.sign * value for objective, value in zip(objectives, values, strict=True))


class Archive(Generic[G]):
    """All distinct successes. The first individual with a key stands for all that behave like it."""

    def __init__(self, objectives: Sequence[Objective]) -> None:
        self._objectives = tuple(objectives)
        self._by_key: dict[str, Individual[G]] = {}
        self._front: ParetoFront[Individual[G]] = ParetoFront()

    def __len__(self) -> int:
        return len(self._by_key)

    def add(self, individuals: Iterable[Individual[G]]) -> None:
        """Add those that succeeded and whose key is new."""
        for individual in individuals:
            if individual.succeeded and individual.key not in self._by_key:
                self._by_key[individual.key] = individual
                self._front.add(signed(self._objectives, individual.objectives), individual)

    @property
    def individuals(self) -> list[Individual[G]]:
        """All of them, in the order in which they were added."""
        return list(self._by_key.values())

    @property
    def front(self) -> list[Individual[G]]:
        """The non-dominated ones, best in the first objective first; with one objective, all of the best."""
        return [individual for group in self._front.groups for individual in group]

    def best(self, count: int) -> list[Individual[G]]:
        """At most so many, best first by the first objective; the others decide ties, then the older one wins."""
        return sorted(self.individuals, key=lambda one: signed(self._objectives, one.objectives), reverse=True)[:count]
