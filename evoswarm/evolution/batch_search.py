"""Algorithms without islands: generation after generation is one batch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Self, TypeVar

from evoswarm.evolution.algorithm import Algorithm, Representation
from evoswarm.evolution.algorithms import Setup
from evoswarm.evolution.genetic import Breeder, Draft
from evoswarm.evolution.individual import Individual
from evoswarm.evolution.randomness import generator
from evoswarm.evolution.ranking import Ranking
from evoswarm.evolution.report import IslandReport
from evoswarm.evolution.settings import Objective

G = TypeVar("G")


class BatchSearch(Algorithm[G]):
    """Founders first, then whatever a subclass draws, batch by batch.

    The first batch is filled up with random genomes; they depend on the seed alone, so that all of these algorithms
    begin from the same individuals.

    Args:
        representation: of the genomes.
        objectives: what individuals are measured by.
        seed: of the search.
        batch: individuals per generation.
        founders: begin with the representation's founders; False: without them.

    Raises:
        ValueError: the batch is empty.
    """

    def __init__(
        self,
        representation: Representation[G],
        objectives: Sequence[Objective],
        seed: int,
        batch: int = 48,
        founders: bool = True,
    ) -> None:
        if batch < 1:
            raise ValueError(f"batch: expected at least 1, got {batch}")
        super().__init__(objectives)
        self._seed = seed
        self._batch = batch
        self._distance: Callable[[G, G], float] = representation.distance
        self._ranking = Ranking(objectives)
        self._breeder = Breeder(representation, self._keys)
        self._waiting = self._breeder.founders(generator(seed, -1, 0, "founders")) if founders else []

    @classmethod
    def of(cls, setup: Setup[G]) -> Self:
        """The algorithm at its beginning."""
        return cls(setup.representation, setup.objectives, setup.seed, setup.batch)

    def _born(self, generation: int) -> list[Individual[G]]:
        drafts, self._waiting = self._waiting[: self._batch], self._waiting[self._batch :]
        missing = self._batch - len(drafts)
        drafts = drafts + (self._random(0, missing) if generation == 0 else self._draw(generation, missing))
        return [draft.born(generation, 0, number) for number, draft in enumerate(drafts)]

    @abstractmethod
    def _draw(self, generation: int, count: int) -> list[Draft[G]]:
        """So many drafts for a generation behind the first."""

    def _random(self, generation: int, count: int) -> list[Draft[G]]:
        rng = generator(self._seed, 0, generation, "random")
        return [self._breeder.random(rng) for _ in range(count)]

    def _close(self, finished: list[Individual[G]]) -> None:
        """Report the batch as the population of island 0."""
        population = self._ranking.best_first(individual for individual in finished if individual.succeeded)
        report = IslandReport.of(self.generation, 0, finished, population, self._objectives, self._distance)
        self.reports.append(report)
