"""Sums over rows that lie on a device: one reduction by segments for all that is asked at once, nothing waited for."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evoswarm.decoding.memory.member_rows import MemberRows
from evoswarm.decoding.memory.symbol_sums import TINY, HeadArrays, SymbolSums
from evoswarm.decoding.text.token_trie import TokenTrie
from evoswarm.decoding.trees.arrays import joined
from evoswarm.decoding.trees.range_sums import BLOCK
from evoswarm.decoding.trees.text_states import ROOT_BRANCH


class DeviceSums(SymbolSums):
    """All sums by a few operations on the device; what comes back is as large as what was asked for."""

    def __init__(self, rows: MemberRows, tokens: TokenTrie, order: NDArray[np.int64], symbols: int) -> None:
        """Begin without sums; see `SymbolSums`."""
        super().__init__(rows, tokens, order, symbols)
        _, (first, low, high) = self._following(np.array([ROOT_BRANCH]))
        places, starts = self._pieces(low, high)
        self._first = torch.from_numpy(np.append(first, symbols - 1))  # END behind them
        self._places = torch.from_numpy(np.append(places, self._table.shape[1] - 1)).to(rows.device)
        self._starts = np.append(starts, len(places))

    def _add_up(self, heads: HeadArrays, allowed: NDArray[np.bool_]) -> tuple[Tensor, NDArray[np.float64]]:
        """See `SymbolSums`."""
        sums = torch.zeros(allowed.shape)
        whole = heads.branches == ROOT_BRANCH
        self._add_whole(sums, heads.some(whole))
        self._add_inside(sums.numpy(), heads.some(~whole))
        sums *= torch.from_numpy(allowed)
        totals = sums.sum(1, dtype=torch.float64).numpy()
        sums /= torch.from_numpy(np.where(totals > TINY, totals, 1.0)).float()[:, None]
        return sums, totals

    def _add_whole(self, sums: Tensor, heads: HeadArrays) -> None:
        """Heads at the end of the text: any token may follow, or END."""
        rows, _, masses, owners = heads
        if not len(rows):
            return
        at = torch.from_numpy(rows).to(self._rows.device)
        made = torch.zeros((len(rows), self._symbols))
        made[:, self._first] = segment_sums(self._table[at[:, None], self._places[None]], self._starts).cpu()
        made *= torch.from_numpy(masses).float()[:, None]
        sums.index_add_(0, torch.from_numpy(owners), made)

    def _add_inside(self, sums: NDArray[np.float32], heads: HeadArrays) -> None:
        """Heads before the end of the text: few symbols can follow what is left of it."""
        rows, branches, masses, owners = heads
        if len(rows):
            head, (symbol, low, high) = self._following(branches)
            shares = self._of_ranges(rows[head], low, high) * masses[head]
            np.add.at(sums.reshape(-1), owners[head] * self._symbols + symbol, shares.astype(np.float32))

    def _of_ranges(
        self, rows: NDArray[np.int64], low: NDArray[np.int64], high: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """See `SymbolSums`; no range is empty."""
        if not len(rows):
            return np.empty(0)
        places, starts = self._pieces(low, high)
        places += np.repeat(rows * self._table.shape[1], np.diff(starts, append=len(places)))
        some = self._table.reshape(-1)[torch.from_numpy(places).to(self._rows.device)]
        return segment_sums(some[None], starts)[0].double().cpu().numpy()

    def _pieces(self, low: NDArray[np.int64], high: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Of what in a laid-out row ranges of tokens are the sums: places, range by range, and ``[n]`` their starts."""
        first, last = -(-low // BLOCK), high // BLOCK
        apart = np.flatnonzero(first < last)  # the others hold no whole block
        begins, counts = np.stack([low, low, low], 1), np.zeros((len(low), 3), dtype=np.int64)
        counts[:, 0] = high - low
        begins[apart, 1], begins[apart, 2] = len(self._order) + first[apart], BLOCK * last[apart]
        counts[apart, 0] = BLOCK * first[apart] - low[apart]
        counts[apart, 1] = last[apart] - first[apart]
        counts[apart, 2] = high[apart] - BLOCK * last[apart]
        ends = counts.sum(1).cumsum()
        return joined(begins.reshape(-1), counts.reshape(-1)), ends - counts.sum(1)


def segment_sums(numbers: Tensor, starts: NDArray[np.int64]) -> Tensor:
    """``[n, numbers]`` -> ``[n, segments]`` on the same device: one reduction, without waiting for it."""
    lengths = torch.from_numpy(np.diff(starts, append=numbers.shape[1])).to(numbers.device)
    lengths = lengths.expand(len(numbers), -1).contiguous()
    return torch.segment_reduce(numbers, "sum", lengths=lengths, axis=1, unsafe=True)
