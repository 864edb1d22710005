"""The genomes that a search for routes tries first."""

from __future__ import annotations

from collections.abc import Iterator

from evoswarm.genomes.mix.representation import MixGenomes
from evoswarm.genomes.route.genes import RouteGenome


def founders(mixes: MixGenomes, kinds: int, parts: int) -> Iterator[tuple[RouteGenome, str]]:
    """The founders of a search for mixes, each of which answers every kind; with their names."""
    for genome, name in mixes.first():
        yield RouteGenome((genome,) * parts, (0,) * kinds), name
