"""Sums over rows that lie on a device: one reduction by segments for all that is asked at once, nothing waited for."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evoswarm.decoding.compiled.arrays import joined
from evoswarm.decoding.compiled.range_sums import BLOCK
from evoswarm.decoding.compiled.text_states import ROOT_BRANCH
from evoswarm.decoding.memory.member_rows import MemberRows
from evoswarm.decoding.memory.symbol_sums import TINY, HeadArrays, SymbolSums
from evoswarm.decoding.text.token_trie import TokenTrie


class DeviceSums(SymbolSums):
    """All sums by a few operations on the device; what comes back is as large as what was asked for."""

    def __init__(self, rows: MemberRows, tokens: TokenTrie, order: NDArray[np.int64], symbols: int) -> None:
        """Begin without sums; see `SymbolSums`."""
        super().__init__(rows, tokens, order, symbols)
        _, (first, low, high) = self._following(np.array([ROOT_BRANCH]))
        places, starts = self._pieces(low, high)
        self._first = torch.from_numpy(np.append(first, symbols - 1)).to(rows.device)  # END behind them
        self._places = torch.from_numpy(np.append(places, self._table.shape[1] - 1)).to(rows.device)
        self._starts = np.append(starts, len(places))

    def _totals(
        self, rows: NDArray[np.int64], low: NDArray[np.int64], high: NDArray[np.int64], end: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """See `SymbolSums`."""
        return self._of_ranges(rows, low, high, end).double().cpu().numpy()

    def _add_up(self, heads: HeadArrays, allowed: Tensor) -> tuple[Tensor, NDArray[np.float64]]:
        """See `SymbolSums`."""
        made = torch.zeros(allowed.shape, device=self._rows.device)
        whole = heads.branches == ROOT_BRANCH
        self._add_whole(made, heads.some(whole))
        self._add_inside(made, heads.some(~whole))
        sums = made.to(allowed.device)
        sums *= allowed
        totals = sums.sum(1, dtype=torch.float64).cpu().numpy()
        sums /= torch.from_numpy(np.where(totals > TINY, totals, 1.0)).float().to(sums.device)[:, None]
        return sums, totals

    def _add_whole(self, sums: Tensor, heads: HeadArrays) -> None:
        """Heads at the end of the text: any token may follow, or END."""
        rows, _, masses, owners = heads
        if not len(rows):
            return
        at, owner, times = (torch.from_numpy(one).to(sums.device) for one in (rows, owners, masses))
        made = torch.zeros((len(rows), self._symbols), device=sums.device)
        made[:, self._first] = segment_sums(self._table[at[:, None], self._places[None]], self._starts)
        made *= times.float()[:, None]
        sums.index_put_((owner,), made, accumulate=True)  # in one order, wherever it is done

    def _add_inside(self, sums: Tensor, heads: HeadArrays) -> None:
        """Heads before the end of the text: few symbols can follow what is left of it."""
        rows, branches, masses, owners = heads
        if len(rows):
            head, (symbol, low, high) = self._following(branches)
            where = torch.from_numpy(np.stack([owners[head], symbol])).to(sums.device)
            times = torch.from_numpy(masses[head]).to(sums.device)
            found = self._of_ranges(rows[head], low, high)
            sums.index_put_((where[0], where[1]), (found.double() * times).float(), accumulate=True)

    def _of_ranges(
        self,
        rows: NDArray[np.int64],
        low: NDArray[np.int64],
        high: NDArray[np.int64],
        end: NDArray[np.bool_] | None = None,
    ) -> Tensor:
        """``[n]`` on the device, see ``_totals``; no range is empty."""
        if not len(rows):
            return torch.zeros(0, device=self._rows.device)
        places, starts = self._pieces(low, high, end)
        places += np.repeat(rows * self._table.shape[1], np.diff(starts, append=len(places)))
        some = self._table.reshape(-1)[torch.from_numpy(places).to(self._rows.device)]
        return segment_sums(some[None], starts)[0]

    def _pieces(
        self, low: NDArray[np.int64], high: NDArray[np.int64], end: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Of what in a laid-out row ranges of tokens are the sums: places, range by range, and ``[n]`` their starts."""
        first, last = -(-low // BLOCK), high // BLOCK
        apart = np.flatnonzero(first < last)  # the others hold no whole block
        behind = np.full(len(low), self._table.shape[1] - 1)
        begins, counts = np.stack([low, low, low, behind], 1), np.zeros((len(low), 4), dtype=np.int64)
        counts[:, 0] = high - low
        begins[apart, 1], begins[apart, 2] = len(self._order) + first[apart], BLOCK * last[apart]
        counts[apart, 0] = BLOCK * first[apart] - low[apart]
        counts[apart, 1] = last[apart] - first[apart]
        counts[apart, 2] = high[apart] - BLOCK * last[apart]
        if end is not None:
            counts[:, 3] = end
        ends = counts.sum(1).cumsum()
        return joined(begins.reshape(-1), counts.reshape(-1)), ends - counts.sum(1)


def segment_sums(numbers: Tensor, starts: NDArray[np.int64]) -> Tensor:
    """``[n, numbers]`` -> ``[n, segments]`` on the same device: one reduction, without waiting for it."""
    lengths = torch.from_numpy(np.diff(starts, append=numbers.shape[1])).to(numbers.device)
    lengths = lengths.expand(len(numbers), -1).contiguous()
    return torch.segment_reduce(numbers, "sum", lengths=lengths, axis=1, unsafe=True)
