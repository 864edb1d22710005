"""Sums over rows that lie on the host, by loops over the tokens of each range."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evoswarm.decoding.memory.symbol_sums import HeadArrays, SymbolSums
from evoswarm.decoding.trees.range_sums import range_sums, sums_by_symbol


class HostSums(SymbolSums):
    """Each sum in float64, one after the other: few numbers are looked at, and none is moved."""

    def _of_ranges(
        self, rows: NDArray[np.int64], low: NDArray[np.int64], high: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """See `SymbolSums`."""
        return range_sums(self._table.numpy(), len(self._order), rows, low.copy(), high.copy())

    def _add_up(self, heads: HeadArrays, allowed: NDArray[np.bool_]) -> tuple[Tensor, NDArray[np.float64]]:
        """See `SymbolSums`."""
        arrays: tuple[Any, ...] = (heads.rows, heads.branches, heads.masses, heads.owners)
        table, may = self._table.numpy(), np.ascontiguousarray(allowed).view(np.uint8)
        sums, totals = sums_by_symbol(table, len(self._order), arrays, self._tokens.following, may)
        return torch.from_numpy(sums), totals
