"""How much is read at once of what many wait for, so that a long prompt does not keep the others waiting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

SHORT = 64
"""Tokens that are never read in parts: about what a forward costs beside its tokens."""

T = TypeVar("T")


def in_part(chains: Sequence[list[T]], most: int) -> list[list[T]]:
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
