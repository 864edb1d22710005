"""The exact next-byte distribution of a token model.

Behind a text x, a model may be in the middle of a token. Every *head* is a tokenization of a beginning of x from
which some token leads beyond x; the next byte's probability is the sum over heads of the probability of having
tokenized that far, times that of the tokens that go on with that byte. Only tokenizations that the tokenizer
itself would produce are heads. The idea of covering tokens is from Vieira et al., "From language models over
tokens to language models over characters" (2024); the restriction to canonical paths and the rule of what is
read are evoswarm's, and ``tests/oracle.py`` states them once more as plainly as possible.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from evoswarm.decoding.member import Member
from evoswarm.decoding.memory.byte_rows import ByteRows, HeadArrays
from evoswarm.decoding.memory.contexts import ContextTable
from evoswarm.decoding.memory.limits import MemoryLimits
from evoswarm.decoding.memory.prefix_tree import NO_ROW, Node
from evoswarm.decoding.request import Counters
from evoswarm.decoding.text.alphabet import LOG_FLOOR, LOG_ZERO, ByteAlphabet
from evoswarm.decoding.text.token_trie import ROOT_BRANCH
from evoswarm.decoding.text.tokenization_trie import TokenizationNode, TokenizationTrie
from evoswarm.decoding.views.heads import Heads
from evoswarm.decoding.views.view import NOT_FINITE, View
from evoswarm.failure import Failure


def byte_views(
    members: Sequence[Member], epsilon: float, limits: Sequence[MemoryLimits], counters: Counters
) -> tuple[ContextTable, list[View]]:
    """Views of any members at one epsilon, and the contexts that they share.

    Members of one tokenizer share what is known about texts.
    """
    contexts = ContextTable(ByteAlphabet(), len(members), sum(one.text_bytes // 2 for one in limits))
    views: list[ByteView] = []
    for number, (member, limit) in enumerate(zip(members, limits, strict=True)):
        same = (view.tokenizations for view in views if view.member.codec.same_as(member.codec))
        trie = next(same, None) or TokenizationTrie(member.codec, member.split_points)
        views.append(ByteView(member, number, contexts, limit, counters, tokenizations=trie, epsilon=epsilon))
    return contexts, list(views)


class ByteView(View):
    """Next-byte distributions of one member at one epsilon."""

    def __init__(
        self,
        member: Member,
        number: int,
        contexts: ContextTable,
        limits: MemoryLimits,
        counters: Counters,
        *,
        tokenizations: TokenizationTrie,
        epsilon: float,
    ) -> None:
        """Begin with an empty tree; see :class:`View`.

        Args:
            tokenizations: of the member's tokenizer.
            epsilon: share of the mass that may stay unread.
        """
        self.tokenizations, self._epsilon = tokenizations, epsilon
        self.rows = ByteRows(member.codec, tokenizations.tokens, limits.row_bytes, member.reader.device)
        super().__init__(member, number, contexts, self.rows, limits, counters)
        self._waiting: dict[int, Heads] = {}
        self._where: dict[int, TokenizationNode] = {}
        self._ends: dict[int, dict[TokenizationNode, tuple[Node, ...]]] = {}

    def resolve(self, contexts: Sequence[int]) -> None:
        """Find out what the member says at these contexts; what must be read first is asked for."""
        moving = [self._waiting.get(context) or self._heads(context) for context in contexts]
        going = [heads for heads in moving if heads is not None]
        done: list[Heads] = []
        while going:
            used: list[int] = []
            ready = [heads for heads in going if self._has_rows(heads, used)]
            self.rows.slots.touch(used)
            several = [heads for heads in ready if len(heads.nodes) > 1]
            done += [heads for heads in ready if len(heads.nodes) == 1]
            self._learn_masses(several)
            going = []
            for heads in several:
                (going if heads.weigh(self._epsilon) else done).append(heads)
        if done:
            self._finish(done)
            for heads in done:
                del self._waiting[heads.context]

    def _heads(self, context: int) -> Heads | None:
        """The heads at a context; None where the tokenizer cannot spell the text."""
        nodes, branches = self._tokenizations(context)
        if not nodes:
            self._contexts.record_abstention(self._number, context)
            self.note_reads(context, ())
            return None
        heads = self._waiting[context] = Heads.of(context, nodes, branches)
        return heads

    def _tokenizations(self, context: int) -> tuple[list[Node], list[int]]:
        """Per head the end of its path, and what is left of the text behind it."""
        ends = self._ends.setdefault(self._contexts.prompts[context], {})
        text = self._walk(context, self._where, lambda _: self.tokenizations.root, self.tokenizations.step)
        nodes: list[Node] = []
        branches: list[int] = []
        for start, branch in (*text.starts, (text, ROOT_BRANCH)):
            found = ends.get(start)
            if found is None:
                found = self._nodes(ends, start, context)
            for node in found:
                nodes.append(node)
                branches.append(branch)
        return nodes, branches

    def _nodes(
        self, ends: dict[TokenizationNode, tuple[Node, ...]], text: TokenizationNode, context: int
    ) -> tuple[Node, ...]:
        """The ends of all canonical paths that spell a text behind the prompt of a context; noted in ``ends``."""
        path = [text]
        while path[-1].split is not None and path[-1].split not in ends:
            path.append(path[-1].split)
        found: tuple[Node, ...] = ()
        for one in reversed(path):
            start = self.prompt(context) if one.split is None else next(iter(ends[one.split]), None)
            found = () if start is None else tuple([self.tree.walk(start, tokens) for tokens in one.paths])
            ends[one] = found
        return found

    def _has_rows(self, heads: Heads, used: list[int]) -> bool:
        """Whether all that it needs has been read; else it is wanted (and who has failed waits no longer)."""
        clock, unfit = self.tree.clock, self.rows.not_finite
        missing = False
        for node in heads.reads:
            node.used = clock
            failure = self.unreadable(node)
            if failure is not None:
                self._fail(heads, failure)
                return False
            if node.row == NO_ROW:
                self.tree.want(node)
                missing = True
            elif unfit and node.row in unfit:
                self._fail(heads, NOT_FINITE)
                return False
            else:
                used.append(node.row)
        return not missing

    def _fail(self, heads: Heads, failure: Failure) -> None:
        self.fail(heads.context, failure)
        del self._waiting[heads.context]

    def _learn_masses(self, ready: Sequence[Heads]) -> None:
        """Learn from rows that have just come: how likely the paths behind them are, and what the heads there hold."""
        edges = dict.fromkeys([node for heads in ready for node in heads.new_edges()])
        found = [(heads, index) for heads in ready for index, head in enumerate(heads.nodes) if head in heads.asked]
        if edges:
            self.rows.learn_edges(list(edges))
        if found:
            rows = np.array([heads.nodes[index].row for heads, index in found])
            branches = np.array([heads.branches[index] for heads, index in found])
            for (heads, index), total in zip(found, self.rows.totals(rows, branches).tolist(), strict=True):
                heads.totals[index] = total

    def _finish(self, done: Sequence[Heads]) -> None:
        """Add the heads up, mask, normalise, floor, for all contexts together."""
        flat = [
            (owner, node.row, branch, mass)
            for owner, heads in enumerate(done)
            for node, branch, mass in zip(heads.nodes, heads.branches, heads.masses, strict=True)
            if mass > 0
        ]
        allowed = self._contexts.allowed([heads.context for heads in done]).numpy()
        sums = np.zeros((len(done), 257))
        if flat:
            columns = list(zip(*flat, strict=True))
            owners, rows, branches = (np.array(column, dtype=np.int64) for column in columns[:3])
            sums = self.rows.by_byte(HeadArrays(rows, branches, np.array(columns[3]), owners), allowed)
        unread = np.array([heads.unread for heads in done])
        totals = sums.sum(1)
        speaks = totals > 0
        for heads in done:
            self.note_reads(heads.context, tuple(heads.reads))
        for index in np.flatnonzero(~speaks).tolist():
            self._contexts.record_abstention(self._number, done[index].context, 1.0 if unread[index] > 0 else 0.0)
        if speaks.any():
            kept = np.flatnonzero(speaks)
            probabilities = sums[kept] / totals[kept, None]
            share = unread[kept] / (unread[kept] + totals[kept])
            self._learn([done[index].context for index in kept.tolist()], probabilities, allowed[kept], share)

    def _learn(
        self,
        contexts: Sequence[int],
        probabilities: NDArray[np.float64],
        allowed: NDArray[np.bool_],
        left_out: NDArray[np.float64],
    ) -> None:
        small = probabilities.astype(np.float32)
        with np.errstate(divide="ignore"):
            logs = np.log(small)
        symbols = np.where(allowed, np.maximum(logs, np.float32(LOG_FLOOR)), np.float32(-np.inf))
        entropy = -(small * np.maximum(logs, np.float32(LOG_ZERO))).sum(1, dtype=np.float64)
        rows = self._contexts.keep(torch.from_numpy(symbols))
        argmax = symbols.argmax(1)
        every = np.arange(len(symbols))
        best = symbols[every, argmax]
        symbols[every, argmax] = -np.inf
        self._contexts.record(
            self._number,
            contexts,
            rows=rows,
            entropy=np.maximum(entropy, 0.0),
            left_out=left_out,
            argmax=argmax,
            margin=best - symbols.max(1),
        )

    def end_reading(self) -> None:
        """All that was asked for has been read."""
        super().end_reading()
        self.rows.slots.tick()

    @property
    def row_bytes_in_use(self) -> int:
        """Bytes of the output rows now kept."""
        return self.rows.slots.in_use * self.rows.row_bytes

    def forget(self, *, contexts: bool) -> None:
        """Forget who waits; and, where the contexts have been numbered anew, all that can be found out again."""
        super().forget(contexts=contexts)
        self._waiting.clear()
        if contexts:
            self._where.clear()
            self._ends.clear()
            self.tokenizations.forget()
