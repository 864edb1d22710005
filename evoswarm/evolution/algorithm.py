"""The contracts of evolution: what a genome must offer, what may be known of it, and what a search algorithm offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import replace
from random import Random
from typing import Generic, Protocol, TypeVar

from evoswarm.evolution.archive import Archive
from evoswarm.evolution.individual import Individual
from evoswarm.evolution.report import IslandReport
from evoswarm.evolution.settings import Objective

G = TypeVar("G")


class Representation(Protocol[G]):
    """How genomes of one kind are made, varied and compared. All randomness is an argument; genomes that are
    passed in are never changed."""

    def founders(self, rng: Random) -> list[tuple[G, str]]:
        """The genomes worth trying first, most important first, each with the name of its origin."""
        ...

    def random(self, rng: Random) -> G:
        """Draw a genome."""
        ...

    def mate(self, first: G, second: G, rng: Random) -> tuple[G, G]:
        """Make two children of two parents."""
        ...

    def mutate(self, genome: G, rng: Random, genes: float) -> G:
        """Make a variant that differs in ``genes`` genes on average, and in at least one."""
        ...

    def key(self, genome: G) -> str:
        """Digest of what the genome does: equal keys, equal behaviour."""
        ...

    def distance(self, first: G, second: G) -> float:
        """How different two genomes are, from 0 to 1."""
        ...


class Guide(Protocol[G]):
    """What can be known of genomes before they are evaluated. It never replaces an evaluation: it says which genomes
    are worth one. The same question has the same answer whenever a search is repeated."""

    def refined(self, genomes: Sequence[G]) -> list[G]:
        """Genomes a few steps better, in order; one of which nothing is known comes back as it is."""
        ...

    def promise(self, genomes: Sequence[G]) -> list[tuple[float, ...]]:
        """How well each will do, in order: equally many numbers, larger is better, earlier ones decide first."""
        ...


class Algorithm(ABC, Generic[G]):
    """A search in the ask/tell style: a deterministic function of its settings, its seed and what it was told.

    Asking is repeatable; telling is idempotent and independent of order. Subclasses say who is born, and what to learn
    once a generation is complete.

    Args:
        objectives: what individuals are measured by.

    Attributes:
        generation: the last one asked for, from 0; -1 before the first.
        archive: all distinct successes so far.
        history: individuals of finished generations with their outcomes, in order, the migrants of a generation after
            its children.
        reports: figures per finished generation and island.
    """

    def __init__(self, objectives: Sequence[Objective]) -> None:
        self._objectives = tuple(objectives)
        self.generation = -1
        self.archive: Archive[G] = Archive(objectives)
        self.history: list[Individual[G]] = []
        self.reports: list[IslandReport] = []
        self._keys: set[str] = set()  # of all individuals ever asked for
        self._asked: dict[str, Individual[G]] = {}
        self._told: dict[str, Individual[G]] = {}

    def ask(self) -> list[Individual[G]]:
        """The individuals to evaluate now: a new generation, or what is untold of the current one."""
        if not self._pending:
            born = self._born(self.generation + 1)
            self.generation += 1
            self._keys.update(individual.key for individual in born)
            self._asked.update((individual.id, individual) for individual in born)
        return self._pending

    def tell(self, evaluated: Iterable[Individual[G]]) -> None:
        """Take outcomes, in any order and in any number of calls; being told the same again changes nothing.

        Args:
            evaluated: individuals that :meth:`ask` gave, made by their ``scored`` or ``failed``.

        Raises:
            ValueError: an individual was never asked for, is not evaluated, has the wrong number of objectives, or was
                told differently before. Nothing is taken then.
        """
        told = dict(self._told)
        for individual in evaluated:
            told[individual.id] = self._checked(individual, told.get(individual.id))
        news, self._told = len(told) > len(self._told), told
        if news and not self._pending:
            finished = [told[name] for name, one in self._asked.items() if one.origin.generation == self.generation]
            self.history.extend(finished)
            self.archive.add(finished)
            self._close(finished)

    @abstractmethod
    def _born(self, generation: int) -> list[Individual[G]]:
        """The individuals of a new generation, in the order of their ids; called once for each."""

    @abstractmethod
    def _close(self, finished: list[Individual[G]]) -> None:
        """Learn from a generation, complete and in the order of ids, and report it."""

    @property
    def _pending(self) -> list[Individual[G]]:
        """What is asked and not yet told, in order."""
        return [individual for name, individual in self._asked.items() if name not in self._told]

    def _checked(self, individual: Individual[G], before: Individual[G] | None) -> Individual[G]:
        """The individual that was asked for, with the outcome that is told."""
        asked = self._asked.get(individual.id)
        if asked is None or asked.key != individual.key:
            raise ValueError(f"{individual.id}: expected an individual that was asked for, got another")
        if not individual.evaluated:
            raise ValueError(f"{individual.id}: expected objectives or a failure, got neither")
        outcome, count = (individual.objectives, individual.failure), len(self._objectives)
        if individual.succeeded and len(individual.objectives) != count:
            raise ValueError(f"{individual.id}: expected {count} objectives, got {individual.objectives}")
        if before is not None and outcome != (before.objectives, before.failure):
            raise ValueError(f"{individual.id}: expected the outcome told before, got {outcome}")
        return replace(asked, objectives=individual.objectives, failure=individual.failure)
