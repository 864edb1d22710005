"""Figures about an island after a generation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean, median
from typing import TypeVar

from deap import tools

from evoswarm.evolution.individual import Individual
from evoswarm.evolution.settings import Objective

G = TypeVar("G")


@dataclass(frozen=True)
class IslandReport:
    """What one island looks like once a generation is over (after survival and migration).

    Attributes:
        generation: which one.
        island: which one.
        evaluated: individuals asked of it in this generation.
        failures: those of them that failed.
        population: survivors and arrivals.
        arrivals: migrants taken in.
        best_id: the best of the population by the island's own ranking; empty when there is none.
        best: the best raw value of each objective over the population, each perhaps of another individual; empty when
            that is.
        mean: of each raw objective over the population; empty when that is.
        median: likewise.
        diversity: mean distance of two individuals of the population, from 0 to 1.
        stagnant: generations since the best last got better (with several objectives: since the island's Pareto front
            got a new point).
        reseeded: the next generation starts it anew from its best.
    """

    generation: int
    island: int
    evaluated: int
    failures: int
    population: int
    arrivals: int = 0
    best_id: str = ""
    best: tuple[float, ...] = ()
    mean: tuple[float, ...] = ()
    median: tuple[float, ...] = ()
    diversity: float = 0.0
    stagnant: int = 0
    reseeded: bool = False


def bests(population: Sequence[Individual[G]], objectives: Sequence[Objective]) -> tuple[float, ...]:
    """The best raw value of each objective; empty for an empty population."""
    columns = zip(*(individual.objectives for individual in population), strict=True)
    return tuple(
        (max if objective.maximise else min)(column) for objective, column in zip(objectives, columns, strict=False)
    )


def averages(population: Sequence[Individual[G]]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and median of each raw objective; empty for an empty population."""
    statistics = tools.Statistics(key=lambda individual: individual.objectives)
    statistics.register("mean", lambda rows: tuple(fmean(column) for column in zip(*rows, strict=True)))
    statistics.register("median", lambda rows: tuple(float(median(column)) for column in zip(*rows, strict=True)))
    row = statistics.compile(population)
    return row["mean"], row["median"]


def diversity(population: Sequence[Individual[G]], distance: Callable[[G, G], float]) -> float:
    """Mean distance of two individuals, 0 if there are not two."""
    distances = [distance(a.genome, b.genome) for a, b in combinations(population, 2)]
    return fmean(distances) if distances else 0.0
