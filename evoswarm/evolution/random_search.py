"""Random search: the founders, then random genomes; what every other search must beat."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

from evoswarm.evolution.algorithm import Representation
from evoswarm.evolution.archive import Archive
from evoswarm.evolution.genetic import Breeder
from evoswarm.evolution.individual import Individual
from evoswarm.evolution.randomness import generator
from evoswarm.evolution.ranking import Ranking
from evoswarm.evolution.record import Record
from evoswarm.evolution.report import IslandReport, averages, bests, diversity
from evoswarm.evolution.settings import Objective

G = TypeVar("G")


class RandomSearch(Generic[G]):
    """Tries founders and random genomes; an :class:`~evoswarm.evolution.algorithm.Algorithm`.

    Args:
        representation: of the genomes.
        objectives: what individuals are measured by.
        seed: of the search.
        batch: individuals per generation.
        founders: begin with the representation's founders; False: random genomes only.
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
        self._representation = representation
        self._objectives = tuple(objectives)
        self._seed = seed
        self._batch = batch
        self._record: Record[G] = Record(len(objectives))
        self._archive: Archive[G] = Archive(objectives)
        self._breeder = Breeder(representation, self._record.keys)
        self._ranking = Ranking(objectives)
        self._reports: list[IslandReport] = []
        self._waiting = self._breeder.founders(generator(seed, -1, 0, "founders")) if founders else []

    @property
    def generation(self) -> int:
        """The last batch asked for, from 0; -1 before the first."""
        return self._record.generation

    @property
    def archive(self) -> Archive[G]:
        """All distinct successes so far."""
        return self._archive

    @property
    def history(self) -> Sequence[Individual[G]]:
        """Individuals of finished batches in order."""
        return self._record.history

    @property
    def reports(self) -> Sequence[IslandReport]:
        """Figures per finished batch; the "population" is the batch."""
        return self._reports

    def ask(self) -> list[Individual[G]]:
        """The next batch, or what is untold of the current one."""
        if not self._record.pending:
            generation = self.generation + 1
            rng = generator(self._seed, 0, generation, "random")
            drafts, self._waiting = self._waiting[: self._batch], self._waiting[self._batch :]
            drafts = drafts + [self._breeder.random(rng) for _ in range(self._batch - len(drafts))]
            self._record.open([draft.born(generation, 0, number) for number, draft in enumerate(drafts)])
        return self._record.pending

    def tell(self, evaluated: Iterable[Individual[G]]) -> None:
        """Take outcomes, in any order and in any number of calls; being told the same again changes nothing.

        Raises:
            ValueError: an individual was never asked for, is not evaluated, or was told differently before.
        """
        finished = self._record.accept(evaluated)
        if not finished:
            return
        self._archive.add(finished)
        population = self._ranking.best_first(individual for individual in finished if individual.succeeded)
        mean, median = averages(population)
        self._reports.append(
            IslandReport(
                generation=self.generation,
                island=0,
                evaluated=len(finished),
                failures=len(finished) - len(population),
                population=len(population),
                best_id=population[0].id if population else "",
                best=bests(population, self._objectives),
                mean=mean,
                median=median,
                diversity=diversity(population, self._representation.distance),
            )
        )
