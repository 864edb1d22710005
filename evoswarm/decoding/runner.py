"""Reads tokens behind prefixes that were read before, in batches that fit.

Together with ``cache_layouts`` this is the only place where a model runs. A runner offers one operation: extend these
prefixes by these tokens.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache, DynamicLayer, DynamicSlidingWindowLayer, LinearAttentionLayer

from evoswarm.decoding.cache_layouts import AttentionPool, Chunk, Layout, RecurrentPool, Reread
from evoswarm.decoding.request import Counters

log = logging.getLogger(__name__)

SAME_WITHIN = 2e-3  # two ways of reading one text may differ by this much in a log-probability (float32)


class Runner:
    """Extends prefixes by tokens, in batches that fit."""

    def __init__(self, model: Any, name: str, batch_tokens: int) -> None:
        """Choose the layout for a model and try it against reading afresh."""
        self.model, self.name, self.batch_tokens = model, name, batch_tokens
        self.columns = int(model.config.get_text_config().vocab_size)
        self.layout = _choose_layout(model)
        if not isinstance(self.layout, Reread) and not _agrees(model, self.layout, name):
            log.warning("member %s: its cache cannot be addressed token by token; prefixes are read again", name)
            self.layout = Reread(model)
        self._free: list[int] = []
        self._slots = 1  # slot 0 is the state before any token

    def take_slot(self) -> int:
        """A slot that nobody else uses; slots are shared by all who read through this runner."""
        if self._free:
            return self._free.pop()
        self._slots += 1
        return self._slots - 1

    def free_slots(self, slots: Iterable[int]) -> None:
        """Give slots back."""
        self._free.extend(slots)

    def run(self, chunks: Sequence[Chunk], counters: Counters) -> Iterator[tuple[Sequence[Chunk], Tensor]]:
        """Forward chunks in few batches that fit; yields each batch with its ``[rows, columns]`` logits."""
        for batch in self._batches(chunks):
            yield from self._forward(batch, counters)

    def _forward(self, batch: Sequence[Chunk], counters: Counters) -> Iterator[tuple[Sequence[Chunk], Tensor]]:
        began = time.perf_counter()
        try:
            with torch.inference_mode():
                logits = self.layout.forward(batch)
        except torch.OutOfMemoryError:
            if len(batch) == 1:
                raise
            torch.cuda.empty_cache()
            self.batch_tokens = max(1, self.batch_tokens // 2)  # remembered: the next batches fit at once
            half = len(batch) // 2
            yield from self._forward(batch[:half], counters)
            yield from self._forward(batch[half:], counters)
            return
        counters.forward_seconds += time.perf_counter() - began
        counters.forwards += 1
        counters.padded_tokens += len(batch) * max(len(chunk.tokens) for chunk in batch)
        yield batch, logits

    def _batches(self, chunks: Sequence[Chunk]) -> Iterator[list[Chunk]]:
        """Chunks of like shape together, within the limit on tokens (padding and past included)."""
        ordered = sorted(chunks, key=lambda chunk: (len(chunk.tokens), len(chunk.prefix)))
        batch: list[Chunk] = []
        for chunk in ordered:
            width = len(chunk.tokens) + max((len(one.prefix) for one in [*batch[-1:], chunk]), default=0)
            crowded = (len(batch) + 1) * width > self.batch_tokens * 4 or (
                (len(batch) + 1) * len(chunk.tokens) > self.batch_tokens
            )
            uneven = bool(batch) and len(chunk.tokens) > 2 * len(batch[0].tokens) + 8
            if batch and (crowded or uneven):
                yield batch
                batch = []
            batch.append(chunk)
        if batch:
            yield batch


def _choose_layout(model: Any) -> Layout:
    """The layout that the layers of the model's own cache ask for."""
    layers = DynamicCache(config=model.config.get_text_config()).layers
    if layers and all(type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in layers):
        return AttentionPool(model, len(layers))
    if layers and all(type(layer) is LinearAttentionLayer for layer in layers):
        return RecurrentPool(model, len(layers))
    return Reread(model)


def _agrees(model: Any, layout: Layout, name: str) -> bool:
    """Whether a text read in pieces of different lengths gives the rows that reading it at once gives."""
    columns = int(model.config.get_text_config().vocab_size)
    text = tuple((7 * step + 3) % columns for step in range(7))
    other = tuple((5 * step + 1) % columns for step in range(4))
    slots = tuple(range(1, 12))
    everything = tuple(range(7))
    try:
        with torch.inference_mode():
            want = Reread(model).forward([Chunk((), text, (), (), everything), Chunk((), other, (), (), (0, 1, 2, 3))])
            first = layout.forward(
                [Chunk((), text[:2], slots[:2], (), (0, 1)), Chunk((), other[:1], slots[7:8], (), (0,))]
            )
            second = layout.forward(
                [
                    Chunk(slots[:2], text[2:], slots[2:7], text[:2], (0, 1, 2, 3, 4)),
                    Chunk(slots[7:8], other[1:], slots[8:11], other[:1], (0, 1, 2)),
                ]
            )
    except (RuntimeError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        log.info("reading in pieces failed: %s", error)
        return False
    if not want.isfinite().all():
        log.warning("member %s: its logits hold nan or infinity; it cannot take part", name)
        return True  # no way of reading can be told from another
    got = torch.cat([first[:2], second[:5], first[2:], second[5:]])
    within = SAME_WITHIN if want.dtype == torch.float32 else 0.3
    difference = (torch.log_softmax(got.float(), -1) - torch.log_softmax(want.float(), -1)).abs().max()
    return bool(difference <= within)
