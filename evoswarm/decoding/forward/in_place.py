"""Batches that go on: their keys and values stay side by side, so that a new token is appended and nothing gathered.

A sequence is known by the slot of its last token. A batch goes on when every sequence in it was read by one batch
before, all are extended by the same number of tokens, and no two extend the same one; sequences that have ended may
be missing: a survivor from the end of the buffer moves into the hole.

Buffers are made when a batch has gone on once, since only then is it likely to go on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from evoswarm.decoding.reader import Integers

ENDED = -2  # the sequence that stood here is gone; no chunk ends in it
IDLE_RUNS = 2  # a tree may need several runs for what waits, and most batches go on in the first
SPARE_COLUMNS = 32
SPARE_SHARE = 3  # a buffer has room for a third more columns than it must have


@dataclass(eq=False)
class InPlaceBatch:
    """One batch that may go on.

    Attributes:
        ends: ``[rows]`` slot of the last token of each row's sequence; ENDED where it was given back.
        length: columns that are filled (the longest sequence's tokens).
        capacity: columns to make or to keep room for.
        buffers: by (layer, 0 for keys and 1 for values): ``[rows or more, heads, capacity, size]``, sequences
            right-aligned at ``length``; empty before the batch goes on for the first time.
        rows: that buffers have; those behind the last that goes on are not used.
        idle: runs since it went on.
    """

    ends: Integers = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    length: int = 0
    capacity: int = 0
    buffers: dict[tuple[int, int], Tensor] = field(default_factory=dict)
    rows: int = 0
    idle: int = 0
    _moves: tuple[list[int], list[int]] = ([], [])

    def bytes(self) -> int:
        """Of the buffers."""
        return sum(one.numel() * one.element_size() for one in self.buffers.values())

    def rows_of(self, ends: Integers) -> Integers | None:
        """``[chunks]`` the row that each chunk goes on in; None unless there is one of its own for each."""
        if len(ends) > len(self.ends):
            return None
        by_slot = np.argsort(self.ends)
        at = np.minimum(np.searchsorted(self.ends, ends, sorter=by_slot), len(self.ends) - 1)
        rows = by_slot[at]
        if not np.array_equal(self.ends[rows], ends) or len(np.unique(rows)) < len(rows):
            return None
        return np.asarray(rows, dtype=np.int64)

    def arrange(self, rows: Integers, past: int) -> Integers:
        """Close the holes between the rows that go on; returns ``[rows]`` the chunk that stands in each."""
        count = len(rows)
        if count * 2 < self.rows or past * 2 < self.length:
            self.buffers.clear()  # most of what they hold has ended: make smaller ones
        if not self.buffers:
            self.length, self.capacity, self.rows, self._moves = past, 0, count, ([], [])
            return np.arange(count)
        late = np.flatnonzero(rows >= count)
        holes = np.setdiff1d(np.arange(count), rows, assume_unique=True)
        self._moves = (holes.tolist(), rows[late].tolist())
        placed = rows.copy()
        placed[late] = holes
        return np.argsort(placed)

    def extended(self, layer: int, which: int, states: Tensor) -> Tensor:
        """Keys (0) or values (1) of a layer with the new tokens behind them.

        Args:
            layer: its number.
            which: keys or values.
            states: ``[rows, heads, new, size]``, or the past in front of them as well where there is no buffer yet.

        Returns:
            ``[rows, heads, length + new, size]``, a view of the buffer.
        """
        rows, heads, new, size = states.shape
        begin = self.length
        buffer = self.buffers.get((layer, which))
        if buffer is None:
            buffer = states.new_empty((rows, heads, self.capacity, size))
            begin = 0
        for hole, mover in zip(*self._moves, strict=True):
            buffer[hole, :, :begin] = buffer[mover, :, :begin]
        if begin + new > buffer.shape[2]:
            wider = states.new_empty((len(buffer), heads, self.capacity, size))
            wider[:rows, :, :begin] = buffer[:rows, :, :begin]
            buffer = wider
        self.buffers[layer, which] = buffer
        buffer[:rows, :, begin : begin + new] = states
        return buffer[:rows, :, : begin + new]


class InPlaceBatches:
    """The batches that may go on."""

    def __init__(self) -> None:
        self._batches: list[InPlaceBatch] = []
        self._gone: deque[int] = deque()  # slots given back since the last batch: there can be many, one by one

    def bytes(self) -> int:
        """Of all buffers."""
        return sum(batch.bytes() for batch in self._batches)

    def take(
        self, ends: Integers, past: int, new: int, slot_bytes: int, limit: int
    ) -> tuple[InPlaceBatch, Integers] | None:
        """The batch that goes on by ``new`` tokens behind each of ``ends``, and ``[rows]`` the chunk in each row.

        It is the caller's from now on; ``put`` gives it back. Whatever breaks off in between, a batch half of whose
        layers were extended is never seen again.

        Args:
            ends: ``[chunks]`` slots of the last tokens.
            past: tokens in front of the longest.
            new: tokens that each chunk has.
            slot_bytes: bytes of one token's keys and values in all layers.
            limit: bytes that all buffers may take.

        Returns:
            None where no batch goes on, or where its buffers would not fit.
        """
        self._mark_gone()
        for batch in self._batches:
            rows = batch.rows_of(ends)
            if rows is None:
                continue
            self._batches.remove(batch)
            order = batch.arrange(rows, past)
            needed = batch.length + new
            if needed > batch.capacity:
                batch.capacity = needed + max(SPARE_COLUMNS, needed // SPARE_SHARE)
            return (batch, order) if self._make_room(batch.rows * batch.capacity * slot_bytes, limit) else None
        return None

    def _make_room(self, needed: int, limit: int) -> bool:
        """Whether so many bytes fit, without buffers that nobody goes on in if need be."""
        if self.bytes() + needed > limit:
            self._batches = [batch for batch in self._batches if not batch.idle]
        return self.bytes() + needed <= limit

    def put(self, batch: InPlaceBatch, ends: Integers, new: int | None) -> None:
        """A batch was read and ends here; ``new`` tokens were put behind each sequence (None: not the same number)."""
        self._mark_gone()
        batch.length += new or 0
        batch.ends, batch.idle = ends, 0
        self._batches.append(batch)

    def forget(self, slots: Iterable[int]) -> None:
        """Sequences that end in these slots are gone; the slots may be taken again."""
        self._gone.extend(slots)

    def _mark_gone(self) -> None:
        gone = [self._gone.popleft() for _ in range(len(self._gone))]
        if gone:
            for batch in self._batches:
                batch.ends[np.isin(batch.ends, gone)] = ENDED

    def end_run(self) -> None:
        """Drop the batches that have not gone on for a while."""
        for batch in self._batches:
            batch.idle += 1
        self._batches = [batch for batch in self._batches if batch.idle <= IDLE_RUNS]

    def clear(self) -> None:
        """Drop all."""
        self._batches.clear()
