"""The recipe genome as a point of a box, for samplers that know numbers and categories only.

Every gene that the space leaves free is one coordinate, whether it is dormant or not: the box has the same dimensions
everywhere, and expressing ignores what sleeps. A number's place, from 0 to 1, is its quantile among random draws, so
atoms ("always", "never", no sharpening, the infinite exponents) own an interval and are hit exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from evoswarm.evolution.coordinates import Choice, Coordinate, Point
from evoswarm.genomes.gene_range import GeneRange
from evoswarm.genomes.mix.dormancy import MemberState, dormant
from evoswarm.genomes.mix.genes import FIELDS, Genes, RecipeGenome


class RecipeCoordinates:
    """A ``Coordinates[RecipeGenome]``.

    Args:
        genes: of the space: they say what is free.
        names: of the members of the pool.
        repair: makes a genome one that the space allows.
    """

    def __init__(self, genes: Genes, names: Sequence[str], repair: Callable[[RecipeGenome], RecipeGenome]) -> None:
        self._genes, self._names, self._repair = genes, list(names), repair
        loci: list[tuple[str, int | None]] = [(g, i) for i in range(self._genes.pool) for g in FIELDS]
        loci += [(gene, None) for gene in self._genes.shared]
        self._loci = {self._name(gene, index): (gene, index) for gene, index in loci if self._genes.free(gene)}
        self._dimensions = tuple(Coordinate(name, self._choices(gene)) for name, (gene, _) in self._loci.items())

    @property
    def dimensions(self) -> tuple[Coordinate, ...]:
        """All coordinates: ``weight:NAME`` and the like per member, then ``lead``, ``rule``, ..."""
        return self._dimensions

    @property
    def ranges(self) -> Mapping[str, GeneRange]:
        """Of the numbers, by coordinate."""
        numbers = {name: gene for name, (gene, _) in self._loci.items() if not self._choices(gene)}
        return {name: self._genes.ranges[gene] for name, gene in numbers.items()}

    def encode(self, genome: RecipeGenome) -> dict[str, Choice | float]:
        """The point of a genome."""
        ranges = self.ranges
        return {
            name: ranges[name].quantile(float(value)) if name in ranges else value
            for name, value in self.values(genome).items()
        }

    def values(self, genome: RecipeGenome) -> dict[str, Choice | float]:
        """The genes by their coordinates, numbers in their own units."""
        found = {name: genome.value(gene, index) for name, (gene, index) in self._loci.items()}
        return {name: self._names[value] if name == "lead" else value for name, value in found.items()}

    def asleep(self, genome: RecipeGenome, states: Sequence[MemberState]) -> frozenset[str]:
        """The coordinates that do not matter at a genome; ``states`` are those of its members."""
        return frozenset(name for name, (gene, index) in self._loci.items() if dormant(genome, states, gene, index))

    def decode(self, point: Point) -> RecipeGenome:
        """The genome of a point, repaired."""
        genes, size = self._genes, range(self._genes.pool)
        lead = point.get("lead")
        rows: dict[str, Any] = {
            FIELDS[gene]: tuple(self._number(gene, self._name(gene, index), point) for index in size)
            for gene in FIELDS
            if gene != "member"
        }
        genome = RecipeGenome(
            members=tuple(bool(point.get(self._name("member", index), True)) for index in size),
            lead=genes.leads[0] if lead is None else self._names.index(str(lead)),
            rule=next(rule for rule in genes.rules if point.get("rule", rule) == rule),
            samples=int(point.get("samples", genes.samples[0])),
            alphabet=next((one for one in genes.alphabets if point.get("alphabet", one) == one), None),
            parameters=tuple((name, self._number(name, name, point)) for name in genes.parameters),
            sampling_temperature=self._number("sampling_temperature", "sampling_temperature", point),
            **rows,
        )
        return self._repair(genome)

    def _number(self, gene: str, name: str, point: Point) -> float:
        allowed: GeneRange = self._genes.ranges[gene]
        return allowed.at(float(point[name])) if name in point else allowed.low

    def _choices(self, gene: str) -> tuple[Choice, ...]:
        if gene == "lead":
            return tuple(self._names[index] for index in self._genes.leads)
        return self._genes.choices.get(gene, ())

    def _name(self, gene: str, index: int | None) -> str:
        return gene if index is None else f"{gene}:{self._names[index]}"
