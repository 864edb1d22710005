"""CatCMA with margin, for one objective."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from cmaes import CatCMAwM

from evoswarm.evolution.cma_search import LEAST_POPULATION, CmaSearch, Kernel
from evoswarm.evolution.genetic import Draft
from evoswarm.evolution.individual import Individual

G = TypeVar("G")


class CatCmaSearch(CmaSearch[G]):
    """CatCMA with margin (Hamano et al. 2025): numbers, integers and categories, one objective.

    It begins around the best tenth of the first batch. A batch is one generation of it. A failure has no value: it
    ranks behind every success, so that the distribution moves away from it; where all fail, it stays. An immigrant
    takes the place of one of its own draws among what it is told, and lies no farther out than these (Hansen 2011).
    """

    name = "catcma"

    def _begin(self, sources: Sequence[Individual[G]], seed: int) -> None:
        population = max(LEAST_POPULATION, self.settings.population)
        self._kernel = Kernel(self._box, self._best(sources), population, seed)
        self._drawn: list[CatCMAwM.Solution] = []
        self._told: list[tuple[CatCMAwM.Solution, float]] = []  # of its own, worths; those of smaller batches add up
        self._foreign: list[tuple[CatCMAwM.Solution, float]] = []

    def ask(self, generation: int, given: Sequence[Draft[G]]) -> list[Draft[G]]:
        """What is given it has not drawn, and is not told."""
        self._drawn = []
        return super().ask(generation, given)

    def _sampled(self, generation: int, count: int) -> list[Draft[G]]:
        self._drawn = [self._kernel.ask() for _ in range(count)]
        return [self._breeder.draft(self._box.genome(solution), self.name) for solution in self._drawn]

    def _learn(self, finished: Sequence[Individual[G]]) -> None:
        own = finished[len(finished) - len(self._drawn) :]
        self._told += [(solution, self._value(one)) for solution, one in zip(self._drawn, own, strict=True)]
        everything = [*self._foreign, *self._told]
        if len(everything) >= self._kernel.population_size:
            self._kernel.tell(everything[: self._kernel.population_size])
            self._told, self._foreign = [], []

    def _inject(self, arrivals: Sequence[Individual[G]]) -> None:
        for one in arrivals:
            point = self._point(one)
            place = self._kernel.injected(self._box.numbers(point))
            solution = CatCMAwM.Solution(c=self._box.categories(point), _v_raw=place)
            self._foreign.append((solution, self._value(one)))

    def _value(self, individual: Individual[G]) -> float:
        """What is to be small; only its rank counts."""
        return -self.ranking.worth(individual) if individual.succeeded else float("inf")
