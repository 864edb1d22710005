"""What tokens can begin with: a trie of their bytes, grown where somebody looks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evoswarm.decoding.text.codec import Codec

ROOT_BRANCH = 0  # the empty string: all tokens extend it
DEAD = -1  # no token is longer and begins so
FIRST_ROWS = 256
FEW = 8  # tokens up to which a row is faster filled one by one than searched
BYTES = np.arange(256, dtype=np.uint8)


class TokenTrie:
    """The strings that some token strictly extends ("branches"), numbered in the order in which they were met.

    Attributes:
        known: what ``child`` has been asked, as ``branch << 8 | byte``; for those who ask very often.
    """

    def __init__(self, codec: Codec) -> None:
        """Begin with the empty string; ``codec`` knows the tokens."""
        texts = [codec.token_bytes[token] or b"" for token in codec.order.tolist()]
        self._texts = texts
        self._flat: NDArray[np.uint8] = np.frombuffer(b"".join(texts), dtype=np.uint8)
        self._offsets: NDArray[np.int64] = np.cumsum([0, *map(len, texts)], dtype=np.int64)[:-1]
        self._rows: NDArray[np.int64] = np.empty((FIRST_ROWS, 257), dtype=np.int64)
        self._depths: list[int] = []
        self._next: NDArray[np.int64] = np.empty(FIRST_ROWS, dtype=np.int64)
        self._next_ends: NDArray[np.int64] = np.zeros(FIRST_ROWS + 1, dtype=np.int64)
        self.known: dict[int, int] = {}
        self._add(0, 0, len(texts))

    @property
    def bounds(self) -> NDArray[np.int64]:
        """``[branches in use, 257]`` tokens that start with branch i's string and then byte b: their positions.

        They are ``order[bounds[i, b] : bounds[i, b + 1]]``; a view, which later branches may leave behind.
        """
        return self._rows[: len(self._depths)]

    @property
    def next_bytes(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which bytes can follow: branch i's are ``bytes[ends[i] : ends[i + 1]]``; returns ``(ends, bytes)``."""
        ends = self._next_ends[: len(self._depths) + 1]
        return ends, self._next[: ends[-1]]

    def child(self, branch: int, byte: int) -> int:
        """The branch of a string with one more byte, or ``DEAD``."""
        found = self.known.get(branch << 8 | byte)
        return self._grow(branch, byte) if found is None else found

    def _grow(self, branch: int, byte: int) -> int:
        depth = self._depths[branch] + 1
        low, high = int(self._rows[branch, byte]), int(self._rows[branch, byte + 1])
        while low < high and len(self._texts[low]) == depth:  # tokens that are this string sort before those that go on
            low += 1
        found = self._add(depth, low, high) if low < high else DEAD
        self.known[branch << 8 | byte] = found
        return found

    def _add(self, depth: int, low: int, high: int) -> int:
        """Number a string of some length which the tokens of a range strictly extend."""
        number = len(self._depths)
        if number == len(self._rows):
            grown = np.empty((2 * number, 257), dtype=np.int64)
            grown[:number] = self._rows
            self._rows = grown
            self._next_ends = np.concatenate([self._next_ends, np.zeros(number, dtype=np.int64)])
        row = self._rows[number]
        if high - low <= FEW:
            filled = 0
            for position in range(low, high):
                behind = self._texts[position][depth] + 1
                row[filled:behind] = position
                filled = max(filled, behind)
            row[filled:] = high
        else:
            row[:256] = np.searchsorted(self._flat[self._offsets[low:high] + depth], BYTES)
            row[:256] += low
            row[256] = high
        self._depths.append(depth)
        self._note_next(number, np.flatnonzero(row[1:] > row[:-1]))
        return number

    def _note_next(self, number: int, following: NDArray[np.int64]) -> None:
        begin = int(self._next_ends[number])
        end = begin + len(following)
        if end > len(self._next):
            self._next = np.concatenate([self._next, np.empty(max(len(self._next), end), dtype=np.int64)])
        self._next[begin:end] = following
        self._next_ends[number + 1] = end
