"""A member's next-token distributions, laid out for sums over tokens that begin alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evoswarm.decoding.memory.prefix_tree import NO_ROW, Node
from evoswarm.decoding.memory.row_slots import RowSlots
from evoswarm.decoding.text.codec import Codec
from evoswarm.decoding.text.token_trie import ROOT_BRANCH, TokenTrie

SMALL = 1e-8  # below this a difference of running sums (absolute error 1e-16) is replaced by a sum of its own
WARM_BYTES = 1 << 28  # of rows that nobody needs now: keeping more costs more (fresh memory) than reading a few again
AT_ONCE = 1 << 18  # numbers handled in one step: more would fall out of the caches


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


class ByteRows:
    """Rows of one member: log-probabilities in the order of the codec, and their running sum in float64.

    Tokens that start with a given string are one contiguous range of the codec's order, so their probability is a
    difference of two running sums. In float32 half of the small masses of a large vocabulary would come out as 0.

    Attributes:
        row_bytes: size of one row.
        slots: which row is whose.
        not_finite: rows that hold nan or infinity.
    """

    def __init__(self, codec: Codec, tokens: TokenTrie, limit_bytes: int, device: str) -> None:
        """Begin without rows.

        Args:
            codec: of the member's tokenizer.
            tokens: says where the tokens that extend a string stand.
            limit_bytes: what may be kept.
            device: where the logits come from; Apple GPUs have no float64, their rows are kept on the host.
        """
        self._codec, self._tokens = codec, tokens
        self._device = torch.device("cpu" if device.startswith("mps") else device)
        self.row_bytes = 12 * len(codec.order) + 8 * 258
        self.slots = RowSlots(min(limit_bytes, WARM_BYTES) // self.row_bytes)
        self.not_finite: set[int] = set()
        self._owners: list[Node | None] = []
        self._order = torch.from_numpy(codec.order).to(self._device)
        self._ends = torch.tensor(codec.end_ids, device=self._device)
        self._log_probs = torch.empty((0, len(codec.order)), device=self._device)
        self._cumulative = torch.empty((0, len(codec.order) + 1), dtype=torch.float64, device=self._device)
        width = len(codec.order) + 1
        self._scratch = torch.empty((max(1, AT_ONCE // width), width), dtype=torch.float64, device=self._device)
        self._root_bounds = torch.from_numpy(tokens.bounds[ROOT_BRANCH].copy()).to(self._device)
        self._first: NDArray[np.float64] = np.empty((0, 257))  # by next byte, at the end of a text; END last

    def put(self, nodes: Sequence[Node], logits: Tensor) -> None:
        """Keep ``[nodes, columns]`` logits; special tokens and columns beyond the vocabulary get no mass."""
        rows, lost = self.slots.take(len(nodes))
        for row in lost.tolist():
            self._forget(row)
        step = len(self._scratch)
        try:
            self._make_room()
            for start in range(0, len(rows), step):
                self._write(rows[start : start + step], logits[start : start + step])
        except BaseException:
            self.slots.give(rows.tolist())  # what they hold is nobody's
            self.not_finite.difference_update(rows.tolist())
            raise
        for node, row in zip(nodes, rows.tolist(), strict=True):
            self._owners[row] = node
            node.row = row

    def _write(self, rows: NDArray[np.int64], logits: Tensor) -> None:
        scores = logits.to(self._device).float()
        texts, ends = scores.index_select(1, self._order), scores.index_select(1, self._ends)
        best = torch.maximum(texts.amax(1, keepdim=True), ends.amax(1, keepdim=True))
        shares, ended = (texts - best).exp_(), (ends - best).exp_().sum(1, keepdim=True)
        total = shares.sum(1, keepdim=True) + ended
        at = torch.from_numpy(rows).to(self._device)
        self._log_probs.index_copy_(0, at, texts.sub_(best + total.log()))
        running = self._scratch[: len(rows)]
        running[:, 0] = 0.0
        running[:, 1:] = shares.div_(total)
        torch.cumsum(running, 1, out=running)
        self._cumulative.index_copy_(0, at, running)
        end = (ended / total).flatten().double().cpu().numpy()
        at_bounds = running.index_select(1, self._root_bounds).cpu().numpy()
        self._first[rows, :256] = np.maximum(np.diff(at_bounds, axis=1), 0.0)
        self._first[rows, 256] = end
        finite = np.isfinite(at_bounds[:, -1] + end)
        if self.not_finite or not finite.all():
            self.not_finite.difference_update(rows.tolist())
            self.not_finite.update(rows[~finite].tolist())

    def _make_room(self) -> None:
        have, size = len(self._first), self.slots.size
        if size <= have:
            return
        if self._device.type == "cpu":
            size = max(size, self.slots.limit)  # pages that nobody has written to take no memory
        first = np.empty((size, 257))
        first[:have] = self._first
        names = ("_log_probs", "_cumulative")
        olds = [getattr(self, name) for name in names]
        news = [old.new_empty((size, old.shape[1])) for old in olds]  # all or none: there may be no room for one
        for name, old, new in zip(names, olds, news, strict=True):
            new[:have] = old
            setattr(self, name, new)
        self._owners += [None] * (size - have)
        self._first = first

    def drop(self, node: Node) -> None:
        """Forget a node's row."""
        if node.row != NO_ROW:
            self.slots.give([node.row])
            self._forget(node.row)

    def _forget(self, row: int) -> None:
        owner = self._owners[row]
        if owner is not None:
            owner.row = NO_ROW
        self._owners[row] = None
        self.not_finite.discard(row)

    def learn_edges(self, nodes: Sequence[Node]) -> None:
        """Note on every node the probability of its token; their parents must have rows."""
        rank = self._codec.rank
        rows = torch.tensor([node.parent.row for node in nodes if node.parent is not None], device=self._device)
        ranks = torch.tensor([rank[node.token] for node in nodes], device=self._device)
        for node, probability in zip(nodes, self._log_probs[rows, ranks].double().exp().tolist(), strict=True):
            node.edge = probability

    def totals(self, rows: NDArray[np.int64], branches: NDArray[np.int64]) -> NDArray[np.float64]:
        """``[n]`` probability of the tokens that strictly extend a branch's string (END too behind the empty one)."""
        bounds = self._tokens.bounds
        low, high = bounds[branches, 0], bounds[branches, 256]
        both = self._gather(np.stack([rows, rows]), np.stack([low, high]))
        sums: NDArray[np.float64] = both[1] - both[0]
        for index in np.flatnonzero((sums <= SMALL) & (high > low)):
            sums[index] = self._some(rows[index], low[index], high[index]).sum()
        return sums + np.where(branches == ROOT_BRANCH, self._first[rows, 256], 0.0)

    def by_byte(self, heads: HeadArrays, allowed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """``[owners, 257]`` probabilities by next byte, then END: the sum over heads of mass times what goes on.

        Right relative to the mass of the allowed symbols (``[owners, 257]``), however small.
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
        bytes_of = self._first[rows]
        bytes_of *= allowed[owners]
        for index in np.flatnonzero(bytes_of.sum(1) <= SMALL):
            bounds = self._tokens.bounds[ROOT_BRANCH]
            byte_of = np.repeat(np.arange(256), np.diff(bounds))
            weights = self._some(rows[index], 0, len(byte_of))
            bytes_of[index, :256] = np.bincount(byte_of, weights=weights, minlength=256)
            bytes_of[index] *= allowed[owners[index]]
        bytes_of *= masses[:, None]
        firsts = np.flatnonzero(np.diff(owners, prepend=-1))
        sums[owners[firsts]] = bytes_of if len(firsts) == len(rows) else np.add.reduceat(bytes_of, firsts, axis=0)

    def _add_inside(self, sums: NDArray[np.float64], heads: HeadArrays, allowed: NDArray[np.bool_]) -> None:
        """Heads before the end of the text: few bytes can follow what is left of it."""
        rows, branches, masses, owners = heads
        if not len(rows):
            return
        ends, following = self._tokens.next_bytes
        counts = ends[branches + 1] - ends[branches]
        head = np.repeat(np.arange(len(rows)), counts)
        within = np.arange(len(head)) - np.repeat(np.cumsum(counts) - counts, counts)
        byte = following[ends[branches][head] + within]
        bounds, branch = self._tokens.bounds, branches[head]
        low, high = bounds[branch, byte], bounds[branch, byte + 1]
        shares = self._gather(rows[head], high) - self._gather(rows[head], low)
        shares = np.maximum(shares, 0.0) * allowed[owners[head], byte]
        small = np.bincount(head, weights=shares, minlength=len(rows)) <= SMALL
        for index in np.flatnonzero(small[head]):
            weights = self._some(rows[head[index]], low[index], high[index])
            shares[index] = weights.sum() * allowed[owners[head[index]], byte[index]]
        flat = owners[head] * sums.shape[1] + byte
        sums += np.bincount(flat, weights=shares * masses[head], minlength=sums.size).reshape(sums.shape)

    def _gather(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float64]:
        flat = rows * self._cumulative.shape[1] + columns
        if self._device.type == "cpu":  # here numpy is many times as fast as torch.take
            return np.asarray(self._cumulative.numpy().reshape(-1)[flat])
        return np.asarray(torch.take(self._cumulative, torch.from_numpy(flat).to(self._device)).cpu())

    def _some(self, row: int, low: int, high: int) -> NDArray[np.float64]:
        return np.asarray(self._log_probs[row, low:high].double().exp().cpu())
