"""An island: one population, and the algorithm that moves it (as in pagmo, Biscani & Izzo 2020).

Whoever drives islands asks each for a generation, tells it what became of that, chooses emigrants out of its
population, and lets it settle immigrants. What lives on one side need not know what lives on the other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from evoswarm.evolution.algorithm import Representation
from evoswarm.evolution.coordinates import Coordinates
from evoswarm.evolution.genetic import Breeder, Draft, distinct
from evoswarm.evolution.individual import Individual
from evoswarm.evolution.randomness import generator
from evoswarm.evolution.ranking import Ranking
from evoswarm.evolution.settings import IslandSettings, Objective

G = TypeVar("G")


@dataclass(frozen=True)
class IslandSetup(Generic[G]):
    """Where an island lies, and what it is made of; each takes what it needs.

    Attributes:
        index: of the island, from 0.
        seed: of the search.
        settings: of the island.
        objectives: what individuals are measured by.
        representation: of the genomes.
        breeder: makes drafts; all islands of a search share it, and with it what was tried before.
        coordinates: of the genomes, for algorithms that know numbers and categories only.
    """

    index: int
    seed: int
    settings: IslandSettings
    objectives: tuple[Objective, ...]
    representation: Representation[G]
    breeder: Breeder[G]
    coordinates: Coordinates[G] | None = None

    @property
    def numbers(self) -> int:
        """How many numbers individuals are compared by here: weighted objectives are one."""
        return len(self.objectives) if self.settings.objective_weights is None else 1


class Island(ABC, Generic[G]):
    """One population and what moves it; a subclass says what to draw, and what to learn.

    It must be a deterministic function of its place and of what it was told.

    Args:
        place: where it lies.

    Attributes:
        settings: of the island.
        ranking: who is better here. Once the scales of weighted objectives are known, another takes its place.
        population: distinct successes, best first, at most ``settings.population``: emigrants are chosen from them.
    """

    def __init__(self, place: IslandSetup[G]) -> None:
        self.settings = place.settings
        self.ranking = Ranking(place.objectives, place.settings.objective_weights)
        self.population: list[Individual[G]] = []
        self._place = place
        self._breeder = place.breeder

    def ask(self, generation: int, given: Sequence[Draft[G]]) -> list[Draft[G]]:
        """A new generation, as many as the population.

        Args:
            generation: counts from 0; the first is filled up with random genomes, which depend on seed and index alone.
            given: drafts that come first, whoever made them: founders, or what a stagnant island begins anew with.
        """
        missing = self.settings.population - len(given)
        return [*given, *(self._random(0, missing) if generation == 0 else self._draw(generation, missing))]

    def tell(self, generation: int, finished: Sequence[Individual[G]]) -> None:
        """What became of the generation, in the order in which it was asked for, failures included."""
        succeeded = [individual for individual in finished if individual.succeeded]
        self._keep([*self.population, *succeeded])

    def settle(self, population: Sequence[Individual[G]], arrivals: Sequence[Individual[G]]) -> None:
        """Be told who lives here after a migration.

        Args:
            population: successes, not sorted; who is missing left or had to make room.
            arrivals: those of them that have just come. The algorithm learns from them as from its own, where it can.
        """
        self.population = self.ranking.best_first(population)

    def reevaluate(self, known: Mapping[str, Individual[G]]) -> None:
        """Let residents have other outcomes from now on.

        Args:
            known: by id, individuals evaluated again.
        """
        population = [known.get(individual.id, individual) for individual in self.population]
        self.population = self.ranking.best_first(individual for individual in population if individual.succeeded)

    def restart(self, generation: int) -> None:
        """Keep the best and forget the rest; the next generation that is asked for is given.

        Args:
            generation: in which that happens.
        """
        self.population = self.population[:1]

    @abstractmethod
    def _draw(self, generation: int, count: int) -> list[Draft[G]]:
        """So many drafts for a generation behind the first."""

    def _random(self, generation: int, count: int) -> list[Draft[G]]:
        rng = generator(self._place.seed, self._place.index, generation, "random")
        return self._breeder.randoms(count, rng)

    def _keep(self, individuals: Sequence[Individual[G]]) -> None:
        """Let the best of them be the population."""
        best = self.ranking.select(distinct(individuals), self.settings.population)
        self.population = self.ranking.best_first(best)
