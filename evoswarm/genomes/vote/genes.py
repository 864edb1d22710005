"""The vote genome, what its genes may be in a space, and which of them sleep.

Per member of the pool: whether it votes, with what weight, how many answers it gives, sampled at which temperature,
and in which alphabet where the space has several. Ranges, sample counts and limits are those of the space's mixes, so
that a search for votes and a search for mixes are given the same freedom.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from evoswarm.genomes.gene_range import GeneRange
from evoswarm.genomes.limits import Limits, MemberSize, limits_of, too_tight
from evoswarm.policies.alphabets import ALPHABETS, AlphabetName
from evoswarm.space import SearchSpace

Gene = Literal["voting", "weights", "temperatures", "samples", "alphabets"]
GENES: tuple[Gene, ...] = ("voting", "weights", "temperatures", "samples", "alphabets")


@dataclass(frozen=True)
class VoteGenome:
    """The genes of a vote over a pool of n members, in natural units.

    Attributes:
        voting: per member, whether it takes part.
        weights: per member, > 0; they sleep while it votes alone.
        temperatures: per member, > 0, of its sampling; they sleep while it gives a single greedy answer.
        samples: per member, how many answers it gives; 1 is greedy.
        alphabets: per member, of its answers; empty where the space has only one.
    """

    voting: tuple[bool, ...]
    weights: tuple[float, ...]
    temperatures: tuple[float, ...]
    samples: tuple[int, ...]
    alphabets: tuple[AlphabetName, ...] = ()

    def __post_init__(self) -> None:
        rows = (self.voting, self.weights, self.temperatures, self.samples, self.alphabets or self.samples)
        if len({len(row) for row in rows}) != 1:
            raise ValueError(f"expected genes for the same members, got {self}")
        if not ALPHABETS.keys() >= set(self.alphabets):
            raise ValueError(f"expected alphabets of {', '.join(ALPHABETS)}, got {self}")

    @property
    def voters(self) -> list[int]:
        """Who votes, by position in the pool."""
        return [index for index, votes in enumerate(self.voting) if votes]

    def to_dict(self) -> dict[str, Any]:
        """The genome as JSON data."""
        return {gene: list(values) for gene, values in asdict(self).items() if values}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> VoteGenome:
        """Read what `to_dict` wrote, exactly.

        Raises:
            ValueError: the data is no genome.
        """
        try:
            return cls(**{gene: tuple(values) for gene, values in data.items()})
        except TypeError as error:
            raise ValueError(f"expected the genes of a vote, got: {error}") from None


@dataclass(frozen=True)
class VoteGenes:
    """What the genes of a space may be.

    Attributes:
        pool: how many members.
        weight: range of votes' weights.
        temperature: range of sampling temperatures.
        samples: numbers of answers.
        alphabets: to choose from; none where the space has only one.
        able: members that are within the limits on their own, by position.
        limits: on the voters of a vote.
    """

    pool: int
    weight: GeneRange
    temperature: GeneRange
    samples: tuple[int, ...]
    alphabets: tuple[AlphabetName, ...]
    able: tuple[int, ...]
    limits: Limits

    def active(self, genome: VoteGenome) -> list[tuple[Gene, int]]:
        """The genes that a mutation may change: a change of theirs can change the outcome, and the space lets them."""
        several = len(genome.voters) > 1
        loci: list[tuple[Gene, int]] = []
        for index in self.able:
            votes = genome.voting[index]
            if several or not votes:
                loci.append(("voting", index))
            if votes and several and not self.weight.pinned:
                loci.append(("weights", index))
            if votes and genome.samples[index] > 1 and not self.temperature.pinned:
                loci.append(("temperatures", index))
            if votes and len(self.samples) > 1:
                loci.append(("samples", index))
            if votes and self.alphabets:
                loci.append(("alphabets", index))
        return loci


def genes_of(space: SearchSpace, sizes: Mapping[str, MemberSize]) -> VoteGenes:
    """The genes of a space; ``leads`` does not apply: every member leads its own answer.

    Args:
        space: the search space.
        sizes: member's name -> its size; needed where the space limits parameters, FLOPs or memory.

    Raises:
        SpaceError: a limit needs sizes that are missing, or no member is within the limits.
    """
    limits = limits_of(space, sizes)
    everyone = range(len(space.pool))
    able = tuple(index for index in everyone if limits.allow([index]))
    if not able:
        raise too_tight(space, everyone, limits)
    return VoteGenes(
        pool=len(space.pool),
        weight=GeneRange(*space.genome.weight, "log"),
        temperature=GeneRange(*space.genome.sampling_temperature, "log"),
        samples=tuple(sorted(set(space.genome.samples))),
        alphabets=space.alphabets if len(space.alphabets) > 1 else (),
        able=able,
        limits=limits,
    )
