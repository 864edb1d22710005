"""Pareto dominance, fronts, and how much of a space a front dominates. Larger is better in every value of a point."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Generic, TypeVar

from deap.benchmarks import tools

T = TypeVar("T")


def dominates(first: Sequence[float], second: Sequence[float]) -> bool:
    """Whether the first point is nowhere worse and somewhere better."""
    return all(a >= b for a, b in zip(first, second, strict=True)) and tuple(first) != tuple(second)


class ParetoFront(Generic[T]):
    """Exactly the non-dominated points of those added, each with everything that was added at it."""

    def __init__(self) -> None:
        self._held: dict[tuple[float, ...], list[T]] = {}

    def add(self, point: tuple[float, ...], thing: T) -> bool:
        """Add something at a point; True if no earlier point dominates or equals it."""
        if point in self._held:
            self._held[point].append(thing)
            return False
        if any(dominates(other, point) for other in self._held):
            return False
        self._held = {other: held for other, held in self._held.items() if not dominates(point, other)}
        self._held[point] = [thing]
        return True

    @property
    def points(self) -> list[tuple[float, ...]]:
        """The points of the front, greatest in the first value first."""
        return sorted(self._held, reverse=True)

    @property
    def groups(self) -> list[list[T]]:
        """What stands at each point of the front, in the order of adding; greatest in the first value first."""
        return [self._held[point] for point in self.points]


def hypervolume(points: Sequence[Sequence[float]], worst: Sequence[float], best: Sequence[float]) -> float:
    """The share of the box between two corners that the points dominate (Zitzler & Thiele 1999), in [0, 1].

    Args:
        points: ``[points][values]``; dominated ones change nothing.
        worst: the corner that every point dominates; what is worse counts as it.
        best: the opposite corner; a value in which both agree is 1 everywhere.
    """
    shares = [[_share(*ends) for ends in zip(point, worst, best, strict=True)] for point in points]
    scaled = [SimpleNamespace(fitness=SimpleNamespace(wvalues=row)) for row in shares]  # what DEAP reads of a solution
    return float(tools.hypervolume(scaled, ref=[0.0] * len(worst))) if scaled else 0.0


def _share(value: float, low: float, high: float) -> float:
    """Where a value lies between two ends, as a share of the way."""
    return min(1.0, max(0.0, (value - low) / (high - low))) if high > low else 1.0
