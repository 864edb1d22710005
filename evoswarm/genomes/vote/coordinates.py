"""The vote genome as a point of a box, for samplers that know numbers and categories only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from evoswarm.evolution.coordinates import Choice, Coordinate, Point
from evoswarm.genomes.gene_range import GeneRange
from evoswarm.genomes.vote.genes import GENES, Gene, VoteGenes, VoteGenome


class VoteCoordinates:
    """A ``Coordinates[VoteGenome]``: per member ``voting:NAME``, ``weights:NAME``, ... as far as the space leaves them
    free, whether they sleep or not.

    Args:
        genes: of the space.
        names: of the members of the pool.
        repair: makes a genome one that the space allows.
    """

    def __init__(self, genes: VoteGenes, names: Sequence[str], repair: Callable[[VoteGenome], VoteGenome]) -> None:
        self._genes, self._names, self._repair = genes, list(names), repair
        self._choices: dict[Gene, tuple[Choice, ...]] = {
            "voting": (False, True),
            "samples": genes.samples,
            "alphabets": genes.alphabets,
        }
        self._ranges: dict[Gene, GeneRange] = {"weights": genes.weight, "temperatures": genes.temperature}
        free = [gene for gene in GENES if self._free(gene)]
        self._dimensions = tuple(
            Coordinate(f"{gene}:{name}", self._choices.get(gene, ())) for name in self._names for gene in free
        )

    @property
    def dimensions(self) -> tuple[Coordinate, ...]:
        """All coordinates, member by member."""
        return self._dimensions

    def encode(self, genome: VoteGenome) -> dict[str, Choice | float]:
        """The point of a genome."""
        ranges = self.ranges
        return {
            name: ranges[name].quantile(float(value)) if name in ranges else value
            for name, value in self.values(genome).items()
        }

    @property
    def ranges(self) -> Mapping[str, GeneRange]:
        """Of the numbers, by coordinate."""
        return {one.name: self._ranges[self._locus(one.name)[0]] for one in self._dimensions if not one.choices}

    def values(self, genome: VoteGenome) -> dict[str, Choice | float]:
        """The genes by their coordinates, numbers in their own units."""
        loci = {one.name: self._locus(one.name) for one in self._dimensions}
        return {name: getattr(genome, gene)[index] for name, (gene, index) in loci.items()}

    def asleep(self, genome: VoteGenome) -> frozenset[str]:
        """The coordinates that do not matter at a genome: all but the vote of who has none, weights of who is alone."""
        alone, found = len(genome.voters) < 2, set[str]()
        for one in self._dimensions:
            gene, index = self._locus(one.name)
            greedy = gene == "temperatures" and genome.samples[index] == 1
            if gene != "voting" and (not genome.voting[index] or (gene == "weights" and alone) or greedy):
                found.add(one.name)
        return frozenset(found)

    def decode(self, point: Point) -> VoteGenome:
        """The genome of a point, repaired."""

        def number(gene: Gene, name: str) -> float:
            allowed, place = self._ranges[gene], f"{gene}:{name}"
            return allowed.at(float(point[place])) if place in point else allowed.low

        names, few, spelled = self._names, self._genes.samples[0], self._genes.alphabets
        return self._repair(
            VoteGenome(
                voting=tuple(bool(point.get(f"voting:{name}", True)) for name in names),
                weights=tuple(number("weights", name) for name in names),
                temperatures=tuple(number("temperatures", name) for name in names),
                samples=tuple(int(point.get(f"samples:{name}", few)) for name in names),
                alphabets=tuple(
                    next(one for one in spelled if point.get(f"alphabets:{name}", one) == one)
                    for name in (names if spelled else ())
                ),
            )
        )

    def _free(self, gene: Gene) -> bool:
        if gene == "voting":
            return len(self._names) > 1
        return len(self._choices[gene]) > 1 if gene in self._choices else not self._ranges[gene].pinned

    def _locus(self, name: str) -> tuple[Gene, int]:
        gene, _, member = name.partition(":")
        return next(one for one in GENES if one == gene), self._names.index(member)
