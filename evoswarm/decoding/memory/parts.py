"""How much is read at once of what many wait for, so that a long prompt does not keep the others waiting."""

from __future__ import annotations

from collections.abc import Sequence

from evoswarm.decoding.reader import Integers

SHORT = 64
"""Tokens that are never read in parts: about what a forward costs beside its tokens."""

ON_DEVICE, ON_CPU = 2048, 512
"""Tokens of long prompts that are read while others wait for their next symbol: enough to keep what computes busy."""


def tokens_a_turn(device: str) -> int:
    """How many tokens of long prompts a member on some device reads at once."""
    return ON_CPU if device == "cpu" else ON_DEVICE


def in_part(chains: Sequence[Integers], most: int) -> list[Integers]:
    """Short chains whole, and of long ones the first tokens, ``most`` of all of them together.

    Half of these are of who comes first, so that nobody waits for ever; then the shortest have theirs, so that nobody
    waits for the longest.

    Args:
        chains: tokens to read, by who waits longest.
        most: tokens.
    """
    long = [chain for chain in chains if len(chain) > SHORT]
    sizes, left = [0] * len(long), most
    by_length = sorted(range(len(long)), key=lambda number: len(long[number]))
    for number, share in ((0, most - most // 2), *((number, most) for number in by_length)) if long else ():
        size = min(len(long[number]) - sizes[number], share, left)
        sizes[number] += size
        left -= size
    parts = [chain[:size] for chain, size in zip(long, sizes, strict=True) if size]
    return [*(chain for chain in chains if len(chain) <= SHORT), *parts]
