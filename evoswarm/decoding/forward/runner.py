"""Reads tokens behind prefixes that were read before, in batches that fit.

Together with the cache back-ends this is the only place where a model runs. A runner offers one operation: extend these
prefixes by these tokens. (A graph of a captured forward, or a compiled one, would take the place of the model that a
backend is given; what a back-end prepares for a batch has fixed places and one transfer with that in mind.)
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache, DynamicLayer, DynamicSlidingWindowLayer, LinearAttentionLayer

from evoswarm.decoding.forward.attention_backend import AttentionBackend
from evoswarm.decoding.forward.cache_backend import CacheBackend, Chunk, RecomputeBackend
from evoswarm.decoding.forward.devices import free_bytes, release_unused
from evoswarm.decoding.forward.longrope import LongRopeBackend
from evoswarm.decoding.forward.recurrent_backend import RecurrentBackend
from evoswarm.decoding.forward.switches import switches
from evoswarm.decoding.request import Counters
from evoswarm.errors import MemberError, is_out_of_memory

log = logging.getLogger(__name__)

SAME_WITHIN = 2e-3  # two ways of reading one text may differ by this much in a log-probability (float32)
LOOKED_AHEAD = {True: 2e-3, False: 1.0}  # differences that no rounding explains, in float32 and in half precision
BUFFER_SHARE = 0.1  # of free memory, where nobody says how much the buffers of batches that go on may take
FORWARD_TOKENS = 64  # what a forward costs beside its tokens, in tokens: rather pad than run the model once more
PAST_SHARE = 4  # columns of a batch, past included, for each token that may be forwarded at once


class Runner:
    """Extends prefixes by tokens, in batches that fit.

    Attributes:
        device: what it runs on; runners on different devices can run at the same time (see ``side_by_side``).
        columns: width of the logits.
        batch_tokens: tokens forwarded at once; halved when memory runs out.
        backend: how the model keeps what it has read.
    """

    def __init__(self, model: Any, name: str, batch_tokens: int) -> None:
        """Choose the cache back-end of a model and try it against reading afresh."""
        self.model, self.name, self.batch_tokens = model, name, batch_tokens
        self.device = str(model.device)
        self.columns = int(model.config.get_text_config().vocab_size)
        if _looks_ahead(model):
            raise MemberError(
                f"member {name!r}: expected a causal language model, got one that says other things of a text once it"
                " has seen what follows: it is an encoder, or its config.json does not say that it is a decoder"
            )
        self.backend = _choose_backend(model)
        if not isinstance(self.backend, RecomputeBackend) and not _agrees(model, self.backend, name):
            log.warning("member %s: its cache cannot be addressed token by token; prefixes are read again", name)
            self.backend = RecomputeBackend(model)
        lengths = switches(model, name)
        if lengths:
            made = _choose_backend if isinstance(self.backend, AttentionBackend) else RecomputeBackend
            self.backend = LongRopeBackend(lengths, lambda: made(model))
        self.backend.drop_buffers()
        self.backend.buffer_limit = int(free_bytes(self.device) * BUFFER_SHARE)
        self._free: list[int] = []
        self._slots = 1  # slot 0 is the state before any token

    def limit(self, state_bytes: int | None, buffer_bytes: int | None = None) -> None:
        """Say how much memory there is.

        Args:
            state_bytes: what the slots taken may come to; more can be taken, but pools then grow by copying. None is
                no limit.
            buffer_bytes: what batches that go on may keep beside the slots; None leaves it as it is.
        """
        size = self.backend.slot_bytes()
        self.backend.slot_limit = None if state_bytes is None or not size else state_bytes // size + 1
        if buffer_bytes is not None:
            self.backend.buffer_limit = buffer_bytes

    def take_slot(self) -> int:
        """A slot that nobody else uses; slots are shared by all who read through this runner."""
        if self._free:
            return self._free.pop()
        self._slots += 1
        return self._slots - 1

    def free_slots(self, slots: Iterable[int]) -> None:
        """Give slots back."""
        gone = list(slots)
        self.backend.forget(gone)
        self._free.extend(gone)

    def run(self, chunks: Sequence[Chunk], counters: Counters) -> Iterator[tuple[Sequence[Chunk], Tensor]]:
        """Forward chunks in few batches that fit; yields each batch with its ``[rows, columns]`` logits.

        Raises:
            torch.OutOfMemoryError: there is no room for a single chunk.
        """
        try:
            for batch in self._batches(chunks):
                yield from self._forward(batch, counters)
        finally:
            self.backend.end_run()

    def _forward(self, batch: Sequence[Chunk], counters: Counters) -> Iterator[tuple[Sequence[Chunk], Tensor]]:
        began = time.perf_counter()
        buffered = self.backend.buffer_bytes() > 0
        logits, lack = self._attempt(batch)
        if logits is None:  # not where the error was caught: it holds all that the forward had made
            for part in self._smaller(batch, buffered, lack):
                yield from self._forward(part, counters)
            return
        counters.forward_seconds += time.perf_counter() - began
        counters.forwards += 1
        counters.chunk_tokens += sum(len(chunk.tokens) for chunk in batch)
        counters.padded_tokens += self.backend.padded_tokens(batch)
        yield batch, logits

    def _smaller(self, batch: Sequence[Chunk], buffered: bool, lack: str) -> list[Sequence[Chunk]]:
        """What to try after memory ran out: the same without buffers, or halves; remembered for the next batches."""
        self.backend.drop_buffers()
        release_unused()
        if buffered:
            self.backend.buffer_limit //= 2
            return [batch]
        if len(batch) == 1:
            raise torch.OutOfMemoryError(f"member {self.name!r}: {lack}")
        self.batch_tokens = max(1, self.batch_tokens // 2)
        return [batch[: len(batch) // 2], batch[len(batch) // 2 :]]

    def _attempt(self, batch: Sequence[Chunk]) -> tuple[Tensor | None, str]:
        """Logits, or None and what the allocator said."""
        try:
            with torch.inference_mode():
                return self.backend.forward(batch), ""
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            return None, str(error)

    def _batches(self, chunks: Sequence[Chunk]) -> Iterator[list[Chunk]]:
        """Chunks of like length together, within the limit on tokens (padding and past included)."""
        for group in _alike(chunks):
            batch: list[Chunk] = []
            longest = 0
            for chunk in sorted(group, key=lambda chunk: chunk.depth):
                count, longest = len(batch) + 1, max(longest, len(chunk.tokens))
                crowded = count * (longest + chunk.depth) > self.batch_tokens * PAST_SHARE
                if batch and (crowded or count * longest > self.batch_tokens):
                    yield batch
                    batch, longest = [], len(chunk.tokens)
                batch.append(chunk)
            if batch:
                yield batch


def _alike(chunks: Sequence[Chunk]) -> list[list[Chunk]]:
    """Groups by length, such that padding and the number of groups together cost least.

    A group costs its padded tokens and FORWARD_TOKENS; the best cuts of the sorted lengths are found from the left.
    """
    by_length: dict[int, list[Chunk]] = {}
    for chunk in chunks:
        by_length.setdefault(len(chunk.tokens), []).append(chunk)
    lengths = sorted(by_length)
    least, cuts = [0], [0]  # per number of lengths from the left: what they cost, and where the last group begins
    for end in range(1, len(lengths) + 1):
        count, costs = 0, []
        for start in range(end - 1, -1, -1):
            count += len(by_length[lengths[start]])
            costs.append((least[start] + FORWARD_TOKENS + count * lengths[end - 1], start))
        cost, start = min(costs)
        least.append(cost)
        cuts.append(start)
    groups: list[list[Chunk]] = []
    end = len(lengths)
    while end:
        groups.append([chunk for length in lengths[cuts[end] : end] for chunk in by_length[length]])
        end = cuts[end]
    return groups[::-1]


def _choose_backend(model: Any) -> CacheBackend:
    """The backend that the layers of the model's own cache ask for."""
    layers = DynamicCache(config=model.config.get_text_config()).layers
    if layers and all(type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in layers):
        return AttentionBackend(model, len(layers))
    if layers and all(type(layer) is LinearAttentionLayer for layer in layers):
        return RecurrentBackend(model, len(layers))
    return RecomputeBackend(model)


