"""States after single tokens, in a pool by slot, for models that sum up all they have read (Mamba)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache

from evoswarm.decoding.forward.cache_backend import (
    CacheBackend,
    accepts,
    first_pool,
    flat,
    grown,
    last_slots,
    on_device,
    selected_logits,
)
from evoswarm.decoding.reader import Chunk, Integers


class RecurrentBackend(CacheBackend):
    """The state after single tokens in a growing pool; slot 0 is the state before any token.

    Every token is a step of its own: continuing a Mamba-1 state by several tokens at once is silently wrong in
    transformers. A state is large, so a chunk may say that it is not kept: a negative slot.
    """

    def __init__(self, model: Any, layers: int) -> None:
        """Take a causal LM whose cache has so many layers."""
        super().__init__()
        self.model = model
        self.device = model.device
        self.cache_name = "cache_params" if accepts(model, "cache_params") else "past_key_values"
        self.pools: list[list[Tensor]] = []
        self._measure(layers)

    def _measure(self, layers: int) -> None:
        """Learn the shapes of a state from one token."""
        cache = DynamicCache(config=self.model.config)
        with torch.inference_mode():
            self.model(torch.tensor([[0]], device=self.device), **{self.cache_name: cache}, use_cache=True)
            self.pools = [[first_pool(state[0]) for state in _states(layer)] for layer in cache.layers[:layers]]

    def slot_bytes(self) -> int:
        """Bytes of one state."""
        return sum(pool[0].numel() * pool.element_size() for pools in self.pools for pool in pools)

    def padded_tokens(self, chunks: Sequence[Chunk]) -> int:
        """Nothing is padded."""
        return sum(len(chunk.tokens) for chunk in chunks)

    def forward(self, chunks: Sequence[Chunk]) -> Tensor:
        """As many steps as the longest chunk has tokens; every step batches the chunks that are still running."""
        plan = _RecurrentBatch(chunks)
        for pools in self.pools:
            for which in range(len(pools)):
                pools[which] = grown(pools[which], plan.slots_needed, self.slot_limit)
        sources, tokens, asked, back, *kept = on_device(
            self.device, plan.sources, plan.tokens, plan.asked, plan.back, *plan.kept
        )
        cache = self._cache(sources)
        rows, token, row = [], 0, 0
        for step, running in enumerate(plan.running):
            for layer in cache.layers:
                _shorten(layer, running)
            ids = tokens[token : token + running, None]
            wanted = asked[row : row + plan.asked_at[step]]
            rows.append(selected_logits(self.model, ids, wanted, {self.cache_name: cache, "use_cache": True}))
            self._write(cache, plan.whole[step], kept[2 * step], kept[2 * step + 1])
            token, row = token + running, row + plan.asked_at[step]
        return torch.cat(rows).index_select(0, back)

    def _cache(self, sources: Tensor) -> DynamicCache:
        """A cache that stands behind the states in these slots."""
        cache = DynamicCache(config=self.model.config)
        for layer, pools in zip(cache.layers, self.pools, strict=True):
            conv, recurrent = (pool.index_select(0, sources) for pool in pools)
            layer.lazy_initialization(conv_states=conv[:0], recurrent_states=recurrent[:0])
            layer.conv_states[0], layer.recurrent_states[0] = conv, recurrent
            layer.has_previous_state[0] = True
        return cache

    def _write(self, cache: DynamicCache, whole: bool, chunks: Tensor, slots: Tensor) -> None:
        """Keep the states of these running chunks (``whole``: of all)."""
        for layer, pools in zip(cache.layers, self.pools, strict=True):
            for pool, state in zip(pools, _states(layer), strict=True):
                pool.index_copy_(0, slots, state if whole else state.index_select(0, chunks))


class _RecurrentBatch:
    """What happens at each step: chunks ordered by length, so that those still running come first.

    Attributes:
        sources: ``[chunks]`` slots that the chunks stand behind; 0 is the start.
        running: ``[steps]`` how many chunks still run.
        tokens: ``[sum of running]`` step by step.
        kept: two for each step: which running chunks' states are kept, and the slots they go to.
        whole: ``[steps]`` whether those of all running chunks are.
        asked: ``[rows]`` step by step, which running chunks need a row.
        asked_at: ``[steps]`` how many do.
        back: ``[rows]`` where each row asked for, chunk by chunk, stands in ``asked``.
        slots_needed: how many slots the pool must have.
    """

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        lengths = np.fromiter((len(chunk.tokens) for chunk in chunks), dtype=np.int64, count=len(chunks))
        order = np.argsort(-lengths, kind="stable")
        place = np.empty_like(order)
        place[order] = np.arange(len(chunks))
        self.sources = np.maximum(last_slots(chunks), 0)[order]
        steps = np.arange(int(lengths.max()))
        standing = (steps < lengths[order][:, None]).T  # [steps, chunks]
        self.running: list[int] = standing.sum(1).tolist()
        first, total = np.cumsum(lengths[order]) - lengths[order], int(lengths.sum())
        source = (first + steps[:, None])[standing]
        ordered = [chunks[number] for number in order.tolist()]
        self.tokens = flat([chunk.tokens for chunk in ordered], total)[source]
        slots = flat([chunk.slots for chunk in ordered], total)[source]
        self.slots_needed = int(slots.max()) + 1
        self.kept: list[Integers] = []
        self.whole: list[bool] = []
        for targets in np.split(slots, np.cumsum(self.running)[:-1]):
            kept = np.flatnonzero(targets >= 0)
            self.kept += [kept, targets[kept]]
            self.whole.append(len(kept) == len(targets))
        counts = np.fromiter((len(chunk.rows) for chunk in chunks), dtype=np.int64, count=len(chunks))
        at_step = flat([chunk.rows for chunk in chunks], int(counts.sum()))
        chunk_of = np.repeat(place, counts)
        made = np.lexsort((chunk_of, at_step))
        self.asked = chunk_of[made]
        self.asked_at: list[int] = np.bincount(at_step, minlength=len(steps)).tolist()
        self.back = np.empty_like(made)
        self.back[made] = np.arange(len(made))


def _states(layer: Any) -> tuple[Tensor, Tensor]:
    return layer.conv_states[0], layer.recurrent_states[0]


def _shorten(layer: Any, running: int) -> None:
    """Only the first chunks go on."""
    if running < len(layer.conv_states[0]):
        layer.conv_states[0], layer.recurrent_states[0] = (state[:running] for state in _states(layer))
