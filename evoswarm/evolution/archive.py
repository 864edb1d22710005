"""What a search has found: all distinct successes, the best of them, and the Pareto front."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

from evoswarm.evolution.individual import Individual
from evoswarm.evolution.settings import Objective

G = TypeVar("G")


def signed(objectives: Sequence[Objective], values: Sequence[float]) -> tuple[float, ...]:
    """Raw values with signs such that larger is better in each."""
    return tuple(objective.sign * value for objective, value in zip(objectives, values, strict=True))


def dominates(first: Sequence[float], second: Sequence[float]) -> bool:
    """Whether the first is nowhere worse and somewhere better (larger is better)."""
    return all(a >= b for a, b in zip(first, second, strict=True)) and tuple(first) != tuple(second)


class ParetoFront(Generic[G]):
    """Exactly the non-dominated individuals of those added; equal objectives stay together."""

    def __init__(self, objectives: Sequence[Objective]) -> None:
        self._objectives = tuple(objectives)
        self._points: dict[tuple[float, ...], list[Individual[G]]] = {}

    def add(self, individual: Individual[G]) -> bool:
        """Add a success; True if it is a point that no earlier one dominates or equals."""
        point = signed(self._objectives, individual.objectives)
        if point in self._points:
            self._points[point].append(individual)
            return False
        if any(dominates(other, point) for other in self._points):
            return False
        self._points = {other: held for other, held in self._points.items() if not dominates(point, other)}
        self._points[point] = [individual]
        return True

    @property
    def individuals(self) -> list[Individual[G]]:
        """The front, best in the first objective first."""
        return [held for point in sorted(self._points, reverse=True) for held in self._points[point]]


class Archive(Generic[G]):
    """All distinct successes. The first individual with a key stands for all that behave like it."""

    def __init__(self, objectives: Sequence[Objective]) -> None:
        self._objectives = tuple(objectives)
        self._by_key: dict[str, Individual[G]] = {}
        self._front: ParetoFront[G] = ParetoFront(objectives)

    def __len__(self) -> int:
        return len(self._by_key)

    def add(self, individuals: Iterable[Individual[G]]) -> None:
        """Add those that succeeded and whose key is new."""
        for individual in individuals:
            if individual.succeeded and individual.key not in self._by_key:
                self._by_key[individual.key] = individual
                self._front.add(individual)

    @property
    def individuals(self) -> list[Individual[G]]:
        """All of them, in the order in which they were added."""
        return list(self._by_key.values())

    @property
    def front(self) -> list[Individual[G]]:
        """The non-dominated ones, best in the first objective first; with one objective, all of the best."""
        return self._front.individuals

    def best(self, count: int, objective: str | None = None) -> list[Individual[G]]:
        """The best distinct ones by one objective.

        Args:
            count: at most so many.
            objective: its name; None is the first. The others, in order, decide ties; then the older one wins.
        """
        names = [known.name for known in self._objectives]
        place = 0 if objective is None else names.index(objective)

        def worth(individual: Individual[G]) -> tuple[float, ...]:
            values = signed(self._objectives, individual.objectives)
            return (values[place], *values)

        return sorted(self._by_key.values(), key=worth, reverse=True)[:count]
