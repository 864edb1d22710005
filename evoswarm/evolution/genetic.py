"""The genetic operators: founders, offspring and survivors of one island, on top of DEAP.

Survival is *generational with elites*: an island of ``population`` individuals asks for as many new ones in every
generation; the ``elites`` best parents and the best of the new ones go on. With several objectives it is NSGA-II:
the best of parents and children together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Generic, TypeVar

from evoswarm.evolution.algorithm import Guide, Representation
from evoswarm.evolution.deap_operators import tournaments
from evoswarm.evolution.individual import Individual, Origin
from evoswarm.evolution.ranking import Ranking
from evoswarm.evolution.settings import UNGUIDED, GuidanceSettings, IslandSettings

G = TypeVar("G")

ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Draft(Generic[G]):
    """A genome that is about to become an individual, and how it was made."""

    genome: G
    key: str
    operator: str
    parents: tuple[str, ...] = ()

    def born(self, generation: int, island: int, number: int, promise: tuple[float, ...] = ()) -> Individual[G]:
        """The individual, not evaluated yet."""
        origin = Origin(generation, island, number, self.operator, self.parents)
        return Individual(self.genome, self.key, origin, promise=promise)


class Breeder(Generic[G]):
    """Makes drafts and avoids behaviour that was tried before.

    Args:
        representation: of the genomes.
        known: keys of all individuals asked for so far; the caller owns it, drafts made here are added.
        guide: knows something of genomes before they are evaluated; None is nobody.
        guidance: what is done with that.
    """

    def __init__(
        self,
        representation: Representation[G],
        known: set[str],
        guide: Guide[G] | None = None,
        guidance: GuidanceSettings = UNGUIDED,
    ) -> None:
        self._representation = representation
        self._known = known
        self._guide = guide
        self._drafts_each = 1 if guide is None else guidance.screen
        self._refine = 0.0 if guide is None else guidance.refine

    def founders(self, rng: Random) -> list[Draft[G]]:
        """The representation's founders that behave differently, most important first."""
        drafts: dict[str, Draft[G]] = {}
        for genome, operator in self._representation.founders(rng):
            key = self._representation.key(genome)
            drafts.setdefault(key, Draft(genome, key, operator))
        self._known.update(drafts)
        return list(drafts.values())

    def randoms(self, count: int, rng: Random) -> list[Draft[G]]:
        """So many random genomes, the more promising ones of several if there is a guide."""
        return self._screened(lambda wanted: [self.random(rng) for _ in range(wanted)], count)

    def random(self, rng: Random, operator: str = "random") -> Draft[G]:
        """A random genome, drawn again up to 5 times if its behaviour is known."""
        genome = self._representation.random(rng)
        for _ in range(ATTEMPTS):
            if self._representation.key(genome) not in self._known:
                break
            genome = self._representation.random(rng)
        return self.draft(genome, operator)

    def offspring(
        self,
        population: Sequence[Individual[G]],
        count: int,
        settings: IslandSettings,
        ranking: Ranking,
        rng: Random,
    ) -> list[Draft[G]]:
        """Children of parents chosen by tournaments; random genomes where the population has gaps.

        With a guide, each is the most promising of several drafts, and some are refined.

        Args:
            population: successes; each tournament draws from all of them.
            count: drafts wanted.
            settings: of the island.
            ranking: of the island.
            rng: where all chance comes from.
        """
        gaps = min(count, max(0, settings.population - len(population)))
        candidates = ranking.candidates(population)

        def bred(wanted: int) -> list[Draft[G]]:
            drafts: list[Draft[G]] = []
            while len(drafts) < wanted:
                first, second = (winner.individual for winner in tournaments(candidates, 2, settings.tournament, rng))
                drafts.extend(self._children(first, second, settings, rng)[: wanted - len(drafts)])
            return drafts

        return [*self.randoms(gaps, rng), *self._refined(self._screened(bred, count - gaps), rng)]

    def reseeded(
        self, pool: Sequence[Individual[G]], count: int, settings: IslandSettings, rng: Random
    ) -> list[Draft[G]]:
        """What starts a stagnant island anew: half mutants of good individuals, half random genomes.

        Args:
            pool: whom to mutate, best first.
            count: drafts wanted.
            settings: of the island.
            rng: where all chance comes from.
        """
        parents = [pool[place % len(pool)] for place in range(count // 2)] if pool else []
        drafts = [self.mutant(p.genome, "reseed:mutation", (p.id,), settings.mutated_genes, rng) for p in parents]
        while len(drafts) < count:
            drafts.append(self.random(rng, "reseed:random"))
        return drafts

    def _children(
        self, first: Individual[G], second: Individual[G], settings: IslandSettings, rng: Random
    ) -> list[Draft[G]]:
        """Two children; each is mutated when the dice say so, and always when nothing else would change it."""
        parents: list[tuple[str, ...]]
        crosses = first.key != second.key and rng.random() < settings.crossover
        if crosses:
            genomes = self._representation.mate(first.genome, second.genome, rng)
            parents = [(first.id, second.id), (second.id, first.id)]
        else:
            genomes = (first.genome, second.genome)
            parents = [(first.id,), (second.id,)]
        drafts = []
        for genome, names in zip(genomes, parents, strict=True):
            tried = self._representation.key(genome) in self._known
            if rng.random() < settings.mutation or tried:
                operator = "crossover+mutation" if crosses else "mutation"
                drafts.append(self.mutant(genome, operator, names, settings.mutated_genes, rng))
            else:
                drafts.append(self.draft(genome, "crossover", names))
        return drafts

    def mutant(self, genome: G, operator: str, parents: tuple[str, ...], genes: float, rng: Random) -> Draft[G]:
        """A genome with so many genes changed on average, mutated again up to 5 times while its behaviour is known."""
        for _ in range(1 + ATTEMPTS):
            genome = self._representation.mutate(genome, rng, genes)
            if self._representation.key(genome) not in self._known:
                break
        return self.draft(genome, operator, parents)

    def _screened(self, made: Callable[[int], list[Draft[G]]], count: int) -> list[Draft[G]]:
        """So many drafts, each the most promising of as many as the guidance says; the others were never there."""
        if self._guide is None or self._drafts_each == 1 or count == 0:
            return made(count)
        before = set(self._known)
        drafts = made(count * self._drafts_each)
        promises = self._guide.promise([draft.genome for draft in drafts])
        groups = [range(place, len(drafts), count) for place in range(count)]
        chosen = [drafts[max(group, key=lambda place: (promises[place], -place))] for group in groups]
        self._known.difference_update({draft.key for draft in drafts} - before - {draft.key for draft in chosen})
        return chosen

    def _refined(self, drafts: list[Draft[G]], rng: Random) -> list[Draft[G]]:
        """Some of them made a few steps better, where that is not known yet."""
        if self._guide is None or not self._refine:
            return drafts
        places = [place for place in range(len(drafts)) if rng.random() < self._refine]
        for place, genome in zip(places, self._guide.refined([drafts[one].genome for one in places]), strict=True):
            old = drafts[place]  # it counts as tried
            if self._representation.key(genome) not in self._known:
                drafts[place] = self.draft(genome, f"{old.operator}+refine", old.parents)
        return drafts

    def draft(self, genome: G, operator: str, parents: tuple[str, ...] = ()) -> Draft[G]:
        """A genome as it is, known or not."""
        key = self._representation.key(genome)
        self._known.add(key)
        return Draft(genome, key, operator, parents)


def survivors(
    parents: Sequence[Individual[G]], children: Sequence[Individual[G]], settings: IslandSettings, ranking: Ranking
) -> list[Individual[G]]:
    """Who lives on: successes only, no behaviour twice, best first, at most ``settings.population``.

    Args:
        parents: the population before.
        children: the individuals of this generation, failures included.
        settings: of the island.
        ranking: of the island.
    """
    succeeded = [child for child in children if child.succeeded]
    if ranking.several:
        return ranking.best_first(ranking.select(distinct([*parents, *succeeded]), settings.population))
    elites = ranking.select(parents, min(settings.elites, settings.population - 1))
    held = {individual.key for individual in elites}
    fresh = [child for child in distinct(succeeded) if child.key not in held]
    chosen = ranking.select(fresh, settings.population - len(elites))
    return ranking.best_first([*elites, *chosen])


def distinct(individuals: Sequence[Individual[G]]) -> list[Individual[G]]:
    """The oldest individual of every key."""
    oldest: dict[str, Individual[G]] = {}
    for individual in sorted(individuals, key=lambda individual: individual.order):
        oldest.setdefault(individual.key, individual)
    return list(oldest.values())
