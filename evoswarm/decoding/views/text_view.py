"""The exact distribution of a token model over the next symbol of an alphabet whose symbols make up tokens.

Behind a text x, a model may be in the middle of a token. Every *head* is a tokenization of a beginning of x from
which some token leads beyond x; the next symbol's probability is the sum over heads of the probability of having
tokenized that far, times that of the tokens that go on with that symbol. Only tokenizations that the tokenizer
itself would produce are heads. The idea of covering tokens is from Vieira et al., "From language models over
tokens to language models over characters" (2024); the restriction to canonical paths and the rule of what is
read are evoswarm's, and ``tests/oracle.py`` states them once more as plainly as possible.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from evoswarm.decoding.memory.contexts import ContextTable
from evoswarm.decoding.memory.member_memory import MemberMemory
from evoswarm.decoding.memory.prefix_tree import NO_ROW, Node
from evoswarm.decoding.memory.symbol_sums import HeadArrays, SymbolSums
from evoswarm.decoding.text.token_trie import ROOT_BRANCH
from evoswarm.decoding.text.tokenization_trie import TokenizationNode, TokenizationTrie
from evoswarm.decoding.views.heads import Heads
from evoswarm.decoding.views.view import View


class TextView(View):
    """Where tokens are made of symbols: the sum over all ways to write a text, up to epsilon.

    Attributes:
        tokenizations: texts of the alphabet in the member's tokenizer.
        sums: over the member's rows.
    """

    def __init__(
        self,
        memory: MemberMemory,
        number: int,
        contexts: ContextTable,
        tokenizations: TokenizationTrie,
        epsilon: float,
    ) -> None:
        """Begin without contexts; see `View`. A share ``epsilon`` of the mass may stay unread."""
        super().__init__(memory, number, contexts, tokenizations.decomposition)
        self.tokenizations, self._epsilon = tokenizations, epsilon
        self.sums = SymbolSums(memory.rows, tokenizations.tokens, self.decomposition.order, contexts.alphabet.size)
        self._waiting: dict[int, Heads] = {}
        self._where: dict[int, TokenizationNode] = {}
        self._ends: dict[int, dict[TokenizationNode, tuple[Node, ...]]] = {}

    def resolve(self, contexts: Sequence[int]) -> None:
        """See `View`."""
        moving = [self._waiting.get(context) or self._heads(context) for context in contexts]
        going = [heads for heads in moving if heads is not None]
        done: list[Heads] = []
        while going:
            used: list[int] = []
            ready = [heads for heads in going if self._has_rows(heads, used)]
            self.memory.rows.slots.touch(used)
            several = [heads for heads in ready if len(heads.nodes) > 1]
            done += [heads for heads in ready if len(heads.nodes) == 1]
            self._learn_masses(several)
            going = []
            for heads in several:
                (going if heads.weigh(self._epsilon) else done).append(heads)
        for start in range(0, len(done), self._at_once):
            self._finish(done[start : start + self._at_once])
        for heads in done:
            del self._waiting[heads.context]

    def _heads(self, context: int) -> Heads | None:
        """The heads at a context; None where the tokenizer cannot spell the text."""
        nodes, branches = self._tokenizations(context)
        if not nodes:
            self._contexts.record_abstention(self._number, context)
            self._note_reads(context, ())
            return None
        heads = self._waiting[context] = Heads.of(context, nodes, branches)
        return heads

    def _tokenizations(self, context: int) -> tuple[list[Node], list[int]]:
        """Per head the end of its path, and what is left of the text behind it."""
        ends = self._ends.setdefault(self._contexts.prompts[context], {})
        text = self._text(context)
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
            found = () if start is None else tuple([self.memory.tree.walk(start, tokens) for tokens in one.paths])
            ends[one] = found
        return found

    def _text(self, context: int) -> TokenizationNode:
        """The text of a context, grown symbol by symbol behind the nearest one that is known."""
        found, path = self._where.get(context), []
        while found is None and self._contexts.symbols[context]:
            path.append(context)
            context = int(self._contexts.parents[context])
            found = self._where.get(context)
        found = found or self.tokenizations.root
        for one in reversed(path):
            found = self._where[one] = self.tokenizations.step(found, int(self._contexts.last[one]))
        return found

    def _has_rows(self, heads: Heads, used: list[int]) -> bool:
        """Whether all that it needs has been read; else it is wanted (and who has failed waits no longer)."""
        ready = True
        for node in heads.reads:
            failure = self._failure(node)
            if failure is not None:
                self._fail(heads.context, failure)
                del self._waiting[heads.context]
                return False
            if node.row == NO_ROW:
                self.memory.want(node)
                ready = False
            else:
                used.append(node.row)
        return ready

    def _learn_masses(self, ready: Sequence[Heads]) -> None:
        """Learn from rows that have just come: how likely the paths behind them are, and what the heads there hold."""
        edges = dict.fromkeys([node for heads in ready for node in heads.new_edges()])
        found = [(heads, index) for heads in ready for index, head in enumerate(heads.nodes) if head in heads.asked]
        if edges:
            self.memory.rows.learn_edges(list(edges))
        if found:
            rows = np.array([heads.nodes[index].row for heads, index in found])
            branches = np.array([heads.branches[index] for heads, index in found])
            for (heads, index), total in zip(found, self.sums.totals(rows, branches).tolist(), strict=True):
                heads.totals[index] = total

    def _finish(self, done: Sequence[Heads]) -> None:
        """Add the heads up, mask, normalise, floor, for all contexts together."""
        flat = [
            (owner, node.row, branch, mass)
            for owner, heads in enumerate(done)
            for node, branch, mass in zip(heads.nodes, heads.branches, heads.masses, strict=True)
            if mass > 0
        ]
        columns = list(zip(*flat, strict=True)) or [(), (), (), ()]
        owners, rows, branches = (np.array(column, dtype=np.int64) for column in columns[:3])
        masses = np.array(columns[3], dtype=np.float64)
        contexts = np.array([heads.context for heads in done])
        allowed = self._contexts.allowed(contexts)
        found, totals = self.sums.by_symbol(HeadArrays(rows, branches, masses, owners), allowed.numpy())
        unread = np.array([heads.unread for heads in done])
        for index in np.flatnonzero(totals == 0).tolist():
            self._contexts.record_abstention(self._number, int(contexts[index]), 1.0 if unread[index] > 0 else 0.0)
        speaks = totals > 0
        if not speaks.all():
            contexts, unread, totals = contexts[speaks], unread[speaks], totals[speaks]
            found, allowed = found[torch.from_numpy(speaks)], allowed[torch.from_numpy(speaks)]
        if len(contexts):
            self._learn(contexts.tolist(), found, found.log(), allowed, unread / (unread + totals))
        for heads in done:
            self._note_reads(heads.context, tuple(heads.reads))

    def cease(self, contexts: Sequence[int]) -> None:
        """See `View`."""
        for context in contexts:
            self._waiting.pop(context, None)

    def forget(self, *, nodes: bool) -> None:
        """See `View`."""
        self._waiting.clear()
        if nodes:
            self._where.clear()
            self._ends.clear()
            self.tokenizations.forget()
