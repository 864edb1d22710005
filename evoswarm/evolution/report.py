"""Figures about what evolution is doing: one report per generation and island."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean, median, quantiles
from typing import TypeVar

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
        lower_quartile: likewise; a quarter of the population has less.
        upper_quartile: likewise; a quarter of it has more.
        worst: the opposite of ``best``.
        diversity: mean distance of two individuals of the population, from 0 to 1; 0 if there are not two.
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
    lower_quartile: tuple[float, ...] = ()
    upper_quartile: tuple[float, ...] = ()
    worst: tuple[float, ...] = ()
    diversity: float = 0.0
    stagnant: int = 0
    reseeded: bool = False

    @classmethod
    def of(
        cls,
        generation: int,
        island: int,
        born: Sequence[Individual[G]],
        population: Sequence[Individual[G]],
        objectives: Sequence[Objective],
        distance: Callable[[G, G], float],
        *,
        arrivals: int = 0,
        stagnant: int = 0,
        reseeded: bool = False,
    ) -> IslandReport:
        """The report of a generation.

        Args:
            generation: which one.
            island: which one.
            born: the island's individuals of this generation.
            population: best first.
            objectives: what the objectives of individuals mean.
            distance: of two genomes.
            arrivals: see the attributes, as the rest.
            stagnant: likewise.
            reseeded: likewise.
        """
        columns = list(zip(*(individual.objectives for individual in population), strict=True))
        quartiles = [_quartiles(column) for column in columns]
        distances = [distance(a.genome, b.genome) for a, b in combinations(population, 2)]
        return cls(
            generation=generation,
            island=island,
            evaluated=len(born),
            failures=sum(not individual.succeeded for individual in born),
            population=len(population),
            arrivals=arrivals,
            best_id=population[0].id if population else "",
            best=tuple((max if o.maximise else min)(c) for o, c in zip(objectives, columns, strict=False)),
            mean=tuple(fmean(column) for column in columns),
            median=tuple(float(median(column)) for column in columns),
            lower_quartile=tuple(lower for lower, _ in quartiles),
            upper_quartile=tuple(upper for _, upper in quartiles),
            worst=tuple((min if o.maximise else max)(c) for o, c in zip(objectives, columns, strict=False)),
            diversity=fmean(distances) if distances else 0.0,
            stagnant=stagnant,
            reseeded=reseeded,
        )


def _quartiles(values: Sequence[float]) -> tuple[float, float]:
    """The first and the third, between neighbouring values; of a single value that."""
    if len(values) == 1:
        return float(values[0]), float(values[0])
    lower, _, upper = quantiles(values, n=4, method="inclusive")
    return lower, upper
