"""The genomes that a search tries first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evoswarm.fusion import parameters_of
from evoswarm.genomes.mix.genes import Genes, RecipeGenome
from evoswarm.space import SearchSpace

GATED_SHARE = 0.2  # open share of the gated founders' followers


def founders(space: SearchSpace, genes: Genes) -> Iterator[tuple[RecipeGenome, str]]:
    """The uniform mix of all, every single member, gated uniform mixes under every lead; each with its name.

    What the limits of the space or its leads do not allow is among them.
    """
    everyone = range(genes.pool)
    yield _plain(genes, everyone, genes.leads[0], 1.0), "uniform"
    for index, spec in enumerate(space.pool):
        yield _plain(genes, [index], index, 1.0), f"single:{spec.name}"
    gated = genes.ranges["open_share"].nearest(GATED_SHARE)
    if gated < 1:
        for lead in genes.leads:
            yield _plain(genes, everyone, lead, gated), f"gated:{space.pool[lead].name}"


def _plain(genes: Genes, members: Sequence[int], lead: int, share: float) -> RecipeGenome:
    """A mixture of equal weights at temperature 1 (or as near as the ranges allow), greedy if that is allowed."""
    ranges, size, known = genes.ranges, genes.pool, parameters_of(genes.rules)
    return RecipeGenome(
        members=tuple(index in members for index in range(size)),
        weights=(ranges["weight"].high,) * size,
        temperatures=(ranges["temperature"].nearest(1.0),) * size,
        open_shares=(ranges["open_share"].nearest(share),) * size,
        lead=lead,
        rule="mixture" if "mixture" in genes.rules else genes.rules[0],
        parameters=tuple((name, ranges[name].nearest(known[name].first)) for name in genes.parameters),
        samples=genes.samples[0],
        sampling_temperature=ranges["sampling_temperature"].nearest(1.0),
        alphabet=genes.alphabets[0] if genes.alphabets else None,
    )
