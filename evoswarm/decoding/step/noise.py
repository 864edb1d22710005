"""Sampling noise from a counter: the same (noise seed, item, sample, position, symbol) always draws the same.

Recipes that agree stay together, comparisons between recipes are paired, and an outcome does not depend on who
else is in the batch. Philox-4x32-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evoswarm.canonical import sha256

MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
KEY_STEPS = (np.uint64(0x9E3779B9), np.uint64(0xBB67AE85))
LOW = np.uint64(0xFFFFFFFF)
ROUNDS = 10
WORDS_AT_ONCE = 1 << 14  # they should fit into a processor's cache
NO_SYMBOL = LOW  # stands where a symbol's number would: no alphabet has so many
SYMBOLS, SPEAKERS = np.uint64(0), np.uint64(1)  # third word of a counter: what is drawn


def noise_key(noise_seed: int, item_key: str, sample: int) -> int:
    """The first 64 bits of SHA-256(noise seed, item key, sample index)."""
    return int(sha256(f"{noise_seed}:{item_key}:{sample}")[:16], base=16)


def philox(
    counters: Sequence[NDArray[np.uint64]], keys: tuple[NDArray[np.uint64], NDArray[np.uint64]]
) -> list[NDArray[np.uint64]]:
    """Philox-4x32-10 over arrays that broadcast.

    Args:
        counters: four words of 32 bits, each ``[...]`` in uint64.
        keys: two words of 32 bits, each ``[...]`` in uint64.

    Returns:
        four words of 32 bits, each ``[...]`` in uint64.
    """
    c0, c1, c2, c3 = counters
    k0, k1 = keys
    shift = np.uint64(32)
    for _ in range(ROUNDS):
        first, second = MULTIPLIERS[0] * c0, MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (second >> shift) ^ c1 ^ k0, second & LOW, (first >> shift) ^ c3 ^ k1, first & LOW
        k0, k1 = (k0 + KEY_STEPS[0]) & LOW, (k1 + KEY_STEPS[1]) & LOW
    return [c0, c1, c2, c3]


def uniform(keys: NDArray[np.uint64], positions: NDArray[np.int64]) -> NDArray[np.float64]:
    """A draw from [0, 1) at one position of each stream, independent of the noise of the symbols.

    Args:
        keys: ``[streams]`` noise keys.
        positions: ``[streams]`` numbers of symbols before.

    Returns:
        ``[streams]`` multiples of 2^-32.
    """
    zero = np.zeros(len(keys), dtype=np.uint64)
    words = philox([positions.astype(np.uint64), zero + NO_SYMBOL, zero, zero], (keys & LOW, keys >> np.uint64(32)))
    return words[0].astype(np.float64) / 2.0**32


def gumbel(
    keys: Sequence[int] | NDArray[np.uint64], positions: Sequence[int] | NDArray[np.int64], symbols: int
) -> NDArray[np.float64]:
    """Gumbel noise for every symbol at one position of each stream; what streams have in common is drawn once.

    Args:
        keys: a noise key per stream.
        positions: number of symbols before, per stream.
        symbols: size of the alphabet.

    Returns:
        ``[streams, symbols]`` standard Gumbel draws; always finite, because u = (h + 0.5) / 2^32 is never 0 or 1.
    """
    pairs = np.stack([np.asarray(keys, dtype=np.uint64), np.asarray(positions, dtype=np.uint64)], axis=1)
    _, first, owners = np.unique(pairs.view("V16").ravel(), return_index=True, return_inverse=True)
    rows = max(1, WORDS_AT_ONCE // symbols)
    every = np.arange(symbols, dtype=np.uint64)[None, :]
    drawn = [_gumbel(pairs[first[start : start + rows]], every) for start in range(0, len(first), rows)]
    return np.concatenate([*drawn, np.empty((0, symbols))])[owners]


def gumbel_at(
    keys: NDArray[np.uint64], positions: NDArray[np.int64], symbols: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The same noise for some symbols only.

    Args:
        keys: ``[streams]`` noise keys.
        positions: ``[streams]`` numbers of symbols before.
        symbols: ``[streams, some]`` which of the alphabet.

    Returns:
        ``[streams, some]``.
    """
    rows = max(1, WORDS_AT_ONCE // max(1, symbols.shape[1]))
    pairs = np.stack([keys, positions.astype(np.uint64)], axis=1)
    drawn = [
        _gumbel(pairs[start : start + rows], symbols[start : start + rows].astype(np.uint64))
        for start in range(0, len(pairs), rows)
    ]
    return np.concatenate([*drawn, np.empty((0, symbols.shape[1]))])


def gumbel_of_speakers(keys: NDArray[np.uint64], positions: NDArray[np.int64], speakers: int) -> NDArray[np.float64]:
    """Gumbel noise for the members of a recipe, independent of that of the symbols.

    Args:
        keys: ``[streams]`` noise keys.
        positions: ``[streams]`` numbers of symbols before.
        speakers: how many may be drawn.

    Returns:
        ``[streams, speakers]``.
    """
    pairs = np.stack([keys, positions.astype(np.uint64)], axis=1)
    return _gumbel(pairs, np.arange(speakers, dtype=np.uint64)[None, :], SPEAKERS)


def _gumbel(pairs: NDArray[np.uint64], symbol: NDArray[np.uint64], drawn: np.uint64 = SYMBOLS) -> NDArray[np.float64]:
    """``[n, some]`` for ``[n, 2]`` keys and positions and ``[n, some]`` or ``[1, some]`` symbols."""
    key, position = pairs[:, :1], pairs[:, 1:] + np.zeros_like(symbol)
    zero = np.zeros_like(position)
    words = philox([position, symbol + zero, zero + drawn, zero], (key & LOW, key >> np.uint64(32)))
    uniform = (words[0].astype(np.float64) + 0.5) / 2.0**32
    return -np.log(-np.log(uniform))
