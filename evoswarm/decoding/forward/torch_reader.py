"""The reader of a model of transformers: batches that fit, and a cache back-end that suits the model.

Together with the cache back-ends this is the only place where such a model runs. (A graph of a captured forward, or a
compiled one, would take the place of the model that a back-end is given; what a back-end prepares for a batch has fixed
places and one transfer with that in mind.)
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache, DynamicLayer, DynamicSlidingWindowLayer, LinearAttentionLayer

from evoswarm.decoding.forward.attention_backend import AttentionBackend
from evoswarm.decoding.forward.cache_backend import CacheBackend, RecomputeBackend
from evoswarm.decoding.forward.devices import free_bytes, release_unused
from evoswarm.decoding.forward.lean import lean_decoder
from evoswarm.decoding.forward.longrope import LongRopeBackend
from evoswarm.decoding.forward.model_facts import context_length, shape_of
from evoswarm.decoding.forward.recurrent_backend import RecurrentBackend
from evoswarm.decoding.forward.switches import switches
from evoswarm.decoding.forward.trials import LEAN_WITHIN, agrees, looks_ahead
from evoswarm.decoding.reader import Chunk, Reader, SlotAllocator
from evoswarm.decoding.request import Counters, DoesNotFit
from evoswarm.errors import MemberError, is_out_of_memory

log = logging.getLogger(__name__)

BUFFER_SHARE = 0.1  # of free memory, where nobody says how much the buffers of batches that go on may take
FORWARD_TOKENS = 64  # what a forward costs beside its tokens, in tokens: rather pad than run the model once more
PAST_SHARE = 4  # columns of a batch, past included, for each token that may be forwarded at once


class TorchReader(Reader):
    """Reads through a causal language model of transformers.

    Attributes:
        model: the causal LM.
        name: of the member, for errors.
        batch_tokens: tokens forwarded at once; halved when memory runs out.
        backend: how the model keeps what it has read.
    """

    def __init__(self, model: Any, name: str, batch_tokens: int) -> None:
        """Choose the cache back-end of a model and try it against reading afresh.

        Raises:
            MemberError: the model is not causal, or reads a text otherwise beside others, whatever is kept apart.
        """
        self.model, self.name, self.batch_tokens = model, name, batch_tokens
        self.device, self.dtype = str(model.device), str(model.dtype).removeprefix("torch.")
        self.columns = int(model.config.get_text_config().vocab_size)
        self.vocabulary = int(model.get_input_embeddings().weight.shape[0])
        self.context_length, self.shape = context_length(model), shape_of(model)
        if looks_ahead(model):
            raise MemberError(
                f"member {name!r}: expected a causal language model, got one that says other things of a text once it"
                " has seen what follows: it is an encoder, or its config.json does not say that it is a decoder"
            )
        self.backend = _tried_backend(model, name)
        lengths = switches(model, name)
        if lengths:
            made = _choose_backend if isinstance(self.backend, AttentionBackend) else RecomputeBackend
            self.backend = LongRopeBackend(lengths, lambda: made(model))
        self.backend.drop_buffers()
        self.backend.buffer_limit = int(free_bytes(self.device) * BUFFER_SHARE)
        self.needs_whole_past = self.backend.needs_whole_past
        self.slots = SlotAllocator(self.backend.forget)

    def state_bytes(self) -> int:
        """Bytes of the state in one slot."""
        return self.backend.slot_bytes()

    def drop_buffers(self) -> None:
        """Free the buffers of batches that go on in place."""
        self.backend.drop_buffers()

    def limit(self, state_bytes: int | None, buffer_bytes: int | None = None) -> None:
        """Say how much memory there is; beyond ``state_bytes`` pools can grow, but by copying."""
        size = self.backend.slot_bytes()
        self.backend.slot_limit = None if state_bytes is None or not size else state_bytes // size + 1
        if buffer_bytes is not None:
            self.backend.buffer_limit = buffer_bytes

    def read(self, chunks: Sequence[Chunk], counters: Counters) -> Iterator[tuple[Sequence[Chunk], Tensor]]:
        """Forward chunks in few batches that fit; yields each batch with its ``[rows, columns]`` logits.

        Raises:
            DoesNotFit: there is no room for a single chunk.
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
            raise DoesNotFit(f"member {self.name!r}: {lack}")
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


def _tried_backend(model: Any, name: str) -> CacheBackend:
    """The fastest back-end that reads as the model does."""
    lean = lean_decoder(model)
    if lean is not None:
        backend: CacheBackend = AttentionBackend(model, len(lean.layers), lean)
        if agrees(model, backend, name, LEAN_WITHIN):
            return backend
        log.info("member %s: its forward is not what its layers say; it is read by transformers", name)
    backend = _choose_backend(model)
    if not isinstance(backend, RecomputeBackend) and not agrees(model, backend, name):
        log.warning("member %s: its cache cannot be addressed token by token; prefixes are read again", name)
        return RecomputeBackend(model)
    return backend


def _choose_backend(model: Any) -> CacheBackend:
    """The backend that the layers of the model's own cache ask for."""
    layers = DynamicCache(config=model.config.get_text_config()).layers
    if layers and all(type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in layers):
        return AttentionBackend(model, len(layers))
    if layers and all(type(layer) is LinearAttentionLayer for layer in layers):
        return RecurrentBackend(model, len(layers))
    return RecomputeBackend(model)
