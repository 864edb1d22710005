"""How recipe genomes vary: draws, crossover, mutation, distance. Results are not repaired."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from statistics import fmean
from typing import TypeVar

from evoswarm.genomes.gene_range import GeneRange, cross, some_of
from evoswarm.genomes.mix.dormancy import MemberState, dormant
from evoswarm.genomes.mix.genes import FIELDS, Genes, RecipeGenome

T = TypeVar("T")

Locus = tuple[str, int | None]
_Column = tuple[bool, float, float, float]
_ALONE = 0.1  # chance that a random recipe has one member; then half have two, a quarter three, ...


def draw(genes: Genes, rng: Random) -> RecipeGenome:
    """A random genome: few members are likelier than many, everything else is uniform on its scale."""
    most = min(genes.pool, genes.limits.members)
    count = 1
    if rng.random() >= _ALONE:
        count += 1
        while count < most and rng.random() < 0.5:
            count += 1
    lead = rng.choice(genes.leads)
    others = [index for index in range(genes.pool) if index != lead]
    chosen = {lead, *rng.sample(others, min(count, most) - 1)}
    ranges = genes.ranges
    return RecipeGenome(
        members=tuple(index in chosen for index in range(genes.pool)),
        weights=tuple(ranges["weight"].draw(rng) for _ in range(genes.pool)),
        temperatures=tuple(ranges["temperature"].draw(rng) for _ in range(genes.pool)),
        open_shares=tuple(ranges["open_share"].draw(rng) for _ in range(genes.pool)),
        lead=lead,
        rule=rng.choice(genes.rules),
        parameters=tuple((name, ranges[name].draw(rng)) for name in genes.parameters),
        samples=rng.choice(genes.samples),
        sampling_temperature=ranges["sampling_temperature"].draw(rng),
        alphabet=rng.choice(genes.alphabets) if genes.alphabets else None,
    )


def active_genes(genome: RecipeGenome, states: Sequence[MemberState], genes: Genes) -> list[Locus]:
    """The genes that a mutation may change: not dormant, and left free by the space.

    Args:
        genome: whose.
        states: of its members.
        genes: of the space.
    """
    loci: list[Locus] = [(gene, index) for index in range(genes.pool) for gene in FIELDS]
    loci += [(gene, None) for gene in genes.shared]
    return [(gene, index) for gene, index in loci if genes.free(gene) and not dormant(genome, states, gene, index)]


def mutate(genome: RecipeGenome, states: Sequence[MemberState], genes: Genes, rng: Random, mean: float) -> RecipeGenome:
    """A variant that differs in ``mean`` active genes on average, at least one.

    The number is 1 + binomial, so that the mean is met although there is always one. A genome without an active
    gene comes back as it is.
    """
    loci = active_genes(genome, states, genes)
    if not loci:
        return genome
    for gene, index in some_of(loci, mean, rng):
        genome = _changed(genome, gene, index, genes, rng)
    return genome


def mate(first: RecipeGenome, second: RecipeGenome, genes: Genes, rng: Random) -> tuple[RecipeGenome, RecipeGenome]:
    """Two children. All genes of a member move as one block; those of members that both parents have are then
    blended, as are the continuous genes of the fusion; the others go to one child or the other."""
    one, two = _columns(first), _columns(second)
    ranges = [genes.ranges["weight"], genes.ranges["temperature"], genes.ranges["open_share"]]
    for index in range(genes.pool):
        if rng.random() < 0.5:
            one[index], two[index] = two[index], one[index]
        if one[index][0] and two[index][0]:
            a, b = cross(ranges, one[index][1:], two[index][1:], rng)
            one[index], two[index] = (True, a[0], a[1], a[2]), (True, b[0], b[1], b[2])
    continuous = (*genes.parameters, "sampling_temperature")
    mine, yours = ([parent.value(gene) for gene in continuous] for parent in (first, second))
    numbers = cross([genes.ranges[gene] for gene in continuous], mine, yours, rng)
    categories = ("lead", "rule", "samples", *(("alphabet",) if genes.alphabets else ()))
    dealt = {gene: _dealt(first.value(gene), second.value(gene), rng) for gene in categories}

    def child(number: int, columns: Sequence[_Column]) -> RecipeGenome:
        members, weights, temperatures, open_shares = zip(*columns, strict=True)
        *parameters, sampling_temperature = numbers[number]
        return RecipeGenome(
            members,
            weights,
            temperatures,
            open_shares,
            parameters=tuple(zip(genes.parameters, parameters, strict=True)),
            sampling_temperature=sampling_temperature,
            **{gene: pair[number] for gene, pair in dealt.items()},
        )

    return child(0, one), child(1, two)


def distance(first: RecipeGenome, second: RecipeGenome, genes: Genes) -> float:
    """How different two genomes are, from 0 to 1: the mean over members, lead, rule, samples and alphabet.

    A member that only one of them has counts 1; one that both have counts the mean distance of its genes.
    """
    parts = [float(first.lead != second.lead), float(first.rule != second.rule), float(first.samples != second.samples)]
    parts += [float(first.alphabet != second.alphabet)] if genes.alphabets else []
    for index, (mine, yours) in enumerate(zip(_columns(first), _columns(second), strict=True)):
        if mine[0] != yours[0]:
            parts.append(1.0)
        elif mine[0]:
            ranges: list[GeneRange] = [genes.ranges["weight"], genes.ranges["temperature"]]
            if index not in (first.lead, second.lead):
                ranges.append(genes.ranges["open_share"])
            parts.append(fmean(s.share_of_range(a, b) for s, a, b in zip(ranges, mine[1:], yours[1:], strict=False)))
    return fmean(parts)


def _columns(genome: RecipeGenome) -> list[_Column]:
    """Per member, its genes."""
    return list(zip(genome.members, genome.weights, genome.temperatures, genome.open_shares, strict=True))


def _dealt(first: T, second: T, rng: Random) -> tuple[T, T]:
    return (second, first) if rng.random() < 0.5 else (first, second)


def _changed(genome: RecipeGenome, gene: str, index: int | None, genes: Genes, rng: Random) -> RecipeGenome:
    """The genome with one gene changed."""
    now = genome.value(gene, index)
    if gene == "member":
        return genome.changed(not now, gene, index)
    if gene in genes.ranges:
        return genome.changed(genes.ranges[gene].mutate(now, rng), gene, index)
    value = rng.choice([choice for choice in genes.choices[gene] if choice != now])
    genome = genome.changed(value, gene)
    return genome.changed(True, "member", value) if gene == "lead" else genome  # a new lead takes part
