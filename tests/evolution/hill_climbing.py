"""An algorithm as a newcomer adds it: this file, and the entry at its end."""

from __future__ import annotations

from typing import TypeVar

from evoswarm.evolution.algorithms import AlgorithmKind
from evoswarm.evolution.batch_search import BatchSearch
from evoswarm.evolution.genetic import Draft
from evoswarm.evolution.randomness import generator

G = TypeVar("G")


class HillClimbing(BatchSearch[G]):
    """Mutants of the best individual so far; random genomes as long as there is none."""

    def _draw(self, generation: int, count: int) -> list[Draft[G]]:
        if not len(self.archive):
            return self._random(generation, count)
        best = self.archive.best(1)[0]
        rng = generator(self._seed, 0, generation, "climbing")
        return [self._breeder.mutant(best.genome, "climbing", (best.id,), 1.0, rng) for _ in range(count)]


ENTRY = AlgorithmKind("tests.evolution.hill_climbing:HillClimbing.of")
