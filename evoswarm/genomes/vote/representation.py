"""Ballot genomes: voting over whole answers as something that can be searched for, as mixing is.

Per member of the pool: whether it votes, with what weight, and how many answers it gives, sampled at which
temperature. Ranges, sample counts and limits are those of the space's recipes, so that a search for ballots and a
search for mixtures are given the same freedom.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from random import Random
from statistics import fmean
from typing import Any, Literal

from evoswarm.genomes.ballot import Ballot, Voter
from evoswarm.genomes.gene_range import GeneRange, cross, some_of
from evoswarm.genomes.limits import MemberSize
from evoswarm.genomes.mix.genes import Genes, genes_of
from evoswarm.policies.mix import Recipe, RecipeMember
from evoswarm.space import SearchSpace

Gene = Literal["voting", "weights", "temperatures", "samples"]


@dataclass(frozen=True)
class BallotGenome:
    """The genes of a ballot over a pool of n members, in natural units.

    Attributes:
        voting: per member, whether it takes part.
        weights: per member, > 0; they sleep while it votes alone.
        temperatures: per member, > 0, of its sampling; they sleep while it gives a single greedy answer.
        samples: per member, how many answers it gives; 1 is greedy.
    """

    voting: tuple[bool, ...]
    weights: tuple[float, ...]
    temperatures: tuple[float, ...]
    samples: tuple[int, ...]

    def __post_init__(self) -> None:
        if len({len(self.voting), len(self.weights), len(self.temperatures), len(self.samples)}) != 1:
            raise ValueError(f"expected genes for the same members, got {self}")

    @property
    def voters(self) -> list[int]:
        """Who votes, by place in the pool."""
        return [index for index, votes in enumerate(self.voting) if votes]


class BallotRepresentation:
    """Evolution's view of ballots: a ``Representation[BallotGenome]``.

    Args:
        space: its ranges of ``weight`` and ``sampling_temperature``, its ``samples`` and its limits on members apply;
            ``leads`` does not: every member leads its own answer.
        sizes: member's name -> its size; needed where the space limits parameters, FLOPs or memory.

    Raises:
        SpaceError: a limit needs sizes that are missing, or no member is within the limits.
    """

    def __init__(self, space: SearchSpace, sizes: Mapping[str, MemberSize] | None = None) -> None:
        self.space = space
        self.genes: Genes = genes_of(space, sizes)
        self._weight, self._temperature = self.genes.ranges["weight"], self.genes.ranges["sampling_temperature"]
        self._able = [index for index in range(self.genes.pool) if self.genes.limits.allow([index])]

    def express(self, genome: BallotGenome) -> Ballot:
        """The ballot of a genome, its voters in pool order."""
        return Ballot(tuple(Voter(self._recipe(genome, index), genome.weights[index]) for index in genome.voters))

    def encode(self, genome: BallotGenome) -> dict[str, Any]:
        """The genome as JSON data."""
        return {gene: list(values) for gene, values in asdict(genome).items()}

    def decode(self, data: Mapping[str, Any]) -> BallotGenome:
        """Read what :meth:`encode` wrote, exactly."""
        return BallotGenome(**{gene: tuple(values) for gene, values in data.items()})

    def founders(self, rng: Random) -> list[tuple[BallotGenome, str]]:
        """One vote for everybody, every member alone, and everybody with as many answers as the space has.

        What the limits of the space do not allow is left out.
        """
        everyone = list(range(self.genes.pool))
        few, many = self.genes.samples[0], self.genes.samples[-1]
        wanted = [(self._plain(everyone, few), "uniform")]
        wanted += [(self._plain([index], few), f"single:{spec.name}") for index, spec in enumerate(self.space.pool)]
        if many > few:
            wanted.append((self._plain(everyone, many), "sampled"))
        return [(genome, name) for genome, name in wanted if self._repaired(genome) == genome]

    def random(self, rng: Random) -> BallotGenome:
        """Draw a genome: few voters are likelier than many, everything else is uniform on its scale."""
        size = self.genes.pool
        most = min(size, self.genes.limits.members)
        count = 1
        while count < most and rng.random() < 0.5:
            count += 1
        chosen = rng.sample(range(size), count)
        return self._repaired(
            BallotGenome(
                voting=tuple(index in chosen for index in range(size)),
                weights=tuple(self._weight.draw(rng) for _ in range(size)),
                temperatures=tuple(self._temperature.draw(rng) for _ in range(size)),
                samples=tuple(rng.choice(self.genes.samples) for _ in range(size)),
            )
        )

    def mate(self, first: BallotGenome, second: BallotGenome, rng: Random) -> tuple[BallotGenome, BallotGenome]:
        """Two children: a member's genes move as one block; where both parents let it vote, weight and temperature
        are blended by simulated binary crossover."""
        one, two = _columns(first), _columns(second)
        for index in range(self.genes.pool):
            if rng.random() < 0.5:
                one[index], two[index] = two[index], one[index]
            (votes, *mine, count), (vote, *yours, other) = one[index], two[index]
            if votes and vote:
                a, b = cross([self._weight, self._temperature], mine, yours, rng)
                one[index], two[index] = (votes, a[0], a[1], count), (vote, b[0], b[1], other)
        return self._repaired(_genome(one)), self._repaired(_genome(two))

    def mutate(self, genome: BallotGenome, rng: Random, genes: float) -> BallotGenome:
        """A variant that differs in ``genes`` active genes on average, at least one (before repair)."""
        loci = self.active(genome)
        if not loci:
            return genome
        for gene, index in some_of(loci, genes, rng):
            genome = self._changed(genome, gene, index, rng)
        return self._repaired(genome)

    def key(self, genome: BallotGenome) -> str:
        """The digest of the genome's ballot."""
        return self.express(genome).digest

    def distance(self, first: BallotGenome, second: BallotGenome) -> float:
        """How different two genomes are, from 0 to 1: the mean over members. One that votes in only one of them
        counts 1, one that votes in both the mean distance of its genes."""
        parts = []
        for mine, yours in zip(_columns(first), _columns(second), strict=True):
            if mine[0] != yours[0]:
                parts.append(1.0)
            elif mine[0]:
                weight = self._weight.share_of_range(mine[1], yours[1])
                temperature = self._temperature.share_of_range(mine[2], yours[2])
                parts.append(fmean([weight, temperature, float(mine[3] != yours[3])]))
            else:
                parts.append(0.0)
        return fmean(parts)

    def active(self, genome: BallotGenome) -> list[tuple[Gene, int]]:
        """The genes that a mutation may change: a change of theirs can change the outcome, and the space lets them."""
        several = len(genome.voters) > 1
        loci: list[tuple[Gene, int]] = []
        for index in self._able:
            votes = genome.voting[index]
            if several or not votes:
                loci.append(("voting", index))
            if votes and several and not self._weight.pinned:
                loci.append(("weights", index))
            if votes and genome.samples[index] > 1 and not self._temperature.pinned:
                loci.append(("temperatures", index))
            if votes and len(self.genes.samples) > 1:
                loci.append(("samples", index))
        return loci

    def _changed(self, genome: BallotGenome, gene: Gene, index: int, rng: Random) -> BallotGenome:
        """The genome with one gene changed."""
        row: list[Any] = list(getattr(genome, gene))
        if gene == "voting":
            row[index] = not row[index]
        elif gene == "samples":
            row[index] = rng.choice([count for count in self.genes.samples if count != row[index]])
        else:
            span: GeneRange = self._weight if gene == "weights" else self._temperature
            row[index] = span.mutate(row[index], rng)
        return replace(genome, **{gene: tuple(row)})

    def _repaired(self, genome: BallotGenome) -> BallotGenome:
        """The genome that the space allows: while the voters are over a limit, the lightest leaves (of equals the
        last); where nobody votes, the heaviest that may does (of equals the first)."""
        voters = [index for index in genome.voters if index in self._able]
        while not self.genes.limits.allow(voters):
            voters.remove(min(voters, key=lambda index: (genome.weights[index], -index)))
        if not voters:
            voters = [max(self._able, key=lambda index: (genome.weights[index], -index))]
        return replace(genome, voting=tuple(index in voters for index in range(self.genes.pool)))

    def _plain(self, voters: Sequence[int], count: int) -> BallotGenome:
        """Equal weights, so many answers each, at temperature 1 or as near as the space allows."""
        size = self.genes.pool
        return BallotGenome(
            voting=tuple(index in voters for index in range(size)),
            weights=(self._weight.high,) * size,
            temperatures=(self._temperature.nearest(1.0),) * size,
            samples=(count,) * size,
        )

    def _recipe(self, genome: BallotGenome, index: int) -> Recipe:
        spec = self.space.pool[index]
        return Recipe(
            alphabet=self.space.alphabet,
            members=(RecipeMember(spec=spec),),
            lead=spec.name,
            samples=genome.samples[index],
            sampling_temperature=genome.temperatures[index],
            epsilon=self.space.epsilon,
            noise_seed=self.space.noise_seed,
            prompt_format=self.space.prompt_format,
        )


_Column = tuple[bool, float, float, int]


def _columns(genome: BallotGenome) -> list[_Column]:
    """Per member, its genes."""
    return list(zip(genome.voting, genome.weights, genome.temperatures, genome.samples, strict=True))


def _genome(columns: Sequence[_Column]) -> BallotGenome:
    voting, weights, temperatures, samples = zip(*columns, strict=True)
    return BallotGenome(voting, weights, temperatures, samples)
