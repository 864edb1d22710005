"""What all search algorithms share: what was asked, told and found, and how a batch is reported."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

from evoswarm.evolution.algorithm import Representation
from evoswarm.evolution.archive import Archive
from evoswarm.evolution.genetic import Breeder, Draft
from evoswarm.evolution.individual import Individual
from evoswarm.evolution.randomness import generator
from evoswarm.evolution.ranking import Ranking
from evoswarm.evolution.record import Record
from evoswarm.evolution.report import IslandReport, averages, bests, diversity
from evoswarm.evolution.settings import Objective

G = TypeVar("G")


class AskTell(ABC, Generic[G]):
    """Base of the algorithms: subclasses say who is born, and what to learn once a generation is told.

    Args:
        objectives: what individuals are measured by.
    """

    def __init__(self, objectives: Sequence[Objective]) -> None:
        self._objectives = tuple(objectives)
        self._record: Record[G] = Record(len(objectives))
        self._archive: Archive[G] = Archive(objectives)
        self._reports: list[IslandReport] = []

    @property
    def generation(self) -> int:
        """The last generation asked for, from 0; -1 before the first."""
        return self._record.generation

    @property
    def archive(self) -> Archive[G]:
        """All distinct successes so far."""
        return self._archive

    @property
    def history(self) -> Sequence[Individual[G]]:
        """Individuals of finished generations in order, the migrants of a generation after its children."""
        return self._record.history

    @property
    def reports(self) -> Sequence[IslandReport]:
        """Figures per finished generation and island."""
        return self._reports

    def ask(self) -> list[Individual[G]]:
        """The individuals to evaluate now: a new generation, or what is untold of the current one."""
        if not self._record.pending:
            self._record.open(self._born(self.generation + 1))
        return self._record.pending

    def tell(self, evaluated: Iterable[Individual[G]]) -> None:
        """Take outcomes, in any order and in any number of calls; being told the same again changes nothing.

        Args:
            evaluated: individuals that :meth:`ask` gave, made by their ``scored`` or ``failed``.

        Raises:
            ValueError: an individual was never asked for, is not evaluated, or was told differently before.
        """
        finished = self._record.accept(evaluated)
        if finished:
            self._archive.add(finished)
            self._close(finished)

    @abstractmethod
    def _born(self, generation: int) -> list[Individual[G]]:
        """The individuals of a new generation, in the order of their ids; called once for each."""

    @abstractmethod
    def _close(self, finished: list[Individual[G]]) -> None:
        """Learn from a generation, complete and in the order of ids, and report it."""


class BatchSearch(AskTell[G]):
    """Base of the algorithms without islands: founders first, then whatever a subclass draws, batch by batch.

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
        self._breeder = Breeder(representation, self._record.keys)
        self._waiting = self._breeder.founders(generator(seed, -1, 0, "founders")) if founders else []

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
                diversity=diversity(population, self._distance),
            )
        )
