"""The island model: several populations that evolve on their own and now and then exchange individuals.

``ask`` gives the new individuals of all islands at once, ``tell`` takes their outcomes. When all are told, every
island learns, emigrants are chosen and travel, and islands that no longer get better are reseeded. What moves an
island's population is its own affair: a genetic algorithm, a sampler, particles.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from evoswarm.evolution.algorithm import Algorithm, Guide, Representation
from evoswarm.evolution.algorithms import ISLANDS, Setup
from evoswarm.evolution.coordinates import Coordinates
from evoswarm.evolution.genetic import Breeder, Draft
from evoswarm.evolution.individual import Individual
from evoswarm.evolution.island import Island, IslandSetup
from evoswarm.evolution.migration import Migrator
from evoswarm.evolution.randomness import generator
from evoswarm.evolution.ranking import Ranking
from evoswarm.evolution.report import IslandReport
from evoswarm.evolution.settings import ArchipelagoSettings
from evoswarm.pareto import ParetoFront

G = TypeVar("G")


@dataclass
class _Progress(Generic[G]):
    """How long the best of an island has not got better."""

    front: ParetoFront[str] = field(default_factory=ParetoFront)
    best_worth: float | None = None
    stagnant: int = 0
    reseed: bool = False

    def improved(self, island: Island[G]) -> bool:
        """Whether the population holds something better than ever (a new point of the front, if several)."""
        population, ranking = island.population, island.ranking
        if not population:
            return False
        if ranking.several:
            return sum(self.front.add(ranking.point(one), one.id) for one in population) > 0  # all are added
        worth = ranking.worth(population[0])
        if self.best_worth is not None and worth <= self.best_worth:
            return False
        self.best_worth = worth
        return True


class Archipelago(Algorithm[G]):
    """Evolves genomes on islands, each by its own algorithm.

    Founders are dealt to the islands in turn, so that islands differ; random genomes fill them up.

    Args:
        settings: of the archipelago.
        representation: of the genomes.
        seed: of the search.
        guide: knows something of genomes before they are evaluated; None is nobody.
        coordinates: of the genomes, for islands that need them.

    Raises:
        ValueError: an island cannot optimise so many objectives.
    """

    def __init__(
        self,
        settings: ArchipelagoSettings,
        representation: Representation[G],
        seed: int,
        guide: Guide[G] | None = None,
        coordinates: Coordinates[G] | None = None,
    ) -> None:
        super().__init__(settings.objectives)
        self._settings = settings
        self._representation = representation
        self._seed = seed
        self._breeder = Breeder(representation, self._keys, guide, settings.guidance)
        self._guide = guide if settings.guidance.order else None
        self._scaled = False
        self._islands: list[Island[G]] = [
            ISLANDS[island.algorithm].make(
                IslandSetup(index, seed, island, self._objectives, representation, self._breeder, coordinates)
            )
            for index, island in enumerate(settings.islands)
        ]
        self._progress: list[_Progress[G]] = [_Progress() for _ in self._islands]
        capacities = [island.population for island in settings.islands]
        self._migrator: Migrator[G] = Migrator(settings.migration, capacities, representation.distance, seed)

    @property
    def populations(self) -> tuple[tuple[Individual[G], ...], ...]:
        """The individuals of every island, best first by its own ranking."""
        return tuple(tuple(island.population) for island in self._islands)

    @property
    def elites(self) -> tuple[int, ...]:
        """How many individuals of each island live on whatever their age."""
        return tuple(min(i.settings.elites, i.settings.population - 1) for i in self._islands)

    def reevaluate(self, evaluated: Iterable[Individual[G]]) -> None:
        """Let living individuals have other outcomes from now on; what was told of them before stays history.

        Args:
            evaluated: individuals of the populations, evaluated again (objectives may be noisy).
        """
        known = {individual.id: individual for individual in evaluated}
        for island in self._islands:
            island.reevaluate(known)

    def _born(self, generation: int) -> list[Individual[G]]:
        """Of all islands a new generation."""
        given = self._dealt() if generation == 0 else self._reseeded(generation)
        rows = [island.ask(generation, drafts) for island, drafts in zip(self._islands, given, strict=True)]
        genomes = [draft.genome for row in rows for draft in row]
        promises = iter(self._guide.promise(genomes) if self._guide is not None else [()] * len(genomes))
        return [
            draft.born(generation, index, number, next(promises))
            for index, row in enumerate(rows)
            for number, draft in enumerate(row)
        ]

    def _dealt(self) -> list[list[Draft[G]]]:
        """Founders dealt in turn to islands that have room."""
        sizes = [island.settings.population for island in self._islands]
        dealt: list[list[Draft[G]]] = [[] for _ in sizes]
        slots = [island for number in range(max(sizes)) for island, size in enumerate(sizes) if number < size]
        founders = self._breeder.founders(generator(self._seed, -1, 0, "founders"))
        for island, draft in zip(slots, founders, strict=False):
            dealt[island].append(draft)
        return dealt

    def _reseeded(self, generation: int) -> list[list[Draft[G]]]:
        """What stagnant islands begin anew with; nothing for the others."""
        given: list[list[Draft[G]]] = []
        for index, (island, progress) in enumerate(zip(self._islands, self._progress, strict=True)):
            drafts: list[Draft[G]] = []
            if progress.reseed:
                count = island.settings.population
                rng = generator(self._seed, index, generation, "reseed")
                pool = island.ranking.select(self.archive.individuals, count)
                drafts = self._breeder.reseeded(pool, count, island.settings, rng)
            given.append(drafts)
        return given

    def _close(self, finished: list[Individual[G]]) -> None:
        """Survival on all islands, migration between them, then reseeding."""
        self._scale(finished)
        children = [[i for i in finished if i.origin.island == index] for index in range(len(self._islands))]
        for island, row in zip(self._islands, children, strict=True):
            island.tell(self.generation, row)
        arrivals = self._migrate([len(row) for row in children])
        for index, row in enumerate(children):
            self._judge(index)
            self._report(index, row, sum(arrival.origin.island == index for arrival in arrivals))

    def _scale(self, finished: Sequence[Individual[G]]) -> None:
        """Fix what weighted objectives are divided by: the range of each in the first generation with a success."""
        rows = [individual.objectives for individual in finished if individual.succeeded]
        if self._scaled or not rows:
            return
        self._scaled = True
        scales = [(max(column) - min(column)) or 1.0 for column in zip(*rows, strict=True)]
        for island in self._islands:
            island.ranking = Ranking(self._settings.objectives, island.settings.objective_weights, scales)

    def _migrate(self, numbers: Sequence[int]) -> list[Individual[G]]:
        if not self._migrator.due(self.generation):
            return []
        before = [island.population for island in self._islands]
        after, arrivals = self._migrator.migrate(before, self.generation, numbers)
        for index, (island, population) in enumerate(zip(self._islands, after, strict=True)):
            island.settle(population, [one for one in arrivals if one.origin.island == index])
        self.history.extend(arrivals)
        return arrivals

    def _judge(self, index: int) -> None:
        """Count generations without a better best; a stagnant island keeps its best and is reseeded."""
        island, progress = self._islands[index], self._progress[index]
        progress.stagnant = 0 if progress.improved(island) else progress.stagnant + 1
        progress.reseed = self._settings.stagnation is not None and progress.stagnant >= self._settings.stagnation
        if progress.reseed:
            progress.stagnant = 0
            island.restart(self.generation)

    def _report(self, index: int, born: Sequence[Individual[G]], arrivals: int) -> None:
        progress = self._progress[index]
        self.reports.append(
            IslandReport.of(
                self.generation,
                index,
                born,
                self._islands[index].population,
                self._objectives,
                self._representation.distance,
                arrivals=arrivals,
                stagnant=progress.stagnant,
                reseeded=progress.reseed,
            )
        )


def archipelago(setup: Setup[G]) -> Archipelago[G]:
    """The islands that were asked for."""
    return Archipelago(setup.archipelago, setup.representation, setup.seed, setup.guide, setup.coordinates)


def single_island(setup: Setup[G]) -> Archipelago[G]:
    """All individuals on one island."""
    return Archipelago(setup.single_island, setup.representation, setup.seed, setup.guide, setup.coordinates)
