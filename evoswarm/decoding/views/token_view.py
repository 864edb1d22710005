"""The next-token distribution in the ``tokens`` alphabet, for members that share one tokenizer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evoswarm.decoding.member import Member
from evoswarm.decoding.memory.byte_rows import AT_ONCE
from evoswarm.decoding.memory.contexts import ContextTable
from evoswarm.decoding.memory.limits import MemoryLimits
from evoswarm.decoding.memory.prefix_tree import NO_ROW, Node
from evoswarm.decoding.request import Counters
from evoswarm.decoding.text.alphabet import LOG_FLOOR, LOG_ZERO, TokenAlphabet
from evoswarm.decoding.views.view import NOT_FINITE, View


def token_views(
    members: Sequence[Member], limits: Sequence[MemoryLimits], counters: Counters
) -> tuple[ContextTable, list[View]]:
    """Views of members that share one tokenizer, and the contexts that they share.

    A distribution is a row of a member here, so the contexts have the room of the rows.
    """
    alphabet = TokenAlphabet(members[0].codec)
    contexts = ContextTable(alphabet, len(members), sum(one.row_bytes for one in limits))
    every = enumerate(zip(members, limits, strict=True))
    return contexts, [TokenView(member, number, contexts, one, counters) for number, (member, one) in every]


class RowFacts(NamedTuple):
    """What stays known of a row: its entropy (nan: not finite), its argmax symbol and the margin to the second."""

    entropy: float
    argmax: int
    margin: float


class TokenRows:
    """Rows of one member in the distributions that all members share, and what stays known when a row is dropped."""

    def __init__(self, member: Member, contexts: ContextTable) -> None:
        """Keep a member's rows among the distributions of a table of contexts."""
        codec = member.codec
        self._contexts = contexts
        self._ends = torch.tensor(codec.end_ids)
        self._tokens = len(codec.token_bytes)
        self._mask = torch.full((self._tokens,), -torch.inf)
        self._mask[torch.from_numpy(codec.order)] = 0.0
        self.facts: dict[Node, RowFacts] = {}

    def put(self, nodes: Sequence[Node], logits: Tensor) -> None:
        """Keep ``[nodes, columns]`` logits as log-probabilities of the symbols; END sums all end tokens."""
        step = max(1, AT_ONCE // logits.shape[1])
        for start in range(0, len(nodes), step):
            self._put(nodes[start : start + step], logits[start : start + step])

    def _put(self, nodes: Sequence[Node], logits: Tensor) -> None:
        """In few passes over the numbers: a vocabulary can be large."""
        scores = logits.float()
        symbols = scores.new_empty((len(scores), self._tokens + 1))
        torch.add(scores[:, : self._tokens], self._mask.to(scores.device), out=symbols[:, :-1])
        symbols[:, -1] = torch.logsumexp(scores.index_select(1, self._ends.to(scores.device)), 1)
        symbols.sub_(symbols.amax(1, keepdim=True)).clamp_(min=LOG_ZERO)
        shares = symbols.exp()
        total = shares.sum(1)
        nats = total.log() - torch.einsum("ns,ns->n", shares, symbols) / total
        symbols.sub_(total.log()[:, None]).clamp_(min=LOG_FLOOR)
        symbols[:, :-1] += self._mask.to(scores.device)
        margin, argmax = symbols.max(1)
        every = torch.arange(len(symbols), device=symbols.device)
        symbols[every, argmax] = -torch.inf
        margin, best = margin - symbols.amax(1), margin
        symbols[every, argmax] = best
        for node, *facts in zip(nodes, nats.tolist(), argmax.tolist(), margin.tolist(), strict=True):
            self.facts[node] = RowFacts(*facts)  # before the row: who has a row is not asked for facts again
        self._contexts.keep(symbols.cpu(), nodes)

    def drop(self, node: Node) -> None:
        """Forget a node's row and what is known of it."""
        self._contexts.release(node)
        self.facts.pop(node, None)


class TokenView(View):
    """Next-token distributions of one member: a text is a path of tokens, so a node's row is the answer."""

    def __init__(
        self, member: Member, number: int, contexts: ContextTable, limits: MemoryLimits, counters: Counters
    ) -> None:
        """Begin with an empty tree; see :class:`View`."""
        self.rows = TokenRows(member, contexts)
        super().__init__(member, number, contexts, self.rows, limits, counters)
        self._nodes: dict[int, Node] = {}

    def resolve(self, contexts: Sequence[int]) -> None:
        """Find out what the member says at these contexts; what must be read first is asked for."""
        found: list[tuple[int, Node, RowFacts]] = []
        for context in contexts:
            node = self._walk(context, self._nodes, self.prompt, self._step)
            unreadable = self.unreadable(node)
            if unreadable is not None:
                self.fail(context, unreadable)
                continue
            facts = self.rows.facts.get(node)
            if facts is None or node.row == NO_ROW:
                self.tree.want(node)
            elif math.isnan(facts.entropy):
                self.fail(context, NOT_FINITE)
            else:
                node.used = self.tree.clock
                self.note_reads(context, (node,))
                found.append((context, node, facts))
        if found:
            self._learn(found)

    def _learn(self, found: Sequence[tuple[int, Node, RowFacts]]) -> None:
        facts = np.array([one for _, _, one in found])
        argmax: NDArray[np.int64] = facts[:, 1].astype(np.int64)
        self._contexts.record(
            self._number,
            [context for context, _, _ in found],
            rows=np.array([node.row for _, node, _ in found]),
            entropy=facts[:, 0],
            left_out=np.zeros(len(facts)),
            argmax=argmax,
            margin=facts[:, 2].astype(np.float32),
        )

    def _step(self, node: Node, token: int) -> Node:
        return self.tree.walk(node, (token,))

    def forget(self, *, contexts: bool) -> None:
        """Forget, where the contexts have been numbered anew, what can be found out again."""
        super().forget(contexts=contexts)
        if contexts:
            self._nodes.clear()

    @property
    def row_bytes_in_use(self) -> int:
        """Bytes of the output rows now kept; members share them evenly."""
        shared = self._contexts.distributions
        return shared.slots.in_use * shared.row_bytes // self._contexts.members
