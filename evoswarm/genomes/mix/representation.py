"""Recipe genomes as a search sees them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from random import Random
from typing import Any

from evoswarm.evolution.coordinates import Choice
from evoswarm.genomes.gene_range import GeneRange
from evoswarm.genomes.kinds import Material, PolicyGenomes
from evoswarm.genomes.mix import variation
from evoswarm.genomes.mix.coordinates import RecipeCoordinates
from evoswarm.genomes.mix.dormancy import MemberState
from evoswarm.genomes.mix.expression import express, genome_of, member_states, repair, thresholds
from evoswarm.genomes.mix.founders import founders
from evoswarm.genomes.mix.genes import RecipeGenome, genes_of
from evoswarm.genomes.mix.thresholds import Calibration
from evoswarm.genomes.plain import singles, uniform
from evoswarm.policies import Policy, Recipe


class MixGenomes(PolicyGenomes[RecipeGenome, Recipe]):
    """The genomes of a space that express mixes.

    Args:
        material: with entropies of every member that may lead (none are needed if the space has no gates), in every
            alphabet of the space, and in those of gated recipes to begin with.

    Raises:
        SpaceError: a limit needs sizes that are missing, or no member may lead.
        RecipeError: the pool lacks a member of a recipe to begin with.
    """

    def __init__(self, material: Material) -> None:
        self.genes = genes_of(material.space, material.sizes)
        self._calibrate = material.calibrate
        self._calibrations = {alphabet: self._calibrate(alphabet) for alphabet in material.space.alphabets}
        super().__init__(material, self.genes.limits)

    @property
    def calibration(self) -> Calibration:
        """That of the first alphabet."""
        return self._calibrations[self.space.alphabets[0]]

    def expressed(self, genome: RecipeGenome) -> Recipe:
        return express(genome, self.space, self._table(genome))

    def nearest(self, policy: Recipe) -> RecipeGenome:
        gated = any(member.threshold > 0 for member in policy.members)
        if gated and policy.alphabet not in self._calibrations:  # nats of other symbols are other shares
            self._calibrations[policy.alphabet] = self._calibrate(policy.alphabet)
        calibration = self._calibrations.get(policy.alphabet, self.calibration)
        return genome_of(policy, self.space, calibration, self.genes)

    def repaired(self, genome: RecipeGenome) -> RecipeGenome:
        return repair(genome, self.space, self._table(genome), self.genes)

    def first(self) -> Iterator[tuple[RecipeGenome, str]]:
        return founders(self.space, self.genes)

    def drawn(self, rng: Random) -> RecipeGenome:
        return variation.draw(self.genes, rng)

    def crossed(self, first: RecipeGenome, second: RecipeGenome, rng: Random) -> tuple[RecipeGenome, RecipeGenome]:
        return variation.mate(first, second, self.genes, rng)

    def mutant(self, genome: RecipeGenome, rng: Random, genes: float) -> RecipeGenome:
        return variation.mutate(genome, self._states(genome), self.genes, rng, genes)

    def distance(self, first: RecipeGenome, second: RecipeGenome) -> float:
        return variation.distance(first, second, self.genes)

    def encode(self, genome: RecipeGenome) -> dict[str, Any]:
        return genome.to_dict()

    def decode(self, data: Mapping[str, Any]) -> RecipeGenome:
        return RecipeGenome.from_dict(data)

    @cached_property
    def coordinates(self) -> RecipeCoordinates:
        return RecipeCoordinates(self.genes, [spec.name for spec in self.space.pool], self.repaired)

    @property
    def ranges(self) -> Mapping[str, GeneRange]:
        return self.coordinates.ranges

    def values(self, genome: RecipeGenome) -> dict[str, Choice | float]:
        return self.coordinates.values(genome)

    def asleep(self, genome: RecipeGenome) -> frozenset[str]:
        return self.coordinates.asleep(genome, self._states(genome))

    def takes_part(self, genome: RecipeGenome) -> list[int]:
        return [index for index, state in enumerate(self._states(genome)) if state in ("lead", "speaking")]

    def plain(self) -> list[tuple[str, Policy]]:
        """Every member alone, and the uniform mix of all when there are several."""
        found: list[tuple[str, Policy]] = [*singles(self.space)]
        return found + ([("uniform mix", uniform(self.space, self.space.pool))] if len(self.space.pool) > 1 else [])

    def _states(self, genome: RecipeGenome) -> tuple[MemberState, ...]:
        """What each member of the pool does in a genome's recipe."""
        return member_states(genome, thresholds(genome, self.space, self._table(genome)))

    def _table(self, genome: RecipeGenome) -> Calibration:
        """The calibration that a genome's open shares are shares of."""
        return self._calibrations[genome.alphabet or self.space.alphabets[0]]
