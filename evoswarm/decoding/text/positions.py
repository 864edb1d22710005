"""How texts can be tokenized up to every position, found byte by byte.

What ``Codec.paths`` says of a whole text is said here of a text that grows: behind the last place at which the
tokenizer treats both sides apart (a *cut*) only the few bytes since then are tokenized, and tails that came up before
are looked up. All texts of a tokenizer share one trie, so a beginning that many answers have in common is there once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evoswarm.decoding.text.branches import DEAD, ROOT_BRANCH, Branches
from evoswarm.decoding.text.codec import REMEMBERED, Codec
from evoswarm.decoding.text.continuation import Path

Start = tuple["Position", int]


class Position:
    """The place behind one text x of n bytes.

    Attributes:
        starts: ``(position behind x[:j], branch of x[j:])`` for every j < n such that some token strictly extends
            x[j:], j ascending. The start j = n, of branch ``ROOT_BRANCH``, is not among them.
        cut: the last known position c < n with E(x + s) == E(x[:c]) + E(x[c:] + s) for every s; None only at the root.
            Where a position has paths and its cut is not the root, E(x[:c]) is the first path of the cut.
        length: n, bytes.
    """

    __slots__ = ("_byte", "_first", "_more", "_parent", "_paths", "_positions", "_spelled", "cut", "length", "starts")

    def __init__(self, positions: Positions, parent: Position | None, byte: int, starts: tuple[Start, ...]) -> None:
        """Positions are made by ``Positions`` alone."""
        self.starts = starts
        self.cut: Position | None = None
        self.length = 0
        self._positions = positions
        self._parent = parent
        self._byte = byte
        self._spelled = True  # whether E(x[:c]) exists
        self._first: Position | None = None  # nearly all positions have one child; a dictionary each would be large
        self._more: dict[int, Position] | None = None
        self._paths: tuple[Path, ...] | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """C(n), each path without the tokens of E(x[:c]) that all begin with; at the root the empty path."""
        if self._paths is None:
            self._paths = self._positions.find_paths(self)
        return self._paths

    def tail(self) -> bytes:
        """The text since the cut."""
        found = bytearray()
        position = self
        while position._parent is not None and position is not self.cut:
            found.append(position._byte)
            position = position._parent
        found.reverse()
        return bytes(found)


class Positions:
    """The texts of one tokenizer as a trie of positions.

    Attributes:
        root: behind the empty text.
    """

    def __init__(self, codec: Codec, cuts: bytes) -> None:
        """Args: codec: of the tokenizer; cuts: where it treats both sides apart, as ``cut_places`` finds it."""
        self._codec = codec
        self._branches = Branches(codec)
        self._places = cuts
        self._tails: dict[bytes, tuple[Path, ...]] = {}
        self._spellable: dict[bytes, bool] = {}
        self.root = Position(self, None, -1, ())
        self.root._paths = ((),)

    @property
    def bounds(self) -> NDArray[np.int64]:
        """``[branches in use, 257]`` where the tokens that strictly extend a branch stand, by their next byte.

        Row i is ``Codec.bounds`` of the string of branch i; rows of later branches may lie in another array.
        """
        return self._branches.bounds

    @property
    def next_bytes(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which bytes can follow each branch: ``(ends, bytes)``, those of branch i from ends[i] to ends[i + 1]."""
        return self._branches.next_bytes

    def forget(self) -> None:
        """Forget all texts; positions given out before must not be used any more."""
        self.root._first, self.root._more = None, None

    def step(self, position: Position, byte: int) -> Position:
        """The position one byte further: the same object whenever the same text is asked for.

        Args:
            position: behind a text.
            byte: which together with the text is valid (perhaps unfinished) UTF-8.
        """
        first = position._first
        if first is None:
            position._first = first = self._grow(position, byte)
        if first._byte == byte:
            return first
        if position._more is None:
            position._more = {}
        found = position._more.get(byte)
        if found is None:
            position._more[byte] = found = self._grow(position, byte)
        return found

    def find_paths(self, position: Position) -> tuple[Path, ...]:
        """What ``Position.paths`` says, looked up by the bytes since the cut."""
        if not position._spelled:
            return ()
        tail = position.tail()
        found = self._tails.get(tail)
        if found is None:
            if len(self._tails) >= REMEMBERED:
                self._tails.clear()
            self._tails[tail] = found = self._codec.paths(tail, self._probes(tail))
        return found

    def _probes(self, tail: bytes) -> tuple[bytes, ...]:
        """Without those that the tokenizer treats apart: they find what E(tail) finds."""
        return tuple(
            probe for probe in self._codec.probes if not (tail and probe and self._places[tail[-1] << 8 | probe[0]])
        )

    def _grow(self, position: Position, byte: int) -> Position:
        grow, known = self._branches.child, self._branches.known
        starts = []
        for start, branch in (*position.starts, (position, ROOT_BRANCH)):
            grown = known.get(branch << 8 | byte)
            if grown is None:
                grown = grow(branch, byte)
            if grown != DEAD:
                starts.append((start, grown))
        child = Position(self, position, byte, tuple(starts))
        child.length = position.length + 1
        if position is self.root:
            child.cut = position
        elif self._places[position._byte << 8 | byte]:
            child.cut = position
            child._spelled = position._spelled and self._spells(position.tail())
        else:
            child.cut, child._spelled = position.cut, position._spelled
        return child

    def _spells(self, tail: bytes) -> bool:
        """Whether the tokenizer can spell what lies between two cuts."""
        found = self._spellable.get(tail)
        if found is None:
            if len(self._spellable) >= REMEMBERED:
                self._spellable.clear()
            self._spellable[tail] = found = self._codec.encode(tail) is not None
        return found
