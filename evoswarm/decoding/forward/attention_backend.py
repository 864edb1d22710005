"""Keys and values of single tokens, in a pool by slot; batches that go on unchanged keep them side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer

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
from evoswarm.decoding.forward.in_place import InPlaceBatch
from evoswarm.decoding.forward.lean import LeanDecoder, Placed
from evoswarm.decoding.reader import Chunk, Integers


class AttentionBackend(CacheBackend):
    """Keys and values of single tokens in a growing pool; a prefix is a list of slots.

    A batch is laid out with the past padded on the left and the new tokens on the right, directly behind it, so
    that neighbours in a text are neighbours in the batch (sliding windows, rotary positions).

    The past of a batch is gathered from the pool, unless the batch goes on behind one that was read before, without
    its sequences that have ended: then it is still there (see ``in_place``) and the new tokens are appended.
    """

    needs_whole_past = True

    def __init__(self, model: Any, layers: int, lean: LeanDecoder | None = None) -> None:
        """Take a causal LM whose cache has so many layers, and what stands for its forward, if anything does."""
        super().__init__()
        self.model, self.lean = model, lean
        self.device = model.device
        self.layers = [_PooledLayer(number) for number in range(layers)]
        self.extra = accepts(model, "position_ids")

    def slot_bytes(self) -> int:
        """Bytes of one token's keys and values."""
        return sum(layer.slot_bytes() for layer in self.layers)

    def forward(self, chunks: Sequence[Chunk]) -> Tensor:
        """One batched forward; writes the new tokens' keys and values into their slots."""
        lengths = np.fromiter((len(chunk.tokens) for chunk in chunks), dtype=np.int64, count=len(chunks))
        ends = last_slots(chunks)
        step = int(lengths[0]) if (lengths == lengths[0]).all() else None
        past = max(chunk.depth for chunk in chunks)
        found = self.in_place.take(ends, past, step, self.slot_bytes(), self.buffer_limit) if step else None
        goes_on, order = found or (None, np.arange(len(chunks)))
        plan = _AttentionBatch.of(chunks, lengths, order, goes_on, self.device)
        for layer in self.layers:
            layer.plan, layer.slot_limit = plan, self.slot_limit
        try:
            if self.lean is None:
                logits = selected_logits(self.model, plan.tokens, plan.rows, self._arguments(plan))
            else:
                placed = Placed(plan.tokens, plan.positions, plan.past, plan.padded, plan.rows)
                logits = self.lean.logits(placed, self.layers)
        finally:
            for layer in self.layers:
                del layer.plan  # it holds the buffers
        self.in_place.put(goes_on or InPlaceBatch(), plan.ends, step)
        return logits

    def _arguments(self, plan: _AttentionBatch) -> dict[str, Any]:
        """What the model is given beside tokens.

        A mask that hides nothing is not: models wait for the device to find out that it hides nothing.
        """
        chunks, new = plan.tokens.shape
        mask = None
        if plan.lengths is not None:
            columns, depth = torch.arange(plan.past + new, device=self.device), plan.positions[:, :1]
            mask = ((columns >= plan.past - depth) & (columns < plan.past + plan.lengths[:, None])).long()
        elif not self.extra:  # such a model counts positions by it
            mask = torch.ones((chunks, plan.past + new), dtype=torch.long, device=self.device)
        arguments: dict[str, Any] = {"attention_mask": mask, "past_key_values": Cache(layers=list(self.layers))}
        return {**arguments, "position_ids": plan.positions} if self.extra else arguments


