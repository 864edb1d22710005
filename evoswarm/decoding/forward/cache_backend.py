"""How models keep what they have read: the state of single tokens, in pools that grow.

What a state is depends on the architecture: keys and values of one token (``attention_backend``), everything after one
token (``recurrent_backend``), or nothing (``RecomputeBackend``, for a model whose cache cannot be addressed).
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor

from evoswarm.decoding.forward.in_place import InPlaceBatches
from evoswarm.decoding.reader import Chunk, Integers

FIRST_SLOTS = 1024
FIRST_BYTES = 1 << 25  # of one pool: a recurrent state can be so large that FIRST_SLOTS of them fill a device
GROWTH = 8  # a pool grows by one eighth: little is kept in vain, and what is copied adds up to a few times the pool
NO_PAST = -1


class CacheBackend(ABC):
    """How a family of models keeps what it has read.

    Attributes:
        needs_whole_past: whether the slots of all tokens before a chunk are needed, or the last one's only.
        slot_limit: how many slots there will be at most, as far as known; None where it is not.
        buffer_limit: bytes that ``buffer_bytes`` may reach.
        in_place: the batches that may go on as they are.
    """

    needs_whole_past = False

    def __init__(self) -> None:
        self.slot_limit: int | None = None
        self.buffer_limit = 0
        self.in_place = InPlaceBatches()

    @abstractmethod
    def forward(self, chunks: Sequence[Chunk]) -> Tensor:
        """Read chunks in one batch; returns ``[rows, columns]`` logits in the order of chunks and their rows."""

    def slot_bytes(self) -> int:
        """Bytes of one slot; 0 before the first forward, and where nothing is kept."""
        return 0

    def buffer_bytes(self) -> int:
        """Bytes kept beside the slots, for batches that go on as they are."""
        return self.in_place.bytes()

    def padded_tokens(self, chunks: Sequence[Chunk]) -> int:
        """Token positions that a forward of these chunks computes, padding included."""
        return len(chunks) * max(len(chunk.tokens) for chunk in chunks)

    def forget(self, slots: Iterable[int]) -> None:
        """These slots were freed: nothing may be believed about what they hold."""
        self.in_place.forget(slots)

    def end_run(self) -> None:
        """All that waited was read: what did not go on can be dropped."""
        self.in_place.end_run()

    def drop_buffers(self) -> None:
        """Free what is kept beside the slots."""
        self.in_place.clear()


class RecomputeBackend(CacheBackend):
    """No state: every prefix is read again from its first token. Right for every causal LM, and slow."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def padded_tokens(self, chunks: Sequence[Chunk]) -> int:
        """Prefixes count: they are computed again."""
        return sum(chunk.depth + len(chunk.tokens) for chunk in chunks)

    def forward(self, chunks: Sequence[Chunk]) -> Tensor:
        """One forward per chunk: padding would reach the state of models that are not attention only."""
        found = []
        for chunk in chunks:
            ids = torch.tensor([[*chunk.prefix(), *chunk.tokens]], device=self.model.device)
            rows = torch.tensor([chunk.depth + row for row in chunk.rows], dtype=torch.long, device=ids.device)
            found.append(selected_logits(self.model, ids, rows, {"use_cache": False}))
        return torch.cat(found)


def selected_logits(model: Any, ids: Tensor, rows: Tensor | None, arguments: dict[str, Any]) -> Tensor:
    """Logits at flat positions only: a hook in front of the output layer drops the others before they are made.

    Args:
        model: the causal LM.
        ids: ``[chunks, new]`` tokens.
        rows: ``[rows]`` positions in ``[chunks * new]``, in any order; None is all of them in theirs.
        arguments: what else the model's forward is given.

    Returns:
        ``[rows, columns]``.
    """
    output = model.get_output_embeddings()
    if output is None or rows is None:
        logits = model(ids, **arguments).logits
        assert isinstance(logits, Tensor)
        every = logits.reshape(-1, logits.shape[-1])
        return every if rows is None else every.index_select(0, rows)

    def select(_module: Any, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        hidden = inputs[0]
        return (hidden.reshape(-1, hidden.shape[-1]).index_select(0, rows)[None], *inputs[1:])

    hook = output.register_forward_pre_hook(select)
    try:
        logits = model(ids, **arguments).logits
    finally:
        hook.remove()
    assert isinstance(logits, Tensor)
    return logits[0]


def accepts(model: Any, argument: str) -> bool:
    """Whether the model's forward takes an argument by this name."""
    return argument in inspect.signature(model.forward).parameters


def flat(parts: Sequence[Sequence[int]], count: int) -> Integers:
    """``count`` integers from many short tuples, one behind the other."""
    return np.fromiter(chain.from_iterable(parts), dtype=np.int64, count=count)


def last_slots(chunks: Sequence[Chunk]) -> Integers:
    """``[chunks]`` slots of the last token before each chunk; NO_PAST at the start of a text."""
    return np.fromiter(
        (chunk.before if chunk.depth else NO_PAST for chunk in chunks), dtype=np.int64, count=len(chunks)
    )


def on_device(device: Any, *arrays: Integers) -> list[Tensor]:
    """Arrays as flat tensors, by a single transfer."""
    packed = torch.from_numpy(np.concatenate([array.ravel() for array in arrays])).to(device)
    ends = np.cumsum([array.size for array in arrays]).tolist()
    return [packed[end - array.size : end] for end, array in zip(ends, arrays, strict=True)]


def first_pool(state: Tensor) -> Tensor:
    """A small pool for states like this one: ``[slots, ...]``, slot 0 is zeros."""
    fit = FIRST_BYTES // max(1, state.numel() * state.element_size())
    return _pool(state, max(16, min(FIRST_SLOTS, fit)))


def grown(pool: Tensor, needed: int, limit: int | None) -> Tensor:
    """A pool with room for ``needed`` slots and the same contents; the same one where it has room.

    One tensor at a time: the old one is free as soon as the caller lets go of it. Where a limit is known, a pool in
    host memory takes all of it at once: the operating system commits pages when they are written.

    Args:
        pool: ``[slots, ...]``.
        needed: slots that must fit.
        limit: slots that there will be at most; may turn out too low.
    """
    have = len(pool)
    if needed <= have:
        return pool
    size = max(needed, have + max(min(have, FIRST_SLOTS), have // GROWTH))
    larger = None
    if limit is not None and needed <= limit:
        if pool.device.type == "cpu":
            larger = _reserved(pool[0], limit)
        size = min(size, limit)
    if larger is None:
        larger = _pool(pool[0], size)
    larger[:have] = pool
    return larger


def _pool(state: Tensor, slots: int) -> Tensor:
    pool = state.new_empty((slots, *state.shape))
    pool[0] = 0  # the state before any token, and what padding points to: it must be finite
    return pool


def _reserved(state: Tensor, slots: int) -> Tensor | None:
    """A pool that may be larger than what is free now; None where the system does not promise so much."""
    try:
        return _pool(state, slots)
    except RuntimeError:
        return None
