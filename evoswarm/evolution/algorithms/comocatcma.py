"""COMO-CatCMA with margin, for two objectives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from cmaes import COMOCatCMAwM

from evoswarm.evolution.cma_search import LEAST_POPULATION, CmaSearch, Kernel
from evoswarm.evolution.genetic import Draft, distinct
from evoswarm.evolution.individual import Individual

G = TypeVar("G")

_KERNELS = 3

Observation = tuple[COMOCatCMAwM.Solution, Sequence[float]]


class ComoCatCmaSearch(CmaSearch[G]):
    """COMO-CatCMA with margin (Hamano et al. 2025; COMO-CMA-ES: Touré et al. 2019): two objectives, no more.

    Several CatCMA kernels, each of which moves to where its middle adds most to the hypervolume of all middles. They
    begin around individuals of the first batch that are spread along its front, so their middles need no evaluation. A
    batch is one generation of one kernel and the middle of the kernel before; the package moves one kernel after the
    other, and what a batch has room for beyond that is random. Objectives are divided by their range in the first
    batch. A failure has no value: it is told as the worst of each objective that was seen, which no success is worse
    than, and ranks last. An immigrant takes the place of the last draw of the kernel whose turn it is.
    """

    name = "comocatcma"

    def _begin(self, sources: Sequence[Individual[G]], seed: int) -> None:
        points = [self.ranking.point(one) for one in sources]
        self._scales = [(max(column) - min(column)) or 1.0 for column in zip(*points, strict=True)]
        self._worst = tuple(max(column) for column in zip(*(self._small(one) for one in sources), strict=True))
        chosen = self.ranking.select(distinct(sources), _KERNELS)
        population = max(LEAST_POPULATION, self.settings.population - 1)
        kernels = [Kernel(self._box, [self._point(one)], population, seed) for one in chosen]
        self._optimizer = COMOCatCMAwM(**self._box.spaces, kernels=kernels, seed=seed)
        self._foreign: list[Individual[G]] = []
        self._drawn: list[COMOCatCMAwM.Solution] = []
        self._waiting = list(self._optimizer.ask_iter())
        middles = [solution for solution in self._waiting if solution._incumbent_id is not None]
        self._waiting = [solution for solution in self._waiting if solution._incumbent_id is None]
        self._optimizer.tell([(middle, self._small(chosen[middle._incumbent_id])) for middle in middles])

    def ask(self, generation: int, given: Sequence[Draft[G]]) -> list[Draft[G]]:
        """What is given it has not drawn, and is not told."""
        self._drawn = []
        return super().ask(generation, given)

    def _sampled(self, generation: int, count: int) -> list[Draft[G]]:
        self._waiting += self._optimizer.ask_iter()
        self._drawn, self._waiting = self._waiting[:count], self._waiting[count:]
        missing = count - len(self._drawn)
        drafts = [self._breeder.draft(self._box.genome(solution), self.name) for solution in self._drawn]
        return [*self._random(generation, missing), *drafts]

    def _learn(self, finished: Sequence[Individual[G]]) -> None:
        own = finished[len(finished) - len(self._drawn) :]
        self._worst = tuple(
            max(column)
            for column in zip(self._worst, *(self._small(one) for one in finished if one.succeeded), strict=True)
        )
        told: list[Observation] = [
            (solution, self._small(one) if one.succeeded else self._worst)
            for solution, one in zip(self._drawn, own, strict=True)
        ]
        self._replace(told)
        self._optimizer.tell(told)

    def _replace(self, told: list[Observation]) -> None:
        """Let immigrants stand for the last draws of the kernel whose turn it is; who finds none waits."""
        places = [place for place, (solution, _) in enumerate(told) if solution._kernel_id is not None]
        while self._foreign and len(places) > 1:
            place, one = places.pop(), self._foreign.pop(0)
            kernel, point = told[place][0]._kernel_id, self._point(one)
            where = self._optimizer.kernels[kernel].injected(self._box.numbers(point))
            solution = COMOCatCMAwM.Solution(c=self._box.categories(point), _v_raw=where, _kernel_id=kernel)
            told[place] = (solution, self._small(one))

    def _inject(self, arrivals: Sequence[Individual[G]]) -> None:
        self._foreign += arrivals

    def _small(self, individual: Individual[G]) -> tuple[float, ...]:
        """Its objectives, to be made small, each divided by the range that it had in the first batch."""
        point = self.ranking.point(individual)
        return tuple(-value / scale for value, scale in zip(point, self._scales, strict=True))
