"""What a member's rows say of an alphabet's symbols: sums over tokens that begin alike."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from evoswarm.decoding.memory.member_rows import AT_ONCE, MemberRows
from evoswarm.decoding.text.token_trie import ROOT_BRANCH, TokenTrie

SMALL = 1e-8  # below this a difference of running sums (absolute error 1e-16) is replaced by a sum of its own


class HeadArrays(NamedTuple):
    """Heads of several contexts.

    Attributes:
        rows: ``[heads]`` of their nodes.
        branches: ``[heads]`` of the token trie: what is left of the text.
        masses: ``[heads]`` probability of having tokenized that far.
        owners: ``[heads]`` ascending, the context to whose sum they belong.
    """

    rows: NDArray[np.int64]
    branches: NDArray[np.int64]
    masses: NDArray[np.float64]
    owners: NDArray[np.int64]

    def some(self, which: NDArray[np.bool_]) -> HeadArrays:
        """Those of a ``[heads]`` mask."""
        return HeadArrays(self.rows[which], self.branches[which], self.masses[which], self.owners[which])


class SymbolSums:
    """Sums over the rows of one member, in one alphabet.

    Tokens that begin with a given text are one contiguous range of the decomposition's order, so their probability is a
    difference of two running sums. They are made where somebody asks first, in float64: in float32 half of the small
    masses of a large vocabulary would come out as 0. Where every token is a symbol there is nothing to add up.
    """

    def __init__(self, rows: MemberRows, tokens: TokenTrie, ranks: NDArray[np.int64] | None) -> None:
        """Begin without sums.

        Args:
            rows: of the member.
            tokens: says where the tokens that extend a text stand.
            ranks: ``[texts]`` where the decomposition's tokens stand in the rows; None: in the same order.
        """
        self._rows, self._tokens = rows, tokens
        self._ranks = None if ranks is None else torch.from_numpy(ranks).to(rows.device)
        width = rows.log_probs.shape[1]
        self._cumulative = torch.empty((0, width), dtype=torch.float64, device=rows.device)
        self._made: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        ends, following = tokens.following
        first = following[ends[ROOT_BRANCH] : ends[ROOT_BRANCH + 1]]
        symbols, begins, stops = first.T.copy()
        alone = stops - begins == 1
        self._alone, self._several = symbols[alone], symbols[~alone]
        positions = begins[alone] if ranks is None else ranks[begins[alone]]
        self._alone_at = torch.from_numpy(positions.copy()).to(rows.device)
        self._begins = torch.from_numpy(begins[~alone].copy()).to(rows.device)
        self._stops = torch.from_numpy(stops[~alone].copy()).to(rows.device)

    def totals(self, rows: NDArray[np.int64], branches: NDArray[np.int64]) -> NDArray[np.float64]:
        """``[n]`` probability of the tokens that strictly extend a branch's text (END too behind the empty one)."""
        low, high = self._tokens.ranges[branches].T
        sums = self._between(rows, low, high)
        for index in np.flatnonzero((sums <= SMALL) & (high > low)):
            sums[index] = self._some(rows[index], low[index], high[index]).sum()
        whole = np.flatnonzero(branches == ROOT_BRANCH)
        sums[whole] += self._end(rows[whole])
        return sums

    def by_symbol(self, heads: HeadArrays, allowed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """``[owners, symbols]`` probabilities by next symbol, END last: the sum over heads of mass times what goes on.

        Right relative to the mass of the allowed symbols (``[owners, symbols]``), however small.
        """
        sums = np.zeros(allowed.shape)
        whole = heads.branches == ROOT_BRANCH
        self._add_whole(sums, heads.some(whole), allowed)
        self._add_inside(sums, heads.some(~whole), allowed)
        return sums

    def _add_whole(self, sums: NDArray[np.float64], heads: HeadArrays, allowed: NDArray[np.bool_]) -> None:
        """Heads at the end of the text: any token may follow, or END."""
        rows, _, masses, owners = heads
        if not len(rows):
            return
        made = self._first(rows, sums.shape[1])
        made *= allowed[owners]
        if len(self._several):
            for index in np.flatnonzero(made.sum(1) <= SMALL):
                made[index] = self._first_exactly(rows[index], sums.shape[1])
                made[index] *= allowed[owners[index]]
        made *= masses[:, None]
        firsts = np.flatnonzero(np.diff(owners, prepend=-1))
        sums[owners[firsts]] = made if len(firsts) == len(rows) else np.add.reduceat(made, firsts, axis=0)

    def _first(self, rows: NDArray[np.int64], symbols: int) -> NDArray[np.float64]:
        """``[n, symbols]`` by the first symbol of what comes next."""
        made = np.zeros((len(rows), symbols))
        at = torch.from_numpy(rows).to(self._rows.device)
        if len(self._alone):
            alone = self._rows.log_probs[at[:, None], self._alone_at[None]].double().exp()
            made[:, self._alone] = alone.cpu().numpy()
        if len(self._several):
            self._make(rows)
            sums = self._cumulative[at[:, None], self._stops[None]] - self._cumulative[at[:, None], self._begins[None]]
            made[:, self._several] = sums.clamp_(min=0.0).cpu().numpy()
        made[:, -1] = self._end(rows)
        return made

    def _first_exactly(self, row: int, symbols: int) -> NDArray[np.float64]:
        """The same for one row, each symbol by a sum of its own."""
        ends, following = self._tokens.following
        first = following[ends[ROOT_BRANCH] : ends[ROOT_BRANCH + 1]]
        weights = self._some(row, 0, int(first[-1, 2]))
        made = np.zeros(symbols)
        made[first[:, 0]] = np.add.reduceat(weights, first[:, 1])
        made[-1] = self._end(np.array([row]))[0]
        return made

    def _add_inside(self, sums: NDArray[np.float64], heads: HeadArrays, allowed: NDArray[np.bool_]) -> None:
        """Heads before the end of the text: few symbols can follow what is left of it."""
        rows, branches, masses, owners = heads
        if not len(rows):
            return
        ends, following = self._tokens.following
        counts = ends[branches + 1] - ends[branches]
        head = np.repeat(np.arange(len(rows)), counts)
        within = np.arange(len(head)) - np.repeat(np.cumsum(counts) - counts, counts)
        symbol, low, high = following[ends[branches][head] + within].T
        shares = self._between(rows[head], low, high) * allowed[owners[head], symbol]
        small = np.bincount(head, weights=shares, minlength=len(rows)) <= SMALL
        for index in np.flatnonzero(small[head]):
            weights = self._some(rows[head[index]], low[index], high[index])
            shares[index] = weights.sum() * allowed[owners[head[index]], symbol[index]]
        flat = owners[head] * sums.shape[1] + symbol
        sums += np.bincount(flat, weights=shares * masses[head], minlength=sums.size).reshape(sums.shape)

    def _between(self, rows: NDArray[np.int64], low: NDArray[np.int64], high: NDArray[np.int64]) -> NDArray[np.float64]:
        """``[n]`` the probability of the tokens at positions low to high."""
        self._make(rows)
        width = self._cumulative.shape[1]
        flat = np.stack([rows * width + low, rows * width + high])
        if self._rows.device.type == "cpu":  # here numpy is many times as fast as torch.take
            both = self._cumulative.numpy().reshape(-1)[flat]
        else:
            both = torch.take(self._cumulative, torch.from_numpy(flat).to(self._rows.device)).cpu().numpy()
        return np.asarray(np.maximum(both[1] - both[0], 0.0))

    def _make(self, rows: NDArray[np.int64]) -> None:
        """See that the running sums of these rows are there."""
        log_probs, written = self._rows.log_probs, self._rows.written
        if self._rows.summed is not self:
            if self._rows.summed is not None:
                self._rows.summed.release()
            self._rows.summed = self
        if len(self._made) < len(log_probs):
            grown = self._cumulative.new_empty(log_probs.shape)
            grown[: len(self._cumulative)] = self._cumulative
            self._cumulative = grown
            self._made = np.concatenate([self._made, np.zeros(len(log_probs) - len(self._made), dtype=np.int64)])
        stale = np.unique(rows[self._made[rows] != written[rows]])
        step = max(1, AT_ONCE // log_probs.shape[1])
        for start in range(0, len(stale), step):
            some = torch.from_numpy(stale[start : start + step]).to(log_probs.device)
            shares = log_probs[some, :-1].exp_()
            running = self._cumulative.new_zeros((len(some), log_probs.shape[1]))
            running[:, 1:] = shares if self._ranks is None else shares[:, self._ranks]
            self._cumulative.index_copy_(0, some, running.cumsum_(1))
        self._made[stale] = written[stale]

    def release(self) -> None:
        """Another alphabet makes sums of these rows now."""
        self._cumulative = self._cumulative.new_empty((0, self._cumulative.shape[1]))
        self._made = np.empty(0, dtype=np.int64)

    def _end(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.asarray(self._rows.log_probs[torch.from_numpy(rows), -1].double().exp().cpu())

    def _some(self, row: int, low: int, high: int) -> NDArray[np.float64]:
        """``[high - low]`` probabilities of the tokens at some positions."""
        log_probs = self._rows.log_probs[row]
        part = log_probs[low:high] if self._ranks is None else log_probs[self._ranks[low:high]]
        return np.asarray(part.double().exp().cpu())
