"""The genetic algorithm of one island: tournaments, crossover, mutation; elites, or NSGA-II for several objectives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from evoswarm.evolution.genetic import Draft, survivors
from evoswarm.evolution.individual import Individual
from evoswarm.evolution.island import Island
from evoswarm.evolution.randomness import generator

G = TypeVar("G")


class GeneticSearch(Island[G]):
    """Children of the population; immigrants are parents like the others."""

    def _draw(self, generation: int, count: int) -> list[Draft[G]]:
        rng = generator(self._place.seed, self._place.index, generation, "offspring")
        return self._breeder.offspring(self.population, count, self.settings, self.ranking, rng)

    def tell(self, generation: int, finished: Sequence[Individual[G]]) -> None:
        """Let the best survive."""
        self.population = survivors(self.population, finished, self.settings, self.ranking)
