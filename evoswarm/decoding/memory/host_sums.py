"""Sums over rows that lie on the host, by loops over the tokens of each range."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evoswarm.decoding.compiled.range_sums import range_sums, sums_by_symbol
from evoswarm.decoding.memory.symbol_sums import HeadArrays, SymbolSums


class HostSums(SymbolSums):
    """Each sum in float64, one after the other: few numbers are looked at, and none is moved."""

    def _totals(
        self, rows: NDArray[np.int64], low: NDArray[np.int64], high: NDArray[np.int64], end: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """See `SymbolSums`."""
        table = self._table.numpy()
        found = range_sums(table, len(self._order), rows, low.copy(), high.copy())
        found[end] += table[rows[end], -1]
        return found

    def _add_up(self, heads: HeadArrays, allowed: Tensor) -> tuple[Tensor, NDArray[np.float64]]:
        """See `SymbolSums`."""
        arrays: tuple[Any, ...] = (heads.rows, heads.branches, heads.masses, heads.owners)
        table, may = self._table.numpy(), allowed.contiguous().view(torch.uint8).numpy()
        sums, totals = sums_by_symbol(table, len(self._order), arrays, self._tokens.following, may)
        return torch.from_numpy(sums), totals
