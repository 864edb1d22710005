"""The island model: several populations that evolve on their own and now and then exchange individuals.

``ask`` gives the new individuals of all islands at once, ``tell`` takes their outcomes. When all are told, every
island lets its best survive, emigrants are chosen and travel, and islands that no longer get better are reseeded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from evoswarm.evolution.algorithm import Algorithm, Guide, Representation
from evoswarm.evolution.algorithms import Setup
from evoswarm.evolution.genetic import Breeder, Draft, survivors
from evoswarm.evolution.individual import Individual
from evoswarm.evolution.migration import Migrator
from evoswarm.evolution.randomness import generator
from evoswarm.evolution.ranking import Ranking
from evoswarm.evolution.report import IslandReport
from evoswarm.evolution.settings import ArchipelagoSettings, IslandSettings
from evoswarm.pareto import ParetoFront

G = TypeVar("G")


@dataclass
class _Island(Generic[G]):
    """One island's state: its population best first, and how long its best has not got better."""

    settings: IslandSettings
    ranking: Ranking
    front: ParetoFront[str] = field(default_factory=ParetoFront)
    population: list[Individual[G]] = field(default_factory=list)
    best_worth: float | None = None
    stagnant: int = 0
    reseed: bool = False

    def improved(self) -> bool:
        """Whether the population holds something better than ever (a new point of the front, if several)."""
        if not self.population:
            return False
        if self.ranking.several:
            return sum(self.front.add(self.ranking.point(one), one.id) for one in self.population) > 0  # all are added
        worth = self.ranking.worth(self.population[0])
        if self.best_worth is not None and worth <= self.best_worth:
            return False
        self.best_worth = worth
        return True


class Archipelago(Algorithm[G]):
    """Evolves genomes on islands.

    Founders are dealt to the islands in turn, so that islands differ; random genomes fill them up.

    Args:
        settings: of the archipelago.
        representation: of the genomes.
        seed: of the search.
        guide: knows something of genomes before they are evaluated; None is nobody.
    """

    def __init__(
        self,
        settings: ArchipelagoSettings,
        representation: Representation[G],
        seed: int,
        guide: Guide[G] | None = None,
    ) -> None:
        super().__init__(settings.objectives)
        self._settings = settings
        self._representation = representation
        self._seed = seed
        self._breeder = Breeder(representation, self._keys, guide, settings.guidance)
        self._guide = guide if settings.guidance.order else None
        self._scaled = False
        self._islands: list[_Island[G]] = [
            _Island(island, Ranking(settings.objectives, island.objective_weights)) for island in settings.islands
        ]
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
            population = [known.get(individual.id, individual) for individual in island.population]
            island.population = island.ranking.best_first(i for i in population if i.succeeded)

    def _born(self, generation: int) -> list[Individual[G]]:
        """Of all islands a new generation."""
        drafts = self._first() if generation == 0 else self._next(generation)
        genomes = [draft.genome for row in drafts for draft in row]
        promises = iter(self._guide.promise(genomes) if self._guide is not None else [()] * len(genomes))
        return [
            draft.born(generation, island, number, next(promises))
            for island, row in enumerate(drafts)
            for number, draft in enumerate(row)
        ]

    def _first(self) -> list[list[Draft[G]]]:
        """Founders dealt in turn to islands that have room, then random genomes."""
        sizes = [island.settings.population for island in self._islands]
        dealt: list[list[Draft[G]]] = [[] for _ in sizes]
        slots = [island for number in range(max(sizes)) for island, size in enumerate(sizes) if number < size]
        founders = self._breeder.founders(generator(self._seed, -1, 0, "founders"))
        for island, draft in zip(slots, founders, strict=False):
            dealt[island].append(draft)
        for island, row in enumerate(dealt):
            rng = generator(self._seed, island, 0, "random")
            row.extend(self._breeder.randoms(sizes[island] - len(row), rng))
        return dealt

    def _next(self, generation: int) -> list[list[Draft[G]]]:
        drafts = []
        for index, island in enumerate(self._islands):
            count = island.settings.population
            if island.reseed:
                rng = generator(self._seed, index, generation, "reseed")
                pool = island.ranking.select(self.archive.individuals, count)
                drafts.append(self._breeder.reseeded(pool, count, island.settings, rng))
            else:
                rng = generator(self._seed, index, generation, "offspring")
                row = self._breeder.offspring(island.population, count, island.settings, island.ranking, rng)
                drafts.append(row)
        return drafts

    def _close(self, finished: list[Individual[G]]) -> None:
        """Survival on all islands, migration between them, then reseeding."""
        self._scale(finished)
        children = [[i for i in finished if i.origin.island == index] for index in range(len(self._islands))]
        for island, row in zip(self._islands, children, strict=True):
            island.reseed = False
            island.population = survivors(island.population, row, island.settings, island.ranking)
        arrivals = self._migrate([len(row) for row in children])
        for index, (island, row) in enumerate(zip(self._islands, children, strict=True)):
            self._judge(island)
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
        for island, population in zip(self._islands, after, strict=True):
            island.population = island.ranking.best_first(population)
        self.history.extend(arrivals)
        return arrivals

    def _judge(self, island: _Island[G]) -> None:
        """Count generations without a better best; a stagnant island keeps its best and is reseeded."""
        island.stagnant = 0 if island.improved() else island.stagnant + 1
        if self._settings.stagnation is not None and island.stagnant >= self._settings.stagnation:
            island.population = island.population[:1]
            island.stagnant = 0
            island.reseed = True

    def _report(self, index: int, born: Sequence[Individual[G]], arrivals: int) -> None:
        island = self._islands[index]
        self.reports.append(
            IslandReport.of(
                self.generation,
                index,
                born,
                island.population,
                self._objectives,
                self._representation.distance,
                arrivals=arrivals,
                stagnant=island.stagnant,
                reseeded=island.reseed,
            )
        )


def archipelago(setup: Setup[G]) -> Archipelago[G]:
    """The islands that were asked for."""
    return Archipelago(setup.archipelago, setup.representation, setup.seed, setup.guide)


def single_island(setup: Setup[G]) -> Archipelago[G]:
    """All individuals on one island."""
    return Archipelago(setup.single_island, setup.representation, setup.seed, setup.guide)
