"""Seeded generators, and the one place that lends them to libraries that draw from global ones."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy


def generator(seed: int, island: int, generation: int, purpose: str) -> random.Random:
    """Make a generator from scratch: the same arguments give the same numbers, whatever was drawn elsewhere."""
    text = f"{seed}/{island}/{generation}/{purpose}"
    return random.Random(int.from_bytes(hashlib.sha256(text.encode()).digest(), "big"))


@contextmanager
def lend(rng: random.Random) -> Iterator[None]:
    """Let the global generators of ``random`` and ``numpy.random`` continue ``rng`` while the block runs.

    DEAP draws from the global ones. Afterwards ``rng`` stands where the block left off and the global generators
    stand where they stood before, also when the block raises.
    """
    python_state, numpy_state = random.getstate(), numpy.random.get_state()
    numpy.random.seed(rng.getrandbits(32))
    random.setstate(rng.getstate())
    try:
        yield
    finally:
        rng.setstate(random.getstate())
        random.setstate(python_state)
        numpy.random.set_state(numpy_state)
