"""Route genomes as a search sees them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from random import Random
from typing import Any

from evoswarm.evolution.coordinates import Choice
from evoswarm.genomes.gene_range import GeneRange
from evoswarm.genomes.kinds import Material, PolicyGenomes
from evoswarm.genomes.mix.representation import MixGenomes
from evoswarm.genomes.route import variation
from evoswarm.genomes.route.coordinates import RouteCoordinates
from evoswarm.genomes.route.expression import express, genome_of, repair
from evoswarm.genomes.route.founders import founders
from evoswarm.genomes.route.genes import RouteGenome
from evoswarm.policies import Policy, Recipe, Route
from evoswarm.policies.partition import Partition
from evoswarm.space import SearchSpace
from evoswarm.statistics.text_clusters import clusters_of


class RouteGenomes(PolicyGenomes[RouteGenome, Route]):
    """The genomes of a space that express routes of mixes: by task where the space has several, else by prompts.

    Args:
        material: as mixes need it; with prompts where the space has a single task.

    Raises:
        SpaceError: a limit needs sizes that are missing, or no member may lead.
        RecipeError: the pool lacks a member of a route to begin with, or it is no route of mixes.
    """

    def __init__(self, material: Material) -> None:
        self._mixes = MixGenomes(replace(material, warm_start={}))
        self._partition = material.partition or _partition(material)
        self._parts = min(material.space.genome.routes, self._partition.cells)
        super().__init__(material, self._mixes.genes.limits)

    def expressed(self, genome: RouteGenome) -> Route:
        return express(genome, self._mixes, self._partition)

    def nearest(self, policy: Route) -> RouteGenome:
        return genome_of(policy, self._mixes, self._partition, self._parts)

    def repaired(self, genome: RouteGenome) -> RouteGenome:
        return repair(genome, self._mixes, self._limits.hold)

    def first(self) -> Iterator[tuple[RouteGenome, str]]:
        return founders(self._mixes, self._partition.cells, self._parts)

    def drawn(self, rng: Random) -> RouteGenome:
        return variation.draw(self._mixes, self._partition.cells, self._parts, rng)

    def crossed(self, first: RouteGenome, second: RouteGenome, rng: Random) -> tuple[RouteGenome, RouteGenome]:
        return variation.mate(first, second, self._mixes, rng)

    def mutant(self, genome: RouteGenome, rng: Random, genes: float) -> RouteGenome:
        return variation.mutate(genome, self._mixes, rng, genes)

    def distance(self, first: RouteGenome, second: RouteGenome) -> float:
        return variation.distance(first, second, self._mixes)

    def encode(self, genome: RouteGenome) -> dict[str, Any]:
        return genome.to_dict()

    def decode(self, data: Mapping[str, Any]) -> RouteGenome:
        return RouteGenome.from_dict(data)

    @cached_property
    def coordinates(self) -> RouteCoordinates:
        return RouteCoordinates(self._mixes.coordinates, self._parts, self._partition.cells, self.repaired)

    @property
    def ranges(self) -> Mapping[str, GeneRange]:
        inner = self._mixes.ranges.items()
        return {f"{part}:{name}": allowed for part in range(self._parts) for name, allowed in inner}

    def values(self, genome: RouteGenome) -> dict[str, Choice | float]:
        parts = [self._mixes.values(part) for part in genome.parts]
        found = {f"{part}:{name}": value for part, values in enumerate(parts) for name, value in values.items()}
        return {**found, **self.coordinates.kinds(genome)}

    def asleep(self, genome: RouteGenome) -> frozenset[str]:
        found = set[str]()
        for part, mix in enumerate(genome.parts):
            idle = part not in genome.awake
            names = self._mixes.values(mix) if idle else self._mixes.asleep(mix)
            found |= {f"{part}:{name}" for name in names}
        return frozenset(found)

    def takes_part(self, genome: RouteGenome) -> list[int]:
        return sorted({member for part in genome.awake for member in self._mixes.takes_part(genome.parts[part])})

    def plain(self) -> list[tuple[str, Policy]]:
        """Every member alone, and the uniform mix of all when there are several: each answers every kind."""
        kinds = self._partition.cells
        return [
            (name, self._partition.route(policy, [policy] * kinds))
            for name, policy in self._mixes.plain()
            if isinstance(policy, Recipe)
        ]


def _partition(material: Material) -> Partition:
    """How items are told apart."""
    space: SearchSpace = material.space
    tasks = tuple(task.name for task in space.tasks)
    if len(tasks) == 1:
        clusters = clusters_of(list(material.prompts()), space.genome.routes)
        if len(clusters) > 1:
            return Partition(clusters=tuple(clusters))
    return Partition(tasks=tasks)