def _looks_ahead(model: Any) -> bool:
    """Whether what it says behind a text depends on what follows there."""
    text, whole = RecomputeBackend(model), _texts(model)[0]
    half = len(whole) // 2
    with torch.inference_mode():
        alone = text.forward([_piece(whole[:half], 0, half, 0, False)])
        within = text.forward([_piece(whole, 0, len(whole), 0, False)])[:half]
    if not (alone.isfinite().all() and within.isfinite().all()):
        return False  # said elsewhere
    return _difference(alone, within) > LOOKED_AHEAD[alone.dtype == torch.float32]


def _texts(model: Any) -> list[tuple[int, ...]]:
    """Two texts of different lengths to try a model on."""
    columns = int(model.config.get_text_config().vocab_size)
    return [tuple((7 * step + 3) % columns for step in range(8)), tuple((5 * step + 1) % columns for step in range(6))]


def _difference(got: Tensor, want: Tensor) -> float:
    """The largest difference of ``[rows, columns]`` logits, as log-probabilities."""
    return float((torch.log_softmax(got.float(), -1) - torch.log_softmax(want.float(), -1)).abs().max())


def _agrees(model: Any, backend: CacheBackend, name: str) -> bool:
    """Whether texts read in pieces of different lengths give the rows that reading them at once gives.

    The last pieces are single tokens behind the same sequences, as in decoding: they go on in place.
    """
    texts = _texts(model)
    first_slots = (1, 9)
    backend.buffer_limit = 1 << 40
    try:
        with torch.inference_mode():
            whole = [_piece(text, 0, len(text), 0, False) for text in texts]
            want = RecomputeBackend(model).forward(whole)
            pieces, at = [], [0, 0]
            for sizes in ((2, 1), (3, 2), (1, 1), (1, 1), (1, 1)):
                chunks = [
                    _piece(text, start, start + size, slot, backend.needs_whole_past)
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
    within = SAME_WITHIN if want.dtype == torch.float32 else 0.3
    return _difference(got, want) <= within


def _piece(text: tuple[int, ...], begin: int, end: int, slot: int, whole_past: bool) -> Chunk:
    """A part of a text whose states lie one behind the other from ``slot`` on."""
    slots = np.arange(slot, slot + len(text))
    past = slots[:begin] if whole_past else slots[max(0, begin - 1) : begin]
    return Chunk(
        past, text[begin:end], tuple(slots[begin:end].tolist()), tuple(range(end - begin)), begin, lambda: text[:begin]
    )
