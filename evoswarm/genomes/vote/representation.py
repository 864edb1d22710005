"""Vote genomes as evolution sees them: founders, draws, operators and keys, always repaired."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from random import Random
from typing import Any

from evoswarm.errors import RecipeError
from evoswarm.genomes.kinds import REMEMBERED, Material
from evoswarm.genomes.limits import MemberSize
from evoswarm.genomes.plain import singles
from evoswarm.genomes.vote import variation
from evoswarm.genomes.vote.coordinates import VoteCoordinates
from evoswarm.genomes.vote.expression import express, genome_of, repair
from evoswarm.genomes.vote.founders import founders, plain
from evoswarm.genomes.vote.genes import VoteGenes, VoteGenome, genes_of
from evoswarm.policies import Policy, Vote
from evoswarm.policies.vote import Voter
from evoswarm.space import SearchSpace


class VoteGenomes:
    """The genomes of a space that express votes: a ``PolicyGenomes[VoteGenome]``.

    Args:
        space: the search space, fingerprints filled in.
        sizes: member's name -> its size; needed where the space limits parameters, FLOPs or memory.
        warm_start: votes to begin with, by the name that their origin shall have.

    Raises:
        SpaceError: a limit needs sizes that are missing, or no member is within the limits.
        RecipeError: the pool lacks a member of a vote to begin with.
    """

    def __init__(
        self,
        space: SearchSpace,
        sizes: Mapping[str, MemberSize] | None = None,
        warm_start: Mapping[str, Vote] | None = None,
    ) -> None:
        self.space = space
        self.genes: VoteGenes = genes_of(space, sizes or {})
        self._expressed: Callable[[VoteGenome], tuple[Vote, str]] = lru_cache(REMEMBERED)(self._express)
        self._warm = [
            (self.repaired(genome_of(vote, space, self.genes)), f"warm_start:{name}")
            for name, vote in (warm_start or {}).items()
        ]

    @classmethod
    def of(cls, material: Material) -> VoteGenomes:
        """The votes of a space.

        Raises:
            SpaceError: a limit needs sizes that are missing, or no member is within the limits.
            RecipeError: a policy to begin with is no vote, or has members that the pool lacks.
        """
        warm = {}
        for name, policy in material.warm_start.items():
            if not isinstance(policy, Vote):
                raise RecipeError(f"warm_start: expected a vote (genome.kind is vote), got a {policy.kind}: {name}")
            warm[name] = policy
        return cls(material.space, material.sizes, warm)

    @property
    def coordinates(self) -> VoteCoordinates:
        """The genomes as points of a box."""
        return VoteCoordinates(self.genes, [spec.name for spec in self.space.pool], self.repaired)

    def plain(self) -> list[tuple[str, Policy]]:
        """Every member alone, and one greedy answer of each with equal weights when there are several."""
        found: list[tuple[str, Policy]] = [(n, Vote(voters=(Voter(recipe=r),))) for n, r in singles(self.space)]
        if len(self.space.pool) > 1:
            everyone = plain(self.genes, range(self.genes.pool), 1)
            found.append(("uniform vote", express(everyone, self.space)))
        return found

    def allows(self, policy: Policy) -> bool:
        """Whether the limits of the space allow a policy."""
        names = [spec.name for spec in self.space.pool]
        return self.genes.limits.allow([names.index(spec.name) for spec in policy.specs])

    def express(self, genome: VoteGenome) -> Vote:
        """The vote of a genome."""
        return self._expressed(genome)[0]

    def encode(self, genome: VoteGenome) -> dict[str, Any]:
        """The genome as JSON data."""
        return genome.to_dict()

    def decode(self, data: Mapping[str, Any]) -> VoteGenome:
        """Read what `encode` wrote, exactly."""
        return VoteGenome.from_dict(data)

    def founders(self, rng: Random) -> list[tuple[VoteGenome, str]]:
        """Warm starts, one vote for everybody, every member alone, everybody with as many answers as the space has.

        What the limits of the space do not allow is left out.
        """
        first = [(genome, name) for genome, name in founders(self.space, self.genes) if self.repaired(genome) == genome]
        return [*self._warm, *first]

    def random(self, rng: Random) -> VoteGenome:
        """Draw a genome."""
        return self.repaired(variation.draw(self.genes, rng))

    def mate(self, first: VoteGenome, second: VoteGenome, rng: Random) -> tuple[VoteGenome, VoteGenome]:
        """Two children: a member's genes move as one block and are blended where both parents let it vote."""
        one, two = variation.mate(first, second, self.genes, rng)
        return self.repaired(one), self.repaired(two)

    def mutate(self, genome: VoteGenome, rng: Random, genes: float) -> VoteGenome:
        """A variant that differs in ``genes`` active genes on average, at least one (before repair)."""
        return self.repaired(variation.mutate(genome, self.genes, rng, genes))

    def key(self, genome: VoteGenome) -> str:
        """The digest of the genome's vote."""
        return self._expressed(genome)[1]

    def distance(self, first: VoteGenome, second: VoteGenome) -> float:
        """How different two genomes are, from 0 to 1."""
        return variation.distance(first, second, self.genes)

    def repaired(self, genome: VoteGenome) -> VoteGenome:
        """The genome that the space allows."""
        return repair(genome, self.genes)

    def _express(self, genome: VoteGenome) -> tuple[Vote, str]:
        vote = express(genome, self.space)
        return vote, vote.digest
