"""What tokens can begin with: a trie of the symbols that they spell, grown where somebody looks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evoswarm.decoding.compiled.text_states import DEAD
from evoswarm.decoding.text.decomposition import Decomposition

FIRST_ROWS = 256


class TokenTrie:
    """The texts that some token strictly extends ("branches"), numbered in the order in which they were met.

    Positions are those of ``Decomposition.order``: tokens that begin alike stand side by side.
    """

    def __init__(self, decomposition: Decomposition) -> None:
        """Begin with the empty text."""
        texts = [decomposition.spelled[token] or () for token in decomposition.order.tolist()]
        self._lengths = [len(text) for text in texts]
        self._flat: NDArray[np.int64] = np.fromiter((symbol for text in texts for symbol in text), dtype=np.int64)
        self._offsets: NDArray[np.int64] = np.cumsum([0, *self._lengths], dtype=np.int64)[:-1]
        self._depths: list[int] = []
        self._ranges: NDArray[np.int64] = np.empty((FIRST_ROWS, 2), dtype=np.int64)
        self._ends: NDArray[np.int64] = np.zeros(FIRST_ROWS + 1, dtype=np.int64)
        self._next: NDArray[np.int64] = np.empty((FIRST_ROWS, 3), dtype=np.int64)
        self._bits = decomposition.symbols.bit_length()
        self._known: dict[int, int] = {}  # what ``child`` has been asked, as ``branch << bits | symbol``
        self._add(0, 0, len(texts))  # ROOT_BRANCH

    @property
    def ranges(self) -> NDArray[np.int64]:
        """``[branches in use, 2]`` where the tokens that strictly extend a branch's text begin and end.

        A view, like what ``following`` returns, which later branches may leave behind.
        """
        return self._ranges[: len(self._depths)]

    @property
    def following(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which symbols can follow: branch i's are ``rows[ends[i] : ends[i + 1]]``; returns ``(ends, rows)``.

        A row is ``(symbol, begin, end)``: the tokens that start with the branch's text and then this symbol.
        """
        ends = self._ends[: len(self._depths) + 1]
        return ends, self._next[: ends[-1]]

    def child(self, branch: int, symbol: int) -> int:
        """The branch of a text with one more symbol, or ``DEAD``."""
        found = self._known.get(branch << self._bits | symbol)
        return self._grow(branch, symbol) if found is None else found

    def _grow(self, branch: int, symbol: int) -> int:
        first, last = self._ends[branch], self._ends[branch + 1]
        at = first + int(self._next[first:last, 0].searchsorted(symbol))
        found = DEAD
        if at < last and self._next[at, 0] == symbol:
            depth = self._depths[branch] + 1
            low, high = self._next[at, 1:].tolist()
            while low < high and self._lengths[low] == depth:  # tokens that are this text sort before those that go on
                low += 1
            if low < high:
                found = self._add(depth, low, high)
        self._known[branch << self._bits | symbol] = found
        return found

    def _add(self, depth: int, low: int, high: int) -> int:
        """Number a text of some length which the tokens of a range strictly extend."""
        number = len(self._depths)
        if number == len(self._ranges):
            self._ranges = np.concatenate([self._ranges, np.empty_like(self._ranges)])
            self._ends = np.concatenate([self._ends, np.zeros(number, dtype=np.int64)])
        self._depths.append(depth)
        self._ranges[number] = low, high
        column = self._flat[self._offsets[low:high] + depth]
        firsts = np.flatnonzero(np.diff(column, prepend=-1))
        begin = int(self._ends[number])
        end = begin + len(firsts)
        if end > len(self._next):
            grown = np.empty((max(2 * len(self._next), end), 3), dtype=np.int64)
            grown[:begin] = self._next[:begin]
            self._next = grown
        self._next[begin:end, 0] = column[firsts]
        self._next[begin:end, 1] = low + firsts
        self._next[begin:end, 2] = np.append(low + firsts[1:], high)
        self._ends[number + 1] = end
        return number
