"""Vote genomes as a search sees them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from random import Random
from typing import Any

from evoswarm.evolution.coordinates import Choice
from evoswarm.genomes.gene_range import GeneRange
from evoswarm.genomes.kinds import Material, PolicyGenomes
from evoswarm.genomes.plain import singles
from evoswarm.genomes.vote import variation
from evoswarm.genomes.vote.coordinates import VoteCoordinates
from evoswarm.genomes.vote.expression import express, genome_of, repair
from evoswarm.genomes.vote.founders import founders, plain
from evoswarm.genomes.vote.genes import VoteGenome, genes_of
from evoswarm.policies import Policy, Vote
from evoswarm.policies.vote import Voter


class VoteGenomes(PolicyGenomes[VoteGenome, Vote]):
    """The genomes of a space that express votes.

    Raises:
        SpaceError: a limit needs sizes that are missing, or no member is within the limits.
        RecipeError: the pool lacks a member of a vote to begin with.
    """

    def __init__(self, material: Material) -> None:
        self.genes = genes_of(material.space, material.sizes)
        super().__init__(material, self.genes.limits)

    def expressed(self, genome: VoteGenome) -> Vote:
        return express(genome, self.space)

    def nearest(self, policy: Vote) -> VoteGenome:
        return genome_of(policy, self.space, self.genes)

    def repaired(self, genome: VoteGenome) -> VoteGenome:
        return repair(genome, self.genes)

    def first(self) -> Iterator[tuple[VoteGenome, str]]:
        return founders(self.space, self.genes)

    def drawn(self, rng: Random) -> VoteGenome:
        return variation.draw(self.genes, rng)

    def crossed(self, first: VoteGenome, second: VoteGenome, rng: Random) -> tuple[VoteGenome, VoteGenome]:
        return variation.mate(first, second, self.genes, rng)

    def mutant(self, genome: VoteGenome, rng: Random, genes: float) -> VoteGenome:
        return variation.mutate(genome, self.genes, rng, genes)

    def distance(self, first: VoteGenome, second: VoteGenome) -> float:
        return variation.distance(first, second, self.genes)

    def encode(self, genome: VoteGenome) -> dict[str, Any]:
        return genome.to_dict()

    def decode(self, data: Mapping[str, Any]) -> VoteGenome:
        return VoteGenome.from_dict(data)

    @cached_property
    def coordinates(self) -> VoteCoordinates:
        return VoteCoordinates(self.genes, [spec.name for spec in self.space.pool], self.repaired)

    @property
    def ranges(self) -> Mapping[str, GeneRange]:
        return self.coordinates.ranges

    def values(self, genome: VoteGenome) -> dict[str, Choice | float]:
        return self.coordinates.values(genome)

    def asleep(self, genome: VoteGenome) -> frozenset[str]:
        return self.coordinates.asleep(genome)

    def takes_part(self, genome: VoteGenome) -> list[int]:
        return genome.voters

    def plain(self) -> list[tuple[str, Policy]]:
        """Every member alone, and one greedy answer of each with equal weights when there are several."""
        found: list[tuple[str, Policy]] = [(n, Vote(voters=(Voter(recipe=r),))) for n, r in singles(self.space)]
        if len(self.space.pool) > 1:
            found.append(("uniform vote", express(plain(self.genes, range(self.genes.pool), 1), self.space)))
        return found
