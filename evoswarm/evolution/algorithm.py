"""The two contracts of evolution: what a genome must offer, and what a search algorithm offers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random
from typing import Protocol, TypeVar

from evoswarm.evolution.archive import Archive
from evoswarm.evolution.individual import Individual
from evoswarm.evolution.report import IslandReport

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


class Algorithm(Protocol[G]):
    """A search in the ask/tell style. It is a deterministic function of its settings, its seed and what it was told."""

    @property
    def generation(self) -> int:
        """The last generation asked for, from 0; -1 before the first."""
        ...

    @property
    def archive(self) -> Archive[G]:
        """All distinct successes so far."""
        ...

    @property
    def history(self) -> Sequence[Individual[G]]:
        """All individuals of finished generations in the order of their ids, each with its outcome."""
        ...

    @property
    def reports(self) -> Sequence[IslandReport]:
        """Figures per finished generation and island."""
        ...

    def ask(self) -> list[Individual[G]]:
        """The individuals to evaluate now: a new generation, or what is still untold of the current one."""
        ...

    def tell(self, evaluated: Iterable[Individual[G]]) -> None:
        """Take outcomes, in any order and in any number of calls; being told the same again changes nothing."""
        ...
