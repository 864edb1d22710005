"""How much of the objective space a front dominates (Zitzler & Thiele 1999), on a scale from 0 to 1."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

from deap.benchmarks.tools import hypervolume as _hypervolume

from evoswarm.evolution.archive import signed
from evoswarm.evolution.ranking import Fitness
from evoswarm.evolution.settings import Objective


def hypervolume(
    points: Sequence[Sequence[float]],
    objectives: Sequence[Objective],
    worst: Sequence[float],
    best: Sequence[float],
) -> float:
    """The share of the box between the worst and the best corner that the points dominate.

    Args:
        points: raw objectives ``[points][objectives]``; dominated ones change nothing.
        objectives: what the columns mean.
        worst: raw values of the corner that every point dominates; what is worse counts as it.
        best: raw values of the opposite corner; an objective in which both agree is 1 everywhere.
    """
    low, high = signed(objectives, worst), signed(objectives, best)
    rows = [
        SimpleNamespace(
            fitness=Fitness(
                [
                    min(1.0, max(0.0, (value - a) / (b - a))) if b > a else 1.0
                    for value, a, b in zip(signed(objectives, point), low, high, strict=True)
                ]
            )
        )
        for point in points
    ]
    return float(_hypervolume(rows, ref=[0.0] * len(objectives))) if rows else 0.0
