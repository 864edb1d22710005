"""How route genomes vary: crossover, mutation, distance. The mixes vary as mixes do; results are not repaired."""

from __future__ import annotations

from random import Random
from statistics import fmean

from evoswarm.genomes.mix.genes import RecipeGenome
from evoswarm.genomes.mix.representation import MixGenomes
from evoswarm.genomes.route.genes import RouteGenome

MOVES = 0.3
"""Chance that a mutation sends a kind to another part, where it could."""

_ATTEMPTS = 5


def draw(mixes: MixGenomes, kinds: int, parts: int, rng: Random) -> RouteGenome:
    """A random genome: every kind goes to any part."""
    return RouteGenome(tuple(mixes.drawn(rng) for _ in range(parts)), tuple(rng.randrange(parts) for _ in range(kinds)))


def mate(first: RouteGenome, second: RouteGenome, mixes: MixGenomes, rng: Random) -> tuple[RouteGenome, RouteGenome]:
    """Two children: of every part, the parents' two mixes are crossed or stay as they are; kinds are dealt."""
    pairs = [
        mixes.crossed(mine, yours, rng) if rng.random() < 0.5 else (mine, yours)
        for mine, yours in zip(first.parts, second.parts, strict=True)
    ]
    dealt = [
        (mine, yours) if rng.random() < 0.5 else (yours, mine)
        for mine, yours in zip(first.places, second.places, strict=True)
    ]
    one, two = (RouteGenome(tuple(p[n] for p in pairs), tuple(d[n] for d in dealt)) for n in range(2))
    return one, two


def mutate(genome: RouteGenome, mixes: MixGenomes, rng: Random, genes: float) -> RouteGenome:
    """A variant: a kind goes to another part, or a mix that is awake changes.

    A part that slept begins as a variant of the mix that answered the kind before.
    """
    keys = [mixes.key(mixes.repaired(part)) for part in genome.parts]
    moves = [
        (kind, part)
        for kind, now in enumerate(genome.places)
        for part in range(len(genome.parts))
        if part != now and (keys[part] != keys[now] or part not in genome.places)
    ]
    if moves and rng.random() < MOVES:
        kind, part = rng.choice(moves)
        if part not in genome.places:
            genome = genome.with_part(part, _variant(mixes.repaired(genome.at(kind)), mixes, rng, genes))
        return genome.placed(kind, part)
    part = rng.choice(genome.awake)
    return genome.with_part(part, _variant(mixes.repaired(genome.parts[part]), mixes, rng, genes))


def distance(first: RouteGenome, second: RouteGenome, mixes: MixGenomes) -> float:
    """How different two genomes are, from 0 to 1: the mean distance of the mixes that answer a kind."""
    return fmean(mixes.distance(first.at(kind), second.at(kind)) for kind in range(len(first.places)))


def _variant(genome: RecipeGenome, mixes: MixGenomes, rng: Random, genes: float) -> RecipeGenome:
    """A variant of a mix that behaves differently, if a few attempts find one."""
    found = genome
    for _ in range(_ATTEMPTS):
        found = mixes.mutate(genome, rng, genes)
        if mixes.key(found) != mixes.key(genome):
            break
    return found
