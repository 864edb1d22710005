"""Draws from a counter on the host: Philox-4x32-10, see `evoswarm.decoding.step.noise`."""

from __future__ import annotations

from typing import Any

from evoswarm.decoding.compiled.arrays import numbers


def draw(keys: Any, positions: Any, symbols: Any, drawn: int, found: Any) -> None:
    """Draw from (0, 1): multiples of 2^-32, and half of one.

    Args:
        keys: ``[n]`` uint64.
        positions: ``[n]`` uint64, below 2^32.
        symbols: ``[n, some]`` uint64, below 2^32; or ``[1, some]``, the same for all.
        drawn: the third word of the counter: what is drawn.
        found: ``[n, some]`` float64, where they are written.
    """
    key, at, which, made = numbers(keys), numbers(positions), numbers(symbols), numbers(found)
    low, times, others = 0xFFFFFFFF, 0xD2511F53, 0xCD9E8D57  # literals of this size would be looked up as objects
    step, next_step, whose = 0x9E3779B9, 0xBB67AE85, 0
    for row in range(len(key)):
        if which.shape[0] > 1:
            whose = row
        for place in range(which.shape[1]):
            c0, c1, c2, c3 = at[row], which[whose, place], drawn, 0
            k0, k1 = key[row] & low, key[row] >> 32
            for _ in range(10):
                first = times * c0
                second = others * c2
                c0 = (second >> 32) ^ c1 ^ k0
                c1 = second & low
                c2 = (first >> 32) ^ c3 ^ k1
                c3 = first & low
                k0 = (k0 + step) & low
                k1 = (k1 + next_step) & low
            made[row, place] = (c0 + 0.5) * 2.3283064365386963e-10
