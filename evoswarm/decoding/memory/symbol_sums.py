"""What a member's rows say of an alphabet's symbols: sums over tokens that begin alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evoswarm.decoding.compiled.arrays import joined
from evoswarm.decoding.compiled.range_sums import BLOCK
from evoswarm.decoding.compiled.text_states import ROOT_BRANCH
from evoswarm.decoding.memory.member_rows import AT_ONCE, MemberRows
from evoswarm.decoding.memory.row_slots import written_to
from evoswarm.decoding.text.token_trie import TokenTrie

TINY = 1e-25  # probabilities below 1e-38 are 0 in float32: what sums up to no more than this is made anew in float64


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


class SymbolSums(ABC):
    """Sums over the rows of one member, in one alphabet.

    Tokens that begin with a given text are one contiguous range of the decomposition's order. Where somebody asks
    first, a row's probabilities are laid out in that order, and added up by blocks. Every figure is a sum of its own
    tokens, never a difference of larger sums, so float32 keeps the digits of small masses.
    """

    def __init__(self, rows: MemberRows, tokens: TokenTrie, order: NDArray[np.int64], symbols: int) -> None:
        """Begin without sums.

        Args:
            rows: of the member.
            tokens: says where the tokens that extend a text stand.
            order: ``[texts]`` the ids of the decomposition's tokens, in its order.
            symbols: of the alphabet, END included.
        """
        self._rows, self._tokens, self._symbols = rows, tokens, symbols
        self._order = torch.from_numpy(order).to(rows.device)
        self._blocks = len(order) // BLOCK
        self._made: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._table = self._empty(0)

    def _empty(self, rows: int) -> Tensor:
        """``[rows, ...]`` probabilities: of tokens in order, of blocks of them, of END."""
        return torch.empty((rows, len(self._order) + self._blocks + 1), device=self._rows.device)

    @property
    def table(self) -> Tensor:
        """``[rows, ...]`` what has been laid out, first of all the probabilities of tokens in order."""
        return self._table

    @property
    def made(self) -> NDArray[np.int64]:
        """``[rows]`` which writing of each row was laid out; 0 is none."""
        return self._made

    def totals(self, rows: NDArray[np.int64], branches: NDArray[np.int64]) -> NDArray[np.float64]:
        """``[n]`` probability of the tokens that strictly extend a branch's text (END too behind the empty one)."""
        self._make(rows)
        low, high = self._tokens.ranges[branches].T
        found = self._totals(rows, low, high, branches == ROOT_BRANCH)
        for index in np.flatnonzero(found <= TINY):
            found[index] = self._exactly(rows[index], low[index], high[index]).sum()
            found[index] += self._end_exactly(rows[index]) if branches[index] == ROOT_BRANCH else 0.0
        return found

    def by_symbol(self, heads: HeadArrays, allowed: Tensor) -> tuple[Tensor, NDArray[np.float64]]:
        """What comes next: the sum over heads of mass times what goes on.

        Args:
            heads: of contexts.
            allowed: ``[owners, symbols]`` what may follow there, where the distributions are wanted; all other symbols
                get no mass.

        Returns:
            ``[owners, symbols]`` probabilities that add up to one, END last, where ``allowed`` is; and ``[owners]``
            what they added up to before. Both are right relative to themselves, however small; where nothing may
            follow, both are 0.
        """
        self._make(heads.rows)
        sums, totals = self._add_up(heads, allowed)
        for owner in np.flatnonzero(totals <= TINY):
            exact = self._owner_exactly(heads.some(heads.owners == owner), allowed[owner].cpu().numpy())
            totals[owner] = exact.sum()
            sums[owner] = torch.from_numpy(exact / totals[owner] if totals[owner] else exact).to(sums)
        return sums, totals

    @abstractmethod
    def _totals(
        self, rows: NDArray[np.int64], low: NDArray[np.int64], high: NDArray[np.int64], end: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """``[n]`` the probability of the tokens at positions low to high of rows that are laid out, and of END if so
        said."""

    @abstractmethod
    def _add_up(self, heads: HeadArrays, allowed: Tensor) -> tuple[Tensor, NDArray[np.float64]]:
        """See ``by_symbol``; where sums are TINY, anything."""

    def _following(self, branches: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """What may follow some branches: ``[n]`` which of them, and ``[3, n]`` symbols and their tokens' ranges."""
        ends, following = self._tokens.following
        counts = ends[branches + 1] - ends[branches]
        head = np.repeat(np.arange(len(branches)), counts)
        return head, following[joined(ends[branches], counts)].T

    def _make(self, rows: NDArray[np.int64]) -> None:
        """See that these rows are laid out."""
        log_probs, written = self._rows.log_probs, self._rows.written
        if self._rows.summed is not self:
            if self._rows.summed is not None:
                self._rows.summed.release()
            self._rows.summed = self
        if len(self._made) < len(log_probs):
            grown = self._empty(len(log_probs))
            grown[: len(self._table)] = self._table
            self._table = grown
            self._made = np.concatenate([self._made, np.zeros(len(log_probs) - len(self._made), dtype=np.int64)])
        stale = np.unique(rows[self._made[rows] != written[rows]])
        step = max(1, AT_ONCE // log_probs.shape[1])
        for start in range(0, len(stale), step):
            some = stale[start : start + step]
            with written_to(self._table, some) as place:
                self._lay_out(log_probs.index_select(0, torch.from_numpy(some).to(log_probs.device)), place)
        self._made[stale] = written[stale]

    def _lay_out(self, log_probs: Tensor, made: Tensor) -> None:
        """``[n, tokens + 1]`` of rows -> ``[n, ...]`` of the table."""
        shares = made[:, : len(self._order)]
        torch.gather(log_probs, 1, self._order.expand(len(log_probs), -1), out=shares)
        shares.exp_()
        blocks = shares[:, : BLOCK * self._blocks].view(len(made), self._blocks, BLOCK)
        torch.sum(blocks, 2, out=made[:, len(self._order) : -1])
        torch.exp(log_probs[:, -1], out=made[:, -1])

    def release(self) -> None:
        """Another alphabet makes sums of these rows now."""
        self._table = self._empty(0)
        self._made = np.empty(0, dtype=np.int64)

    def _owner_exactly(self, heads: HeadArrays, allowed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """``[symbols]`` what comes next at one context, each symbol of each head by a sum of its own in float64."""
        sums = np.zeros(len(allowed))
        for row, branch, mass in zip(heads.rows, heads.branches, heads.masses, strict=True):
            _, following = self._following(np.array([branch]))
            for symbol, low, high in following.T.tolist():
                if allowed[symbol]:
                    sums[symbol] += mass * self._exactly(row, low, high).sum()
            if branch == ROOT_BRANCH and allowed[-1]:
                sums[-1] += mass * self._end_exactly(row)
        return sums

    def _exactly(self, row: int, low: int, high: int) -> NDArray[np.float64]:
        """``[high - low]`` probabilities of the tokens at some positions."""
        return np.asarray(self._rows.log_probs[row, self._order[low:high]].double().exp().cpu())

    def _end_exactly(self, row: int) -> float:
        return float(self._rows.log_probs[row, -1].double().exp())
