"""What a kind of genome offers to a search, and what it is made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from evoswarm.evolution.algorithm import Representation
from evoswarm.evolution.coordinates import Coordinates
from evoswarm.genomes.limits import MemberSize
from evoswarm.genomes.mix.thresholds import Calibration
from evoswarm.policies import Policy
from evoswarm.space import SearchSpace

REMEMBERED = 4096  # policies of genomes: more than a generation asks for

G = TypeVar("G")


class PolicyGenomes(Representation[G], Protocol[G]):
    """The genomes of a space: evolution's view of them, and the policies that they express.

    Whoever implements it keeps the contract of tests/genomes/test_kinds.py.
    """

    def express(self, genome: G) -> Policy:
        """The policy of a genome."""
        ...

    def encode(self, genome: G) -> dict[str, Any]:
        """The genome as JSON data."""
        ...

    def decode(self, data: Mapping[str, Any]) -> G:
        """Read what `encode` wrote, exactly.

        Raises:
            ValueError: the data is no genome.
        """
        ...

    @property
    def coordinates(self) -> Coordinates[G]:
        """The genomes as points of a box, for samplers that know numbers and categories only."""
        ...

    def plain(self) -> list[tuple[str, Policy]]:
        """What every champion is compared with: every member alone, and all of them alike, each with its name."""
        ...

    def allows(self, policy: Policy) -> bool:
        """Whether the limits of the space allow a policy."""
        ...


@dataclass(frozen=True)
class Material:
    """What genomes are made from.

    Attributes:
        space: the search space, fingerprints filled in: its member specs go into policies.
        sizes: member's name -> its size; needed where the space limits parameters, FLOPs or memory.
        warm_start: policies to begin with, by the name that their origin shall have.
        calibrate: gives the entropies of all possible leads; called by kinds that need them.
    """

    space: SearchSpace
    sizes: Mapping[str, MemberSize] = field(default_factory=dict)
    warm_start: Mapping[str, Policy] = field(default_factory=dict)
    calibrate: Callable[[], Calibration] = lambda: Calibration({})
