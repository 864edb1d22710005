"""What a ballot genome expresses: who votes, and with what weight. ``evoswarm.controls.ballot`` holds the vote."""

from __future__ import annotations

import math
from dataclasses import dataclass

from evoswarm.canonical import digest_of, round_significant
from evoswarm.policies.mix import Recipe


@dataclass(frozen=True)
class Voter:
    """One member with a vote.

    Attributes:
        recipe: of a single member.
        weight: > 0, of its vote; its samples share it equally.

    Raises:
        ValueError: the recipe mixes several members, or the weight is no positive number.
    """

    recipe: Recipe
    weight: float = 1.0

    def __post_init__(self) -> None:
        if len(self.recipe.members) != 1:
            raise ValueError(f"expected a voter of one member, got {len(self.recipe.members)}")
        if not (math.isfinite(self.weight) and self.weight > 0):
            raise ValueError(f"expected a weight above 0, got {self.weight}")


@dataclass(frozen=True)
class Ballot:
    """A vote over whole answers, as the scorer extracts them (an answer in which it finds none is a vote too).

    Ties go to the answer of the first voter, and of its answers to the first.

    Attributes:
        voters: at least one, in the order that settles ties.

    Raises:
        ValueError: nobody votes.
    """

    voters: tuple[Voter, ...]

    def __post_init__(self) -> None:
        if not self.voters:
            raise ValueError("expected at least one voter, got none")

    @property
    def digest(self) -> str:
        """SHA-256 over what decides the outcome: the voters' recipes and the weights in proportion."""
        total = math.fsum(voter.weight for voter in self.voters)
        decides = [[voter.recipe.digest, round_significant(voter.weight / total)] for voter in self.voters]
        return digest_of(decides)
