"""Seeded generators, and the one place that lends them to libraries that would draw from global ones."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

from deap.tools import crossover, emo, mutation, selection

from evoswarm.canonical import sha256

_DRAWING = (crossover, emo, mutation, selection)


def generator(seed: int, island: int, generation: int, purpose: str) -> random.Random:
    """Make a generator from scratch: the same arguments give the same numbers, whatever was drawn elsewhere."""
    return random.Random(int(sha256(f"{seed}/{island}/{generation}/{purpose}"), base=16))


@contextmanager
def lend(rng: random.Random) -> Iterator[None]:
    """Let DEAP draw from ``rng`` while the block runs.

    DEAP's modules draw from the module ``random``, so that name in them stands for ``rng`` for a moment. The global
    generator is left alone: other threads may draw from it (MLflow's does, before it tries again), and would
    otherwise take numbers away from evolution. What draws from ``numpy.random`` (reference points of NSGA-III) has
    no place in a search that can be replayed.
    """
    rng.getrandbits(32)  # drawn since the first version: a seed goes on finding what it found
    before = [module.random for module in _DRAWING]
    for module in _DRAWING:
        module.random = rng
    try:
        yield
    finally:
        for module, name in zip(_DRAWING, before, strict=True):
            module.random = name
