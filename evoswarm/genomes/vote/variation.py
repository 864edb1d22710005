"""How vote genomes vary: draws, crossover, mutation, distance. Results are not repaired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from statistics import fmean
from typing import Any

from evoswarm.genomes.gene_range import cross, some_of
from evoswarm.genomes.vote.genes import Gene, VoteGenes, VoteGenome
from evoswarm.policies.alphabets import AlphabetName

_Column = tuple[bool, float, float, int, AlphabetName | None]


def draw(genes: VoteGenes, rng: Random) -> VoteGenome:
    """A random genome: few voters are likelier than many, everything else is uniform on its scale."""
    size = genes.pool
    most = min(size, genes.limits.members)
    count = 1
    while count < most and rng.random() < 0.5:
        count += 1
    chosen = rng.sample(range(size), count)
    return VoteGenome(
        voting=tuple(index in chosen for index in range(size)),
        weights=tuple(genes.weight.draw(rng) for _ in range(size)),
        temperatures=tuple(genes.temperature.draw(rng) for _ in range(size)),
        samples=tuple(rng.choice(genes.samples) for _ in range(size)),
        alphabets=tuple(rng.choice(genes.alphabets) for _ in range(size if genes.alphabets else 0)),
    )


def mate(first: VoteGenome, second: VoteGenome, genes: VoteGenes, rng: Random) -> tuple[VoteGenome, VoteGenome]:
    """Two children: a member's genes move as one block; where both parents let it vote, weight and temperature are
    blended by simulated binary crossover."""
    one, two = _columns(first), _columns(second)
    for index in range(genes.pool):
        if rng.random() < 0.5:
            one[index], two[index] = two[index], one[index]
        mine, yours = one[index], two[index]
        if mine[0] and yours[0]:
            a, b = cross([genes.weight, genes.temperature], mine[1:3], yours[1:3], rng)
            one[index], two[index] = (True, a[0], a[1], *mine[3:]), (True, b[0], b[1], *yours[3:])
    return _genome(one), _genome(two)


def mutate(genome: VoteGenome, genes: VoteGenes, rng: Random, mean: float) -> VoteGenome:
    """A variant that differs in ``mean`` active genes on average, at least one; without any it comes back as it is."""
    loci = genes.active(genome)
    for gene, index in some_of(loci, mean, rng) if loci else ():
        genome = _changed(genome, gene, index, genes, rng)
    return genome


def distance(first: VoteGenome, second: VoteGenome, genes: VoteGenes) -> float:
    """How different two genomes are, from 0 to 1: the mean over members. One that votes in only one of them counts 1,
    one that votes in both the mean distance of its genes."""
    parts = []
    for mine, yours in zip(_columns(first), _columns(second), strict=True):
        if mine[0] != yours[0]:
            parts.append(1.0)
        elif mine[0]:
            weight = genes.weight.share_of_range(mine[1], yours[1])
            temperature = genes.temperature.share_of_range(mine[2], yours[2])
            spelling = [float(mine[4] != yours[4])] if genes.alphabets else []
            parts.append(fmean([weight, temperature, float(mine[3] != yours[3]), *spelling]))
        else:
            parts.append(0.0)
    return fmean(parts)


def _changed(genome: VoteGenome, gene: Gene, index: int, genes: VoteGenes, rng: Random) -> VoteGenome:
    """The genome with one gene changed."""
    row: list[Any] = list(getattr(genome, gene))
    if gene == "voting":
        row[index] = not row[index]
    elif gene in ("samples", "alphabets"):
        choices: Sequence[Any] = genes.samples if gene == "samples" else genes.alphabets
        row[index] = rng.choice([choice for choice in choices if choice != row[index]])
    else:
        row[index] = (genes.weight if gene == "weights" else genes.temperature).mutate(row[index], rng)
    return replace(genome, **{gene: tuple(row)})


def _columns(genome: VoteGenome) -> list[_Column]:
    """Per member, its genes."""
    spelled = genome.alphabets or (None,) * len(genome.voting)
    return list(zip(genome.voting, genome.weights, genome.temperatures, genome.samples, spelled, strict=True))


def _genome(columns: Sequence[_Column]) -> VoteGenome:
    voting, weights, temperatures, samples, spelled = zip(*columns, strict=True)
    return VoteGenome(voting, weights, temperatures, samples, tuple(one for one in spelled if one is not None))
