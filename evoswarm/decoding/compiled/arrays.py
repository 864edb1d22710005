"""Arrays whose elements Python reads and writes one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FIRST = 256
COMPILED = not __file__.endswith(".py")
"""Whether loops over arrays run as machine code."""


def numbers(array: NDArray[Any]) -> Any:
    """The same array as a loop takes it: an element of a memory view is a plain number, and found sooner."""
    return array if COMPILED else memoryview(array)  # type: ignore[arg-type]  # numpy's stubs leave the protocol out


def joined(begins: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """``[n]`` ranges of whole numbers, one behind the other."""
    found: NDArray[np.int64] = np.arange(counts.sum()) + np.repeat(begins - counts.cumsum() + counts, counts)
    return found


class Stack:
    """Whole numbers, one behind the other; as many as come."""

    def __init__(self) -> None:
        """Begin without any."""
        self.count = 0
        self._items = numbers(np.empty(FIRST, dtype=np.int64))

    def clear(self) -> None:
        """Forget all."""
        self.count = 0

    def push(self, number: int) -> None:
        """One more."""
        if self.count == len(self._items):
            self._items = longer(self._items, 2 * self.count)
        self._items[self.count] = number
        self.count += 1

    def pop(self) -> int:
        """The last one, which leaves."""
        self.count -= 1
        last: int = self._items[self.count]
        return last

    def array(self) -> NDArray[np.int64]:
        """``[count]`` a copy of all."""
        return np.array(self._items)[: self.count]


def longer(old: Any, size: int, fill: float = 0) -> Any:
    """A copy of an array with room for so many, ``fill`` behind what was there."""
    have = np.asarray(old)
    made = np.full(size, fill, dtype=have.dtype)
    made[: len(have)] = have
    return numbers(made)
