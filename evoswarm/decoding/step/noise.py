"""Sampling noise from a counter: the same (noise seed, item, sample, position, symbol) always draws the same.

Recipes that agree stay together, comparisons between recipes are paired, and an outcome does not depend on who
else is in the batch. Philox-4x32-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evoswarm.canonical import sha256
from evoswarm.decoding.compiled.arrays import COMPILED
from evoswarm.decoding.compiled.philox import draw

MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
KEY_STEPS = 0x9E3779B9, 0xBB67AE85
LOW = 0xFFFFFFFF
ROUNDS = 10
WORDS_AT_ONCE = 1 << 14  # they should fit into a processor's cache
NO_SYMBOL = LOW  # stands where a symbol's number would: no alphabet has so many
SYMBOLS, SPEAKERS = 0, 1  # third word of a counter: what is drawn


def noise_key(noise_seed: int, item_key: str, sample: int) -> int:
    """The first 64 bits of SHA-256(noise seed, item key, sample index)."""
    return int(sha256(f"{noise_seed}:{item_key}:{sample}")[:16], base=16)


def philox(counters: Sequence[Any], keys: tuple[Any, Any]) -> list[Any]:
    """Philox-4x32-10 over arrays that broadcast.

    Args:
        counters: four words of 32 bits, each ``[...]``: arrays in uint64, or tensors in int64, where products that do
            not fit are cut off alike.
        keys: two words of 32 bits, each ``[...]``.

    Returns:
        four words of 32 bits, each ``[...]``.
    """
    c0, c1, c2, c3 = counters
    k0, k1 = keys
    for _ in range(ROUNDS):
        first, second = c0 * MULTIPLIERS[0], c2 * MULTIPLIERS[1]
        c0, c1, c2, c3 = ((second >> 32) & LOW) ^ c1 ^ k0, second & LOW, ((first >> 32) & LOW) ^ c3 ^ k1, first & LOW
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
    words = philox([positions.astype(np.uint64), zero + NO_SYMBOL, zero, zero], (keys & LOW, keys >> 32))
    found: NDArray[np.float64] = words[0].astype(np.float64) / 2.0**32
    return found


def gumbel(
    keys: Sequence[int] | NDArray[np.uint64],
    positions: Sequence[int] | NDArray[np.int64],
    symbols: int,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Gumbel noise for every symbol at one position of each stream; what streams have in common is drawn once.

    Args:
        keys: a noise key per stream.
        positions: number of symbols before, per stream.
        symbols: size of the alphabet.
        device: where it is wanted.

    Returns:
        ``[streams, symbols]`` standard Gumbel draws in float64; always finite, because u = (h + 0.5) / 2^32 is never 0
        or 1.
    """
    pairs = np.stack([np.asarray(keys, dtype=np.uint64), np.asarray(positions, dtype=np.uint64)], axis=1)
    _, first, owners = np.unique(pairs.view("V16").ravel(), return_index=True, return_inverse=True)
    drawn = _gumbel(pairs[first], torch.arange(symbols, device=device)[None])
    return drawn if len(first) == len(pairs) == 1 else drawn[torch.from_numpy(owners).to(device)]


def gumbel_at(keys: NDArray[np.uint64], positions: NDArray[np.int64], symbols: Tensor) -> Tensor:
    """The same noise for some symbols only.

    Args:
        keys: ``[streams]`` noise keys.
        positions: ``[streams]`` numbers of symbols before.
        symbols: ``[streams, some]`` which of the alphabet.

    Returns:
        ``[streams, some]`` where the symbols are.
    """
    return _gumbel(np.stack([keys, positions.astype(np.uint64)], axis=1), symbols)


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
    return _gumbel(pairs, torch.arange(speakers)[None], SPEAKERS).numpy()


def _gumbel(pairs: NDArray[np.uint64], symbols: Tensor, drawn: int = SYMBOLS) -> Tensor:
    """``[n, some]`` for ``[n, 2]`` keys and positions and ``[n, some]`` or ``[1, some]`` symbols, where these are."""
    if symbols.device.type != "cpu":
        return uniform_on_device(pairs, symbols, drawn).log_().neg_().log_().neg_()
    which = symbols.contiguous().numpy().view(np.uint64)
    made = np.empty((len(pairs), which.shape[1]))
    rows = max(1, WORDS_AT_ONCE // max(1, which.shape[1]))
    for start in range(0, len(pairs), rows):
        some = slice(start, start + rows)
        uniform_on_host(pairs[some], which if len(which) == 1 else which[some], drawn, made[some])
        # numpy's logarithm, as it gives the same wherever a number stands among others
        np.negative(np.log(made[some], out=made[some]), out=made[some])
        np.negative(np.log(made[some], out=made[some]), out=made[some])
    return torch.from_numpy(made)


def uniform_on_host(
    pairs: NDArray[np.uint64], symbols: NDArray[np.uint64], drawn: int, made: NDArray[np.float64]
) -> None:
    """Draw from (0, 1): multiples of 2^-32, and half of one.

    Args:
        pairs: ``[n, 2]`` keys and positions.
        symbols: ``[n, some]``, or ``[1, some]``.
        drawn: SYMBOLS or SPEAKERS.
        made: ``[n, some]`` where it is written.
    """
    key, position = np.ascontiguousarray(pairs.T)
    if COMPILED:
        draw(key, position, symbols, drawn, made)
    else:
        made[:] = (_first_words(key[:, None], position[:, None], symbols, drawn).astype(np.float64) + 0.5) / 2.0**32


def uniform_on_device(pairs: NDArray[np.uint64], symbols: Tensor, drawn: int) -> Tensor:
    """The same where ``[n, some]`` or ``[1, some]`` symbols are: ``[n, some]``."""
    key, position = torch.from_numpy(pairs.view(np.int64)).to(symbols.device).T[..., None]
    words: Tensor = _first_words(key, position, symbols, drawn).double()
    return (words + 0.5) / 2.0**32


def _first_words(keys: Any, positions: Any, symbols: Any, drawn: int) -> Any:
    zero = positions & 0
    return philox([positions, symbols, zero + drawn, zero], (keys & LOW, (keys >> 32) & LOW))[0]
