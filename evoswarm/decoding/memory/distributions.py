"""Next-symbol distributions, where the members are if these are together."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evoswarm.decoding.compiled.nodes import NO_ROW
from evoswarm.decoding.memory.row_slots import RowSlots, written_to


class Distributions:
    """Next-symbol distributions of all members, as rows of one matrix.

    Attributes:
        device: where they are worked out, kept and fused.
        row_bytes: of one.
        slots: which row is whose.
    """

    def __init__(self, symbols: int, limit_bytes: int, device: torch.device) -> None:
        """Begin without rows; ``symbols`` is the width of one, END included."""
        self.device, self.row_bytes = device, 4 * symbols
        self.slots = RowSlots(limit_bytes // self.row_bytes)
        self._rows = torch.empty((self.slots.size, symbols), device=device)

    @property
    def limit_bytes(self) -> int:
        """What all of them may take."""
        return self.slots.limit * self.row_bytes

    def written(self, taken: NDArray[np.int64]) -> AbstractContextManager[Tensor]:
        """``[n, symbols]`` where to write ``[n]`` rows that were taken."""
        size = self.slots.size
        if size > len(self._rows):
            if self.device.type == "cpu":
                size = max(size, self.slots.limit)  # pages that nobody has written to take no memory
            grown = self._rows.new_empty((size, self._rows.shape[1]))
            grown[: len(self._rows)] = self._rows
            self._rows = grown
        return written_to(self._rows, taken)

    def take(self, rows: NDArray[np.int64]) -> Tensor:
        """``[..., symbols]`` for row numbers of any shape; where there is none (NO_ROW) it may hold anything."""
        flat = rows.reshape(-1)
        self.slots.touch(flat[flat != NO_ROW])
        at = torch.from_numpy(np.maximum(flat, 0)).to(self.device)
        return self._rows.index_select(0, at).reshape(*rows.shape, -1)


class Noted(NamedTuple):
    """What one member says at some contexts, before the host knows it.

    Attributes:
        member: its number.
        contexts: ``[n]``.
        rows: ``[n]`` where their distributions stand.
        left_out: ``[n]`` bounds on the total-variation error.
        found: ``[3, n]`` float64 where the rows are: entropy, argmax and margin.
    """

    member: int
    contexts: NDArray[np.int64]
    rows: NDArray[np.int64]
    left_out: NDArray[np.float64]
    found: Tensor
