"""Models whose rotary positions change with the length of a text: every regime of lengths is read apart.

Some models (longrope: Phi-3 and its kin) turn their queries and keys by one set of frequencies while a text is short
and by another once it is longer than a switch; the *longest* text of a batch decides which, for all of it. Here the
truth is what a forward of one text alone gives, from its first token on: a text up to the switch is read with the first
set, a longer one with the second, its first tokens too. So texts of different regimes never share a forward, and a
token has a state in each regime it was read in: a text that passes the switch is read once more from its beginning.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evoswarm.decoding.forward.cache_backend import CacheBackend
from evoswarm.decoding.reader import Chunk, Integers


@dataclass(frozen=True)
class _ChunkPart:
    """Neighbouring rows of a chunk that are in one regime.

    Attributes:
        chunk: it is a part of.
        number: of the chunk in its batch.
        rows: wanted, ascending positions from the text's first token.
        needed: slots of all tokens up to the last of these rows.
    """

    chunk: Chunk
    number: int
    rows: tuple[int, ...]
    needed: Integers

    def behind(self, begin: int) -> Chunk:
        """A chunk that reads from a position up to the last wanted row."""
        chunk, end = self.chunk, self.rows[-1] + 1
        tokens = chunk.tokens if begin >= chunk.depth else (*chunk.prefix(), *chunk.tokens)
        first = chunk.depth if begin >= chunk.depth else 0
        return Chunk(
            before=int(self.needed[begin - 1]) if begin and len(self.needed) else chunk.before,
            tokens=tokens[begin - first : end - first],
            slots=tuple(self.needed[begin:].tolist()),
            rows=tuple(row - begin for row in self.rows),
            depth=begin,
            past=lambda: self.needed[:begin],
            prefix=lambda: (*chunk.prefix(), *chunk.tokens)[:begin],
        )


class LongRopeBackend(CacheBackend):
    """One back-end for each regime; they number their slots alike."""

    def __init__(self, switches: Sequence[int], make: Callable[[], CacheBackend]) -> None:
        """Make the back-ends of regimes that go up to these lengths (tokens, ascending), and of the last one."""
        super().__init__()
        self.switches = tuple(switches)
        self.regimes = [make() for _ in range(len(self.switches) + 1)]
        self.needs_whole_past = self.regimes[0].needs_whole_past
        self._known: NDArray[np.bool_] = np.zeros((len(self.regimes), 1024), dtype=bool)
        self._padded = 0

    def slot_bytes(self) -> int:
        """Bytes of one slot in all the ranges that were ever read."""
        return sum(regime.slot_bytes() for regime in self.regimes)

    def buffer_bytes(self) -> int:
        """Bytes kept beside the slots of all ranges."""
        return sum(regime.buffer_bytes() for regime in self.regimes)

    def padded_tokens(self, chunks: Sequence[Chunk]) -> int:
        """Of the last forward, what was read once more included."""
        return self._padded

    def forget(self, slots: Iterable[int]) -> None:
        """These slots hold nothing on any regime."""
        gone = list(slots)
        self._known[:, [slot for slot in gone if 0 <= slot < self._known.shape[1]]] = False
        for regime in self.regimes:
            regime.forget(gone)

    def end_run(self) -> None:
        """All that waited was read."""
        for regime in self.regimes:
            regime.end_run()

    def drop_buffers(self) -> None:
        """On all regimes."""
        for regime in self.regimes:
            regime.drop_buffers()

    def forward(self, chunks: Sequence[Chunk]) -> Tensor:
        """Read chunks, regime by regime; what a text needs of its own regime and was not read there is read first."""
        self._padded = 0
        self._make_room(chunks)
        parts: list[list[_ChunkPart]] = [[] for _ in self.regimes]
        for number, chunk in enumerate(chunks):
            for regime, part in self._parts(number, chunk):
                parts[regime].append(part)
        rows: list[list[Tensor]] = [[] for _ in chunks]
        for regime, waiting in enumerate(parts):
            for part, found in self._read(regime, waiting):
                rows[part.number].append(found)
        every = [one for of_chunk in rows for one in of_chunk]
        return torch.cat(every) if every else torch.empty((0, 0))  # states alone are read when somebody needs them

    def _make_room(self, chunks: Sequence[Chunk]) -> None:
        most = max(max(chunk.slots) for chunk in chunks) + 1
        if most > self._known.shape[1]:
            more = np.zeros((len(self.regimes), max(most, 2 * self._known.shape[1])), dtype=bool)
            more[:, : self._known.shape[1]] = self._known
            self._known = more
        for regime in self.regimes:
            regime.slot_limit, regime.buffer_limit = self.slot_limit, self.buffer_limit

    def _parts(self, number: int, chunk: Chunk) -> Iterator[tuple[int, _ChunkPart]]:
        """A chunk's wanted rows by the regime that the text up to each is on."""
        by_side: dict[int, list[int]] = {}
        for row in chunk.rows:
            at = chunk.depth + row
            by_side.setdefault(bisect_left(self.switches, at + 1), []).append(at)
        slots = np.concatenate([chunk.past(), np.array(chunk.slots, dtype=np.int64)]) if self.needs_whole_past else None
        for regime, rows in by_side.items():
            needed = np.empty(0, dtype=np.int64) if slots is None else slots[: rows[-1] + 1]
            yield regime, _ChunkPart(chunk, number, tuple(rows), needed)

    def _read(self, regime: int, waiting: list[_ChunkPart]) -> Iterator[tuple[_ChunkPart, Tensor]]:
        """Read parts in one regime: together those whose past is known there, each other one alone and first.

        What one of them reads may be what the next one lacks.
        """
        while waiting:
            begins = [self._begin(regime, part) for part in waiting]
            ready = [number for number, part in enumerate(waiting) if begins[number] == part.chunk.depth]
            taken = ready or [0]
            batch = [waiting[number].behind(begins[number]) for number in taken]
            found = self.regimes[regime].forward(batch)
            self._padded += self.regimes[regime].padded_tokens(batch)
            for number in taken:
                self._known[regime, waiting[number].needed] = True
            counts = [len(waiting[number].rows) for number in taken]
            yield from zip([waiting[number] for number in taken], torch.split(found, counts), strict=True)
            waiting = [part for number, part in enumerate(waiting) if number not in set(taken)]

    def _begin(self, regime: int, part: _ChunkPart) -> int:
        """The first position that has to be read: the chunk's own first, or one before it that was not read here."""
        unknown = np.flatnonzero(~self._known[regime, part.needed])
        return min(int(unknown[0]), part.chunk.depth) if len(unknown) else part.chunk.depth
