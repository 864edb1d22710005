"""An algorithm as a newcomer adds it: this file, and the entries at its end."""

from __future__ import annotations

from typing import TypeVar

from evoswarm.evolution.algorithms import IslandKind
from evoswarm.evolution.genetic import Draft
from evoswarm.evolution.island import Island
from evoswarm.evolution.randomness import generator

G = TypeVar("G")


class HillClimbing(Island[G]):
    """Mutants of the best individual so far; random genomes as long as there is none."""

    def _draw(self, generation: int, count: int) -> list[Draft[G]]:
        if not self.population:
            return self._random(generation, count)
        best = self.population[0]
        rng = generator(self._place.seed, self._place.index, generation, "climbing")
        return [self._breeder.mutant(best.genome, "climbing", (best.id,), 1.0, rng) for _ in range(count)]


KIND = IslandKind("tests.evolution.hill_climbing:HillClimbing")
ENTRY = KIND.alone
