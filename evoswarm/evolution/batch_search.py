"""One island as a whole search: generation after generation is one batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from evoswarm.evolution.algorithm import Algorithm, Representation
from evoswarm.evolution.coordinates import Coordinates
from evoswarm.evolution.genetic import Breeder
from evoswarm.evolution.individual import Individual
from evoswarm.evolution.island import Island, IslandSetup
from evoswarm.evolution.randomness import generator
from evoswarm.evolution.report import IslandReport
from evoswarm.evolution.settings import IslandSettings, Objective

if TYPE_CHECKING:
    from evoswarm.evolution.algorithms import IslandKind

G = TypeVar("G")


class BatchSearch(Algorithm[G]):
    """Founders first, batch by batch, then whatever one island draws.

    The first batch is filled up with random genomes; they depend on the seed alone, so that all of these searches
    begin from the same individuals.

    Args:
        kind: of the island.
        representation: of the genomes.
        objectives: what individuals are measured by.
        seed: of the search.
        batch: individuals per generation.
        coordinates: of the genomes, for islands that need them.
        founders: begin with the representation's founders; False: without them.

    Raises:
        ValueError: the batch is empty, or the island cannot optimise so many objectives.
    """

    def __init__(
        self,
        kind: IslandKind,
        representation: Representation[G],
        objectives: Sequence[Objective],
        seed: int,
        batch: int = 48,
        coordinates: Coordinates[G] | None = None,
        founders: bool = True,
    ) -> None:
        if batch < 1:
            raise ValueError(f"batch: expected at least 1, got {batch}")
        super().__init__(objectives)
        self._distance: Callable[[G, G], float] = representation.distance
        breeder = Breeder(representation, self._keys)
        place = IslandSetup(0, seed, IslandSettings(batch), self._objectives, representation, breeder, coordinates)
        self._island: Island[G] = kind.make(place)
        self._waiting = breeder.founders(generator(seed, -1, 0, "founders")) if founders else []

    def _born(self, generation: int) -> list[Individual[G]]:
        batch = self._island.settings.population
        given, self._waiting = self._waiting[:batch], self._waiting[batch:]
        return [draft.born(generation, 0, number) for number, draft in enumerate(self._island.ask(generation, given))]

    def _close(self, finished: list[Individual[G]]) -> None:
        """Report the best so far as the population of island 0."""
        self._island.tell(self.generation, finished)
        population = self._island.population
        report = IslandReport.of(self.generation, 0, finished, population, self._objectives, self._distance)
        self.reports.append(report)
