"""The genomes that a search tries first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from evoswarm.fusion import parameters_of
from evoswarm.fusion.context import LEAD_NUMBER, LEAD_POSITION
from evoswarm.genomes.mix.genes import Genes, RecipeGenome
from evoswarm.space import SearchSpace

GATED_SHARE = 0.2  # open share of the gated founders' followers
FAVOURED = 50.0  # times the weight of the others, of who is heard first
BY_PLACE = {LEAD_POSITION: 3.0, LEAD_NUMBER: 4.0}  # how fast that turns: behind about 3 bytes, later within words


def founders(space: SearchSpace, genes: Genes) -> Iterator[tuple[RecipeGenome, str]]:
    """The uniform mix of all, every single member, gated uniform mixes under every lead; each with its name. Where the
    space opens what tells for or against a lead by the place: every lead at the beginning of answers, and further on.

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
    if genes.pool > 1 and {one.name for one in BY_PLACE} & set(genes.parameters):
        for lead in genes.leads:
            yield _placed(genes, lead, 1.0), f"early:{space.pool[lead].name}"
            yield _placed(genes, lead, -1.0), f"late:{space.pool[lead].name}"


def _placed(genes: Genes, lead: int, early: float) -> RecipeGenome:
    """A mix of all that hears its lead at the beginning and within words, then the others; or the other way round."""
    weight = genes.ranges["weight"]
    little = weight.nearest(weight.high / FAVOURED)
    heavy = early > 0
    weights = tuple(weight.high if (index == lead) == heavy else little for index in range(genes.pool))
    plain = replace(_plain(genes, range(genes.pool), lead, 1.0), weights=weights)
    moved = {
        one.name: genes.ranges[one.name].nearest(-early * size)
        for one, size in BY_PLACE.items()
        if one.name in genes.parameters
    }
    return replace(plain, parameters=tuple({**dict(plain.parameters), **moved}.items()))


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
