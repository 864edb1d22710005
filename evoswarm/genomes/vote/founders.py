"""The genomes that a search for votes tries first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evoswarm.genomes.vote.genes import VoteGenes, VoteGenome
from evoswarm.space import SearchSpace


def founders(space: SearchSpace, genes: VoteGenes) -> Iterator[tuple[VoteGenome, str]]:
    """One vote for everybody, every member alone, and everybody with as many answers as the space has; with names.

    What the limits of the space do not allow is among them.
    """
    everyone = range(genes.pool)
    few, many = genes.samples[0], genes.samples[-1]
    yield plain(genes, everyone, few), "uniform"
    for index, spec in enumerate(space.pool):
        yield plain(genes, [index], few), f"single:{spec.name}"
    if many > few:
        yield plain(genes, everyone, many), "sampled"


def plain(genes: VoteGenes, voters: Sequence[int], count: int) -> VoteGenome:
    """Equal weights, so many answers each, at temperature 1 or as near as the space allows."""
    size = genes.pool
    return VoteGenome(
        voting=tuple(index in voters for index in range(size)),
        weights=(genes.weight.high,) * size,
        temperatures=(genes.temperature.nearest(1.0),) * size,
        samples=(count,) * size,
        alphabets=genes.alphabets[:1] * size,
    )
