"""Migration: which islands are connected, who travels, and whom the travellers replace.

A migration has three phases, so that no traveller travels twice and no order of islands matters to who is chosen:
emigrants are chosen on all islands, in island order; arrivals are decided (a target that already holds the key
drops the traveller, which then stays at home); then islands change.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Generic, TypeVar

from evoswarm.evolution.individual import Individual, Origin
from evoswarm.evolution.randomness import generator
from evoswarm.evolution.settings import Edge, MigrationSettings, Topology

G = TypeVar("G")


@dataclass(frozen=True, slots=True)
class Journey(Generic[G]):
    """One individual on its way from one island to another."""

    source: int
    target: int
    traveller: Individual[G]


def edges_of(topology: Topology, islands: int, edges: Sequence[Edge] = ()) -> tuple[Edge, ...]:
    """The (source, target) pairs of a topology, sorted, each once, none from an island to itself.

    Args:
        topology: its name. The torus is the most nearly square grid of all islands (for a prime number it is the
            bidirectional ring); the star's hub is island 0.
        islands: how many there are.
        edges: the pairs of ``edges``.
    """
    every = range(islands)
    rows = next(size for size in range(math.isqrt(islands), 0, -1) if islands % size == 0)
    columns = islands // rows
    pairs: dict[Topology, list[Edge]] = {
        "ring": [(a, (a + 1) % islands) for a in every],
        "bidirectional_ring": [(a, (a + step) % islands) for a in every for step in (1, -1)],
        "torus": [
            (a, (a // columns + down) % rows * columns + (a % columns + right) % columns)
            for a in every
            for down, right in ((1, 0), (-1, 0), (0, 1), (0, -1))
        ],
        "star": [pair for a in every for pair in ((0, a), (a, 0))],
        "fully_connected": [(a, b) for a in every for b in every],
        "unconnected": [],
        "edges": list(edges),
    }
    return tuple(sorted({(a, b) for a, b in pairs[topology] if a != b}))


class Migrator(Generic[G]):
    """Moves clones of individuals between islands.

    Args:
        settings: who travels and whom they replace.
        capacities: the population size of every island.
        distance: of two genomes.
        seed: of the search.
    """

    def __init__(
        self,
        settings: MigrationSettings,
        capacities: Sequence[int],
        distance: Callable[[G, G], float],
        seed: int,
    ) -> None:
        self._settings = settings
        self._capacities = tuple(capacities)
        self._distance = distance
        self._seed = seed
        self._edges = edges_of(settings.topology, len(capacities), settings.edges)

    def due(self, generation: int) -> bool:
        """Whether islands exchange individuals after this generation (the first is 0)."""
        return bool(self._edges) and self._settings.count > 0 and (generation + 1) % self._settings.every == 0

    def migrate(
        self, populations: Sequence[Sequence[Individual[G]]], generation: int, numbers: Sequence[int]
    ) -> tuple[list[list[Individual[G]]], list[Individual[G]]]:
        """One migration.

        Args:
            populations: of every island after survival, best first by the island's own ranking.
            generation: the current one.
            numbers: per island, the number that its next individual gets.

        Returns:
            The new populations (not sorted), and the arrivals in order of their ids.
        """
        journeys = self._accepted(self._emigrants(populations, generation), populations)
        after = [list(population) for population in populations]
        if not self._settings.copy:
            for journey in journeys:
                after[journey.source].remove(journey.traveller)
        arrivals: list[Individual[G]] = []
        for target in range(len(after)):
            clones = [
                _clone(journey, Origin(generation, target, numbers[target] + place, "migration"))
                for place, journey in enumerate(j for j in journeys if j.target == target)
            ]
            rng = generator(self._seed, target, generation, "replacement")
            after[target] = self._settled(after[target], clones, self._capacities[target], rng)
            arrivals.extend(clones)
        return after, arrivals

    def _emigrants(self, populations: Sequence[Sequence[Individual[G]]], generation: int) -> list[Journey[G]]:
        """Who wants to travel. Copies go along every edge; who moves takes one edge, and an island keeps one."""
        journeys: list[Journey[G]] = []
        for source, population in enumerate(populations):
            rng = generator(self._seed, source, generation, "emigration")
            home = list(population)
            for target in (b for a, b in self._edges if a == source):
                count = self._settings.count if self._settings.copy else min(self._settings.count, len(home) - 1)
                chosen = self._chosen(home, populations[target], max(0, count), rng)
                journeys.extend(Journey(source, target, traveller) for traveller in chosen)
                if not self._settings.copy:
                    leaving = {traveller.id for traveller in chosen}
                    home = [individual for individual in home if individual.id not in leaving]
        return journeys

    def _chosen(
        self, home: Sequence[Individual[G]], there: Sequence[Individual[G]], count: int, rng: Random
    ) -> list[Individual[G]]:
        if self._settings.select == "best":
            return list(home[:count])
        if self._settings.select == "random":
            return rng.sample(list(home), min(count, len(home)))
        better_half = list(home[: max(count, (len(home) + 1) // 2)])
        seen = [individual.genome for individual in there]
        chosen: list[Individual[G]] = []
        while better_half and len(chosen) < count:
            farthest = max(better_half, key=lambda i: min((self._distance(i.genome, g) for g in seen), default=0.0))
            better_half.remove(farthest)
            seen.append(farthest.genome)
            chosen.append(farthest)
        return chosen

    def _accepted(
        self, journeys: Sequence[Journey[G]], populations: Sequence[Sequence[Individual[G]]]
    ) -> list[Journey[G]]:
        """Journeys whose target does not hold the key yet and has room that is not its best's, in order."""
        held = [{individual.key for individual in population} for population in populations]
        room = [max(1, size - 1) for size in self._capacities]
        accepted: list[Journey[G]] = []
        for journey in journeys:
            if journey.traveller.key not in held[journey.target] and room[journey.target] > 0:
                held[journey.target].add(journey.traveller.key)
                room[journey.target] -= 1
                accepted.append(journey)
        return accepted

    def _settled(
        self, residents: list[Individual[G]], clones: list[Individual[G]], capacity: int, rng: Random
    ) -> list[Individual[G]]:
        """Residents with the clones among them: gaps are filled first, then residents leave, never their best."""
        staying = list(residents)
        for _ in range(len(residents) + len(clones) - capacity):
            mortal = staying[1:]
            if self._settings.replace == "worst":
                victim = mortal[-1]
            elif self._settings.replace == "oldest":
                victim = min(mortal, key=lambda individual: individual.order)
            else:
                victim = rng.choice(mortal)
            staying.remove(victim)
        return staying + clones


def _clone(journey: Journey[G], origin: Origin) -> Individual[G]:
    """A new individual that shares nothing mutable with the one it is a clone of, and names it."""
    old = journey.traveller
    named = Origin(origin.generation, origin.island, origin.number, origin.operator, (old.id,), old.id)
    return replace(old, genome=copy.deepcopy(old.genome), origin=named)
