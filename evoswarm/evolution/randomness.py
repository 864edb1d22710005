"""Seeded generators: each purpose has its own, made anew, so that what is drawn elsewhere does not matter."""

from __future__ import annotations

import random

from evoswarm.canonical import sha256


def generator(seed: int, island: int, generation: int, purpose: str) -> random.Random:
    """Make a generator from scratch: the same arguments give the same numbers, whatever was drawn elsewhere."""
    return random.Random(int(sha256(f"{seed}/{island}/{generation}/{purpose}"), base=16))