@dataclass(frozen=True)
class _AttentionBatch:
    """Where everything stands in one batch; chunks are in the order of the buffers they go on in.

    Attributes:
        past: columns in front of the new tokens.
        tokens: ``[chunks, new]`` right-padded.
        lengths: ``[chunks]`` new tokens of each; None where a token stands in every column.
        padded: whether one is missing in the past of some.
        positions: ``[chunks, new]``.
        gathered: ``[chunks * (past + new)]`` slots of all columns, 0 where nothing stands; None where nothing need
            be gathered: no past, or all of it in the buffers.
        new_index: ``[tokens]`` flat positions of the real new tokens in ``[chunks * new]``; None where all are.
        new_slots: ``[tokens]`` where they go.
        slots: how many slots the pool must have.
        rows: ``[rows]`` flat positions whose logits are wanted, in the order they are asked for; None where that is all
            of them in theirs.
        ends: ``[chunks]`` slots of the last new tokens, on the host.
        goes_on: buffers to append to.
    """

    past: int
    tokens: Tensor
    lengths: Tensor | None
    padded: bool
    positions: Tensor
    gathered: Tensor | None
    new_index: Tensor | None
    new_slots: Tensor
    slots: int
    rows: Tensor | None
    ends: Integers
    goes_on: InPlaceBatch | None

    @classmethod
    def of(
        cls, chunks: Sequence[Chunk], lengths: Integers, order: Integers, goes_on: InPlaceBatch | None, device: Any
    ) -> _AttentionBatch:
        """Lay out chunks; ``order`` names the chunk of each row of the batch."""
        asked = _asked_rows(chunks, order, int(lengths.max()))
        chunks, lengths = [chunks[number] for number in order.tolist()], lengths[order]
        count, new, total = len(chunks), int(lengths.max()), int(lengths.sum())
        depths = np.fromiter((chunk.depth for chunk in chunks), dtype=np.int64, count=count)
        past = int(depths.max()) if goes_on is None else goes_on.length  # longer than any that is left, perhaps
        flat_tokens = flat([chunk.tokens for chunk in chunks], total)
        slots = flat([chunk.slots for chunk in chunks], total)
        ragged = total < count * new
        index = np.flatnonzero(np.arange(new) < lengths[:, None]) if ragged else np.arange(total)
        tokens = np.zeros(count * new, dtype=np.int64)
        tokens[index] = flat_tokens
        gathered = None
        if past > 0 and (goes_on is None or not goes_on.buffers):  # large: no copy into what is sent together
            every = _every_column(chunks, depths, past, new, index, slots)
            gathered = torch.from_numpy(every.ravel()).to(device)
        sent = on_device(device, tokens, depths, lengths, slots, asked, index if ragged else index[:0])
        depth, length = sent[1][:, None], sent[2][:, None]
        padded = bool((depths < past).any())
        return cls(
            past=past,
            tokens=sent[0].view(count, new),
            lengths=sent[2] if ragged or padded else None,
            padded=padded,
            # padding repeats the last position: always a valid one
            positions=depth + torch.minimum(torch.arange(new, device=device), length - 1),
            gathered=gathered,
            new_index=sent[5] if ragged else None,
            new_slots=sent[3],
            slots=int(slots.max()) + 1,
            rows=None if np.array_equal(asked, np.arange(count * new)) else sent[4],
            ends=slots[np.cumsum(lengths) - 1],
            goes_on=goes_on,
        )


def _asked_rows(chunks: Sequence[Chunk], order: Integers, new: int) -> Integers:
    """``[rows]`` flat positions of the wanted rows, chunk by chunk as they were given."""
    place = np.empty(len(chunks), dtype=np.int64)
    place[order] = np.arange(len(chunks))
    counts = np.fromiter((len(chunk.rows) for chunk in chunks), dtype=np.int64, count=len(chunks))
    return np.repeat(place * new, counts) + flat([chunk.rows for chunk in chunks], int(counts.sum()))


def _every_column(
    chunks: Sequence[Chunk], depths: Integers, past: int, new: int, index: Integers, slots: Integers
) -> Integers:
    """``[chunks, past + new]`` the slot of every column: past on the left, new tokens on the right, 0 elsewhere."""
    every = np.zeros((len(chunks), past + new), dtype=np.int64)
    for row, chunk, begin in zip(every, chunks, (past - depths).tolist(), strict=True):
        row[begin:past] = chunk.past()
    every[index // new, past + index % new] = slots
    return every


class _PooledLayer(DynamicLayer):  # type: ignore[misc]  # the library has no types
    """A cache layer that writes a pool and hands back one gather; full-length even where attention is windowed."""

    plan: _AttentionBatch

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
        self.pools: list[Tensor] = []
        self.slot_limit: int | None = None

    def slot_bytes(self) -> int:
        return sum(tensor[0].numel() * tensor.element_size() for tensor in self.pools)

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """``[chunks, heads, new, size]`` in, ``[chunks, heads, past + new, size]`` out."""
        whole = [self._one(which, states) for which, states in enumerate((key_states, value_states))]
        return whole[0], whole[1]

    def _one(self, which: int, states: Tensor) -> Tensor:
        """The same for keys (0) or values (1)."""
        plan = self.plan
        rows = states.transpose(1, 2).flatten(0, 1)
        if plan.new_index is not None:
            rows = rows.index_select(0, plan.new_index)
        if which == len(self.pools):
            self.pools.append(first_pool(rows[0]))
        self.pools[which] = grown(self.pools[which], plan.slots, self.slot_limit)
        pool = self.pools[which]
        pool.index_copy_(0, plan.new_slots, rows)
        whole = states
        if plan.gathered is not None:  # the new tokens are in the pool by now: one copy for all columns
            whole = pool.index_select(0, plan.gathered).view(len(states), -1, *pool.shape[1:]).transpose(1, 2)
        if plan.goes_on is not None:
            return plan.goes_on.extended(self.number, which, whole)
        return whole

    def get_seq_length(self) -> int:
        return self.plan.past

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.get_seq_length() + query_length, 0
