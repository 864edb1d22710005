"""Which row of a bounded table belongs to whom: given out, used, and taken back from those who need it least."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

FIRST = 256
EVICTED_SHARE = 0.1  # of the rows, taken back at once: every time costs a look over all of them


class RowSlots:
    """Row numbers of a table with a limit; the least recently used are taken back first.

    The limit gives way to what is needed at one moment: rows used since the last ``tick`` are never taken back, or two
    who wait for each other's rows could take turns for ever.

    Attributes:
        size: rows that the table must have.
    """

    def __init__(self, limit: int) -> None:
        """Begin with no rows given out; ``limit`` is how many to keep at most."""
        self.limit = max(1, limit)
        self.size = min(FIRST, self.limit)
        self._high = 0  # rows ever given out
        self._free: list[int] = []
        self._clock = 1
        self._used: NDArray[np.int64] = np.zeros(self.size, dtype=np.int64)

    @property
    def in_use(self) -> int:
        """Rows now in use."""
        return self._high - len(self._free)

    @property
    def peak(self) -> int:
        """The most rows that were ever in use at once."""
        return self._high

    def tick(self) -> None:
        """A moment passes: what is not used from now on may be taken back."""
        self._clock += 1

    def touch(self, rows: NDArray[np.int64] | Sequence[int]) -> None:
        """These rows are in use."""
        self._used[rows] = self._clock

    def take(self, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows for new contents.

        Returns:
            ``[count]`` row numbers; and the rows that were taken back from their owners, some of which may be among
            them. The table must then have ``size`` rows.
        """
        lost = np.empty(0, dtype=np.int64)
        beyond = count - len(self._free) - (self.limit - self._high)
        if beyond > 0:
            lost = self._take_back(max(beyond, int(self.limit * EVICTED_SHARE)))
        reused = [self._free.pop() for _ in range(min(count, len(self._free)))]
        fresh = np.arange(self._high, self._high + count - len(reused))
        self._high += len(fresh)
        if self._high > self.size:
            beyond_limit = self._high + self._high // 4  # never by what is needed alone: tables grow by copying
            self.size = min(2 * self.size, self.limit) if self._high <= self.limit else beyond_limit
            self.size = max(self.size, self._high)
            self._used = np.concatenate([self._used, np.zeros(self.size - len(self._used), dtype=np.int64)])
        rows = np.sort(np.concatenate([np.array(reused, dtype=np.int64), fresh]))  # side by side, where it can be
        self._used[rows] = self._clock
        return rows, lost

    def give(self, rows: Sequence[int]) -> None:
        """Rows that nobody needs any more."""
        self._free.extend(rows)
        self._used[rows] = 0

    def _take_back(self, count: int) -> NDArray[np.int64]:
        used = self._used[: self._high]
        idle = np.flatnonzero((used > 0) & (used < self._clock))
        if len(idle) > count:
            idle = idle[np.argpartition(used[idle], count)[:count]]
        self.give(idle.tolist())
        return idle


@contextmanager
def written_to(table: Tensor, rows: NDArray[np.int64]) -> Iterator[Tensor]:
    """``[n, ...]`` where to write what is to stand in ``[n]`` rows of a table: there, if they stand side by side."""
    first = int(rows[0])
    if (np.diff(rows) == 1).all():
        yield table[first : first + len(rows)]
    else:
        made = table.new_empty((len(rows), *table.shape[1:]))
        yield made
        table.index_copy_(0, torch.from_numpy(rows).to(table.device), made)
