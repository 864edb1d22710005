"""What a kind of genome offers to a search, and what it is made from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random
from typing import Any, Generic, TypeVar

from evoswarm.evolution.coordinates import Choice, Coordinates
from evoswarm.genomes.gene_range import GeneRange
from evoswarm.genomes.limits import Limits, MemberSize
from evoswarm.genomes.mix.thresholds import Calibration
from evoswarm.policies import Policy, Route
from evoswarm.policies.alphabets import AlphabetName
from evoswarm.policies.partition import Partition
from evoswarm.space import SearchSpace

REMEMBERED = 4096  # policies of genomes: more than a generation asks for

G = TypeVar("G")
P = TypeVar("P", bound=Policy)


@dataclass(frozen=True)
class Material:
    """What genomes are made from.

    Attributes:
        space: the search space, fingerprints filled in: its member specs go into policies.
        sizes: member's name -> its size; needed where the space limits parameters, FLOPs or memory.
        warm_start: policies of the space's kind to begin with, by the name that their origin shall have.
        calibrate: gives the entropies of all possible leads in an alphabet; called by kinds that need them.
        prompts: gives those of the search items, as their tasks word them; called by kinds that need them.
        fitted: policies fitted to right answers, to be among the founders, by the name that their origin shall have.
        partition: how routes tell items apart, where that is known; else by what the space's tasks and prompts are.
    """

    space: SearchSpace
    sizes: Mapping[str, MemberSize] = field(default_factory=dict)
    warm_start: Mapping[str, Any] = field(default_factory=dict)
    calibrate: Callable[[AlphabetName], Calibration] = lambda alphabet: Calibration({})
    prompts: Callable[[], Sequence[str]] = tuple
    fitted: Mapping[str, Any] = field(default_factory=dict)
    partition: Partition | None = None


class PolicyGenomes(ABC, Generic[G, P]):
    """The genomes of a space: evolution's view of them (a ``Representation``), and the policies that they express.

    A kind says what is abstract here, and keeps the contract of tests/genomes/test_kinds.py. Whatever `founders`,
    `random`, `mate` and `mutate` give is repaired: the space allows it.

    Args:
        material: what they are made from.
        limits: of the space, on the members of a policy.

    Raises:
        RecipeError: a policy to begin with has members that the pool lacks.
    """

    def __init__(self, material: Material, limits: Limits) -> None:
        self.space, self._limits = material.space, limits
        self._remembered: Callable[[G], tuple[P, str]] = lru_cache(REMEMBERED)(self._with_digest)
        self._warm = [(self.genome_of(one), f"warm_start:{name}") for name, one in material.warm_start.items()]
        self._fitted = [(self.genome_of(one), f"fitted:{name}") for name, one in material.fitted.items()]

    @abstractmethod
    def expressed(self, genome: G) -> P:
        """The policy of a genome, made anew."""

    @abstractmethod
    def nearest(self, policy: P) -> G:
        """The genome that comes nearest to a policy, not repaired.

        Raises:
            RecipeError: the pool lacks a member of the policy.
        """

    @abstractmethod
    def repaired(self, genome: G) -> G:
        """The genome that the space allows."""

    @abstractmethod
    def first(self) -> Iterable[tuple[G, str]]:
        """Genomes worth trying first, with names; what `repaired` would change is left out of the founders."""

    @abstractmethod
    def drawn(self, rng: Random) -> G:
        """A random genome, not repaired."""

    @abstractmethod
    def crossed(self, first: G, second: G, rng: Random) -> tuple[G, G]:
        """Two children, not repaired."""

    @abstractmethod
    def mutant(self, genome: G, rng: Random, genes: float) -> G:
        """A variant that differs in ``genes`` active genes on average, at least one; not repaired."""

    @abstractmethod
    def distance(self, first: G, second: G) -> float:
        """How different two genomes are, from 0 to 1."""

    @abstractmethod
    def encode(self, genome: G) -> dict[str, Any]:
        """The genome as JSON data."""

    @abstractmethod
    def decode(self, data: Mapping[str, Any]) -> G:
        """Read what `encode` wrote, exactly.

        Raises:
            ValueError: the data is no genome.
        """

    @property
    @abstractmethod
    def coordinates(self) -> Coordinates[G]:
        """The genomes as points of a box, for samplers that know numbers and categories only."""

    @abstractmethod
    def plain(self) -> list[tuple[str, Policy]]:
        """What every champion is compared with: every member alone, and all of them alike, each with its name."""

    @property
    def ranges(self) -> Mapping[str, GeneRange]:
        """What the numbers among the coordinates may be in their own units; one that is not here is a quantile."""
        return {}

    def values(self, genome: G) -> dict[str, Choice | float]:
        """What the coordinates stand for, by their names: numbers in their own units where `ranges` knows them."""
        return self.coordinates.encode(genome)

    def asleep(self, genome: G) -> frozenset[str]:
        """Names of coordinates that do not matter at a genome, as long as its other genes stay."""
        return frozenset()

    def takes_part(self, genome: G) -> list[int]:
        """Who takes part in the policy of a genome, by position in the pool; without making the policy where it can."""
        names = {spec.name for spec in self.express(genome).specs}
        return [index for index, spec in enumerate(self.space.pool) if spec.name in names]

    def express(self, genome: G) -> P:
        """The policy of a genome."""
        return self._remembered(genome)[0]

    def key(self, genome: G) -> str:
        """The digest of the genome's policy."""
        return self._remembered(genome)[1]

    def genome_of(self, policy: P) -> G:
        """The allowed genome that comes nearest to a policy.

        Raises:
            RecipeError: the pool lacks a member of the policy.
        """
        return self.repaired(self.nearest(policy))

    def founders(self, rng: Random) -> list[tuple[G, str]]:
        """Policies to begin with, the plainest ones, fitted ones, and what else the space allows of the first genomes.

        In this order, as a small population has room for some of them only.
        """
        plainest = {policy.digest for _, policy in self.plain()}
        first = [(genome, name) for genome, name in self.first() if self.repaired(genome) == genome]
        plain = [pair for pair in first if self.key(pair[0]) in plainest]
        return [*self._warm, *plain, *self._fitted, *(pair for pair in first if pair not in plain)]

    def random(self, rng: Random) -> G:
        """Draw a genome."""
        return self.repaired(self.drawn(rng))

    def mate(self, first: G, second: G, rng: Random) -> tuple[G, G]:
        """Make two children of two parents."""
        one, two = self.crossed(first, second, rng)
        return self.repaired(one), self.repaired(two)

    def mutate(self, genome: G, rng: Random, genes: float) -> G:
        """Make a variant that differs in ``genes`` active genes on average (before repair)."""
        return self.repaired(self.mutant(genome, rng, genes))

    def allows(self, policy: Policy) -> bool:
        """Whether the limits of the space allow a policy: of a route every part, and all its members together."""
        names = [spec.name for spec in self.space.pool]
        parts: Sequence[Policy] = policy.policies if isinstance(policy, Route) else [policy]
        rows = [[names.index(spec.name) for spec in one.specs] for one in (*parts, policy)]
        return all(map(self._limits.allow, rows[:-1])) and self._limits.hold(rows[-1])

    def _with_digest(self, genome: G) -> tuple[P, str]:
        """Asked for several times on the way from a draft to a line on disk."""
        policy = self.expressed(genome)
        return policy, policy.digest
