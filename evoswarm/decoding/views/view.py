"""The exact distribution of a token model over the next symbol of an alphabet.

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
from numpy.typing import NDArray
from torch import Tensor

from evoswarm.decoding.memory.contexts import ContextTable
from evoswarm.decoding.memory.member_memory import MemberMemory
from evoswarm.decoding.memory.prefix_tree import NO_ROW, Node
from evoswarm.decoding.memory.symbol_sums import HeadArrays, SymbolSums
from evoswarm.decoding.text.alphabet import LOG_FLOOR, LOG_ZERO
from evoswarm.decoding.text.token_trie import ROOT_BRANCH
from evoswarm.decoding.text.tokenization_trie import TokenizationNode, TokenizationTrie
from evoswarm.decoding.views.heads import Heads
from evoswarm.failure import Failure
from evoswarm.fusion.speakers import argmax_and_margin

NOT_FINITE = Failure("non_finite", "the member's logits hold nan or infinity")
NUMBERS_AT_ONCE = 1 << 21  # of distributions worked out in one step


class View:
    """Next-symbol distributions of one member, in one alphabet, at one epsilon.

    Attributes:
        memory: what the member has read and said.
        tokenizations: texts of the alphabet in its tokenizer.
    """

    def __init__(
        self,
        memory: MemberMemory,
        number: int,
        contexts: ContextTable,
        tokenizations: TokenizationTrie,
        epsilon: float,
    ) -> None:
        """Begin without contexts.

        Args:
            memory: of the member.
            number: of the member among those who speak at the contexts.
            contexts: where what is found out is noted.
            tokenizations: of the member's tokenizer, in the alphabet of the contexts.
            epsilon: share of the mass that may stay unread.
        """
        self.memory, self.tokenizations = memory, tokenizations
        self._number, self._contexts, self._epsilon = number, contexts, epsilon
        made = tokenizations.decomposition
        self._sums = SymbolSums(memory.rows, tokenizations.tokens, made.order, contexts.alphabet.size)
        self._whole = made.whole
        self._waiting: dict[int, Heads] = {}
        self._where: dict[int, TokenizationNode] = {}
        self._ends: dict[int, dict[TokenizationNode, tuple[Node, ...]]] = {}

    def prompt(self, context: int) -> Node:
        """The tree node at the end of a context's prompt."""
        return self.memory.prompt(self._contexts.prompt_texts[self._contexts.prompts[context]])

    def resolve(self, contexts: Sequence[int]) -> None:
        """Find out what the member says at these contexts; what must be read first is asked for."""
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
        step = max(1, NUMBERS_AT_ONCE // self._contexts.alphabet.size)
        for start in range(0, len(done), step):
            self._finish(done[start : start + step])
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
        tree, unfit = self.memory.tree, self.memory.rows.not_finite
        missing = False
        for node in heads.reads:
            node.used = tree.clock
            failure = self.memory.unreadable(node)
            if failure is not None:
                self._fail(heads, failure)
                return False
            if node.row == NO_ROW:
                self.memory.want(node)
                missing = True
            elif unfit and node.row in unfit:
                self._fail(heads, NOT_FINITE)
                return False
            else:
                used.append(node.row)
        return not missing

    def _fail(self, heads: Heads, failure: Failure) -> None:
        """There is no distribution at a context."""
        self._contexts.record_abstention(self._number, heads.context, failure=failure)
        self._note_reads(heads.context, ())
        del self._waiting[heads.context]

    def _note_reads(self, context: int, nodes: tuple[Node, ...]) -> None:
        """The nodes whose rows the distribution at a context needs, in order."""
        self._contexts.reads[context * self._contexts.members + self._number] = nodes

    def _learn_masses(self, ready: Sequence[Heads]) -> None:
        """Learn from rows that have just come: how likely the paths behind them are, and what the heads there hold."""
        edges = dict.fromkeys([node for heads in ready for node in heads.new_edges()])
        found = [(heads, index) for heads in ready for index, head in enumerate(heads.nodes) if head in heads.asked]
        if edges:
            self.memory.rows.learn_edges(list(edges))
        if found:
            rows = np.array([heads.nodes[index].row for heads, index in found])
            branches = np.array([heads.branches[index] for heads, index in found])
            for (heads, index), total in zip(found, self._sums.totals(rows, branches).tolist(), strict=True):
                heads.totals[index] = total

    def _finish(self, done: Sequence[Heads]) -> None:
        """Add the heads up, mask, normalise, floor, for all contexts together."""
        contexts = [heads.context for heads in done]
        allowed = self._contexts.allowed(contexts)
        if self._whole:  # rows are what comes next: there is one head, and every token that spells something may follow
            rows = torch.tensor([heads.nodes[0].row for heads in done])
            logs = self.memory.rows.log_probs.index_select(0, rows.to(self.memory.rows.device)).cpu()
            self._learn(contexts, logs.exp(), logs, allowed, np.zeros(len(done)))
        else:
            self._add_up(done, contexts, allowed)
        for heads in done:
            self._note_reads(heads.context, tuple(heads.reads))

    def _add_up(self, done: Sequence[Heads], contexts: Sequence[int], allowed: Tensor) -> None:
        flat = [
            (owner, node.row, branch, mass)
            for owner, heads in enumerate(done)
            for node, branch, mass in zip(heads.nodes, heads.branches, heads.masses, strict=True)
            if mass > 0
        ]
        columns = list(zip(*flat, strict=True)) or [(), (), (), ()]
        owners, rows, branches = (np.array(column, dtype=np.int64) for column in columns[:3])
        probabilities, totals = self._sums.by_symbol(
            HeadArrays(rows, branches, np.array(columns[3], dtype=np.float64), owners), allowed.numpy()
        )
        unread = np.array([heads.unread for heads in done])
        speaks = totals > 0
        if not speaks.all():
            kept = np.flatnonzero(speaks)
            probabilities, allowed = probabilities[kept], allowed[kept]
            for index in np.flatnonzero(~speaks).tolist():
                self._contexts.record_abstention(self._number, contexts[index], 1.0 if unread[index] > 0 else 0.0)
            contexts, unread, totals = [contexts[index] for index in kept.tolist()], unread[kept], totals[kept]
        if contexts:
            self._learn(contexts, probabilities, probabilities.log(), allowed, unread / (unread + totals))

    def _learn(
        self,
        contexts: Sequence[int],
        probabilities: Tensor,
        logs: Tensor,
        allowed: Tensor,
        left_out: NDArray[np.float64],
    ) -> None:
        """Note ``[n, symbols]`` normalised probabilities, and their logarithms, for ``[n]`` contexts."""
        entropy = -(probabilities * logs.clamp(min=LOG_ZERO)).sum(1, dtype=torch.float64)
        symbols = logs.clamp(min=LOG_FLOOR).masked_fill_(~allowed, -torch.inf)
        argmax, margin = argmax_and_margin(symbols)
        self._contexts.record(
            self._number,
            contexts,
            rows=self._contexts.keep(symbols),
            entropy=entropy.clamp(min=0.0).numpy(),
            left_out=left_out,
            argmax=argmax.numpy(),
            margin=margin.numpy(),
        )

    def cease(self, contexts: Sequence[int]) -> None:
        """Nobody waits at these contexts any more."""
        for context in contexts:
            self._waiting.pop(context, None)

    def forget(self, *, nodes: bool) -> None:
        """Forget who waits; and, where nodes or the numbers of contexts change, all that refers to them."""
        self._waiting.clear()
        if nodes:
            self._where.clear()
            self._ends.clear()
            self.tokenizations.forget()
