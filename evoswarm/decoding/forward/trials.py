"""Tries a model out on short texts: whether it looks ahead, and whether a cache back-end reads as it does."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import torch
from torch import Tensor

from evoswarm.decoding.forward.cache_backend import CacheBackend, RecomputeBackend
from evoswarm.decoding.reader import Chunk
from evoswarm.errors import is_out_of_memory

log = logging.getLogger(__name__)

SAME_WITHIN = 2e-3  # two ways of reading one text may differ by this much in a log-probability (float32)
LEAN_WITHIN = 5e-4  # the same of a forward that is made of the same operations: ten times what was ever seen
HALF_WITHIN = 0.3  # either in half precision
USUAL_LOGITS = 32.0  # rounding grows with what is rounded: beyond this size, differences are seen relative to it
LOOKED_AHEAD = {True: 2e-3, False: 1.0}  # differences that no rounding explains, in float32 and in half precision


def looks_ahead(model: Any) -> bool:
    """Whether what it says behind a text depends on what follows there."""
    text, whole = RecomputeBackend(model), _texts(model)[0]
    half = len(whole) // 2
    with torch.inference_mode():
        alone = text.forward([_piece(whole[:half], 0, half, 0)])
        within = text.forward([_piece(whole, 0, len(whole), 0)])[:half]
    if not (alone.isfinite().all() and within.isfinite().all()):
        return False  # said elsewhere
    return _difference(alone, within) > LOOKED_AHEAD[alone.dtype == torch.float32]


def _texts(model: Any) -> list[tuple[int, ...]]:
    """Two texts of different lengths to try a model on."""
    columns = int(model.config.get_text_config().vocab_size)
    return [tuple((7 * step + 3) % columns for step in range(8)), tuple((5 * step + 1) % columns for step in range(6))]


def _difference(got: Tensor, want: Tensor) -> float:
    """The largest difference of ``[rows, columns]`` logits, as log-probabilities; of large logits, relative to them."""
    differences = torch.log_softmax(got.float(), -1) - torch.log_softmax(want.float(), -1)
    return float(differences.abs().max()) / max(1.0, float(want.abs().max()) / USUAL_LOGITS)


def agrees(model: Any, backend: CacheBackend, name: str, within: float = SAME_WITHIN) -> bool:
    """Whether texts read in pieces of different lengths give the rows that reading them at once gives.

    The last pieces are single tokens behind the same sequences, as in decoding: they go on in place.
    """
    texts = _texts(model)
    first_slots = (1, 9)
    backend.buffer_limit = 1 << 40
    try:
        with torch.inference_mode():
            whole = [_piece(text, 0, len(text), 0) for text in texts]
            want = RecomputeBackend(model).forward(whole)
            pieces, at = [], [0, 0]
            for sizes in ((2, 1), (3, 2), (1, 1), (1, 1), (1, 1)):
                chunks = [
                    _piece(text, start, start + size, slot)
                    for text, start, size, slot in zip(texts, at, sizes, first_slots, strict=True)
                ]
                rows = backend.forward(chunks)
                pieces.append((rows[: sizes[0]], rows[sizes[0] :]))
                at = [start + size for start, size in zip(at, sizes, strict=True)]
    except (RuntimeError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        if is_out_of_memory(error):
            raise
        log.info("reading in pieces failed: %s", error)
        return False
    if not want.isfinite().all():
        log.warning("member %s: its logits hold nan or infinity; it cannot take part", name)
        return True  # no way of reading can be told from another
    got = torch.cat([piece[number] for number in range(len(texts)) for piece in pieces])
    return _difference(got, want) <= (within if want.dtype == torch.float32 else HALF_WITHIN)


def _piece(text: tuple[int, ...], begin: int, end: int, slot: int) -> Chunk:
    """A part of a text whose states lie one behind the other from ``slot`` on."""
    slots = np.arange(slot, slot + len(text))
    return Chunk(
        before=slot + begin - 1,
        tokens=text[begin:end],
        slots=tuple(slots[begin:end].tolist()),
        rows=tuple(range(end - begin)),
        depth=begin,
        past=lambda: slots[:begin],
        prefix=lambda: text[:begin],
    )
