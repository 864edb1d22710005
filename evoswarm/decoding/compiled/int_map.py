"""A map from whole numbers to whole numbers, by open addressing."""

from __future__ import annotations

import numpy as np

from evoswarm.decoding.compiled.arrays import numbers

NOTHING = -1
FIRST = 1024  # places; a power of two, and so are all later sizes


class IntMap:
    """Numbers by numbers, none negative.

    Attributes:
        count: how many there are.
    """

    def __init__(self) -> None:
        """Begin without any."""
        self.clear()

    def clear(self) -> None:
        """Forget all."""
        self.count = 0
        self._make(FIRST)

    def _make(self, size: int) -> None:
        keys, values = np.full(size, NOTHING, dtype=np.int64), np.empty(size, dtype=np.int64)
        self._keys, self._values, self._mask = numbers(keys), numbers(values), size - 1

    def get(self, key: int) -> int:
        """The number of a key, or NOTHING."""
        place = self._place(key)
        return self._values[place] if self._keys[place] == key else -1

    def put(self, key: int, value: int) -> None:
        """Note the number of a key."""
        place = self._place(key)
        if self._keys[place] != key:
            self.count += 1
            self._keys[place] = key
        self._values[place] = value
        if self.count > self._mask >> 1:
            self._grow()

    def _place(self, key: int) -> int:
        """Where a key stands, or would."""
        place = ((key ^ key >> 29) * 2654435761 >> 11) & self._mask
        while self._keys[place] != key and self._keys[place] >= 0:
            place = (place + 1) & self._mask
        return place

    def _grow(self) -> None:
        keys, values = self._keys, self._values
        self._make(4 * len(keys))
        for old in range(len(keys)):
            if keys[old] >= 0:
                place = self._place(keys[old])
                self._keys[place] = keys[old]
                self._values[place] = values[old]
