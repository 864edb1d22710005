"""Recipe genomes as evolution sees them: founders, draws, operators and keys, always repaired."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from random import Random

from evoswarm.errors import RecipeError
from evoswarm.genomes.kinds import REMEMBERED, Material
from evoswarm.genomes.limits import MemberSize
from evoswarm.genomes.mix import variation
from evoswarm.genomes.mix.coordinates import RecipeCoordinates
from evoswarm.genomes.mix.expression import express, genome_of, member_states, repair, thresholds
from evoswarm.genomes.mix.founders import founders
from evoswarm.genomes.mix.genes import RecipeGenome, genes_of
from evoswarm.genomes.mix.thresholds import Calibration
from evoswarm.genomes.plain import singles, uniform
from evoswarm.policies import Policy, Recipe
from evoswarm.space import SearchSpace


class MixGenomes:
    """The genomes of a space that express mixes: a ``PolicyGenomes[RecipeGenome]``.

    Args:
        space: the search space; its member specs go into recipes, so fill in their fingerprints first.
        calibration: entropies of every member that may lead (may be empty if the space has no gates).
        sizes: member's name -> its size; needed where the space limits parameters, FLOPs or memory.
        warm_start: recipes to begin with, by the name that their origin shall have.

    Raises:
        SpaceError: a limit needs sizes that are missing, or no member may lead.
        RecipeError: the pool lacks a member of a warm-start recipe.
    """

    def __init__(
        self,
        space: SearchSpace,
        calibration: Calibration,
        sizes: Mapping[str, MemberSize] | None = None,
        warm_start: Mapping[str, Recipe] | None = None,
    ) -> None:
        self.space = space
        self.calibration = calibration
        self.genes = genes_of(space, sizes)
        self._expressed: Callable[[RecipeGenome], tuple[Recipe, str]] = lru_cache(REMEMBERED)(self._express)
        self._warm = [(self.genome_of(recipe), f"warm_start:{name}") for name, recipe in (warm_start or {}).items()]

    @classmethod
    def of(cls, material: Material) -> MixGenomes:
        """The mixes of a space.

        Raises:
            SpaceError: a limit needs sizes that are missing, or no member may lead.
            RecipeError: a policy to begin with is no mix, or has members that the pool lacks.
        """
        warm = {}
        for name, policy in material.warm_start.items():
            if not isinstance(policy, Recipe):
                raise RecipeError(f"warm_start: expected a mix (genome.kind is mix), got a {policy.kind}: {name}")
            warm[name] = policy
        return cls(material.space, material.calibrate(), material.sizes, warm)

    @property
    def coordinates(self) -> RecipeCoordinates:
        """The genomes as points of a box."""
        return RecipeCoordinates(self.genes, [spec.name for spec in self.space.pool], self.repaired)

    def plain(self) -> list[tuple[str, Policy]]:
        """Every member alone, and the uniform mix of all when there are several."""
        found: list[tuple[str, Policy]] = [*singles(self.space)]
        return found + ([("uniform mix", uniform(self.space, self.space.pool))] if len(self.space.pool) > 1 else [])

    def allows(self, policy: Policy) -> bool:
        """Whether the limits of the space allow a policy."""
        names = [spec.name for spec in self.space.pool]
        return self.genes.limits.allow([names.index(spec.name) for spec in policy.specs])

    def express(self, genome: RecipeGenome) -> Recipe:
        """The recipe of a genome."""
        return self._expressed(genome)[0]

    def genome_of(self, recipe: Recipe) -> RecipeGenome:
        """The allowed genome that comes nearest to a recipe.

        Raises:
            RecipeError: the pool lacks a member of the recipe.
        """
        return self.repaired(genome_of(recipe, self.space, self.calibration, self.genes))

    def encode(self, genome: RecipeGenome) -> dict[str, object]:
        """The genome as JSON data."""
        return genome.to_dict()

    def decode(self, data: Mapping[str, object]) -> RecipeGenome:
        """Read what :meth:`encode` wrote, exactly."""
        return RecipeGenome.from_dict(data)

    def founders(self, rng: Random) -> list[tuple[RecipeGenome, str]]:
        """Warm starts, the uniform mix of all, every single member, gated uniform mixes under every lead.

        What the limits of the space or its leads do not allow is left out.
        """
        plain = [(genome, name) for genome, name in founders(self.space, self.genes) if self.repaired(genome) == genome]
        return [*self._warm, *plain]

    def random(self, rng: Random) -> RecipeGenome:
        """Draw a genome."""
        return self.repaired(variation.draw(self.genes, rng))

    def mate(self, first: RecipeGenome, second: RecipeGenome, rng: Random) -> tuple[RecipeGenome, RecipeGenome]:
        """Two children: blocks of member genes, then simulated binary crossover, uniform on categories."""
        one, two = variation.mate(first, second, self.genes, rng)
        return self.repaired(one), self.repaired(two)

    def mutate(self, genome: RecipeGenome, rng: Random, genes: float) -> RecipeGenome:
        """A variant that differs in ``genes`` active genes on average (before repair)."""
        states = member_states(genome, thresholds(genome, self.space, self.calibration))
        return self.repaired(variation.mutate(genome, states, self.genes, rng, genes))

    def key(self, genome: RecipeGenome) -> str:
        """The digest of the genome's recipe."""
        return self._expressed(genome)[1]

    def distance(self, first: RecipeGenome, second: RecipeGenome) -> float:
        """How different two genomes are, from 0 to 1."""
        return variation.distance(first, second, self.genes)

    def repaired(self, genome: RecipeGenome) -> RecipeGenome:
        """The genome that the space allows."""
        return repair(genome, self.space, self.calibration, self.genes)

    def _express(self, genome: RecipeGenome) -> tuple[Recipe, str]:
        """The recipe of a genome and its digest: asked for several times on the way from a draft to a line on disk."""
        recipe = express(genome, self.space, self.calibration)
        return recipe, recipe.digest
