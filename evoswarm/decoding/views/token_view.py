"""Where every token is a symbol, a text is its own and only path: what comes next is a row of the member."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from evoswarm.decoding.memory.contexts import ContextTable
from evoswarm.decoding.memory.member_memory import MemberMemory
from evoswarm.decoding.memory.prefix_tree import NO_ROW, Node
from evoswarm.decoding.text.decomposition import Decomposition
from evoswarm.decoding.views.view import View


class TokenView(View):
    """Nothing is added up, and nothing is left out."""

    def __init__(self, memory: MemberMemory, number: int, contexts: ContextTable, decomposition: Decomposition) -> None:
        """Begin without contexts; see `View`."""
        super().__init__(memory, number, contexts, decomposition)
        self._nodes: dict[int, Node] = {}

    def resolve(self, contexts: Sequence[int]) -> None:
        """See `View`."""
        done: list[tuple[int, Node]] = []
        for context in contexts:
            node = self._nodes.get(context) or self._node(context)
            failure = self._failure(node)
            if failure is not None:
                self._fail(context, failure)
            elif node.row == NO_ROW:
                self.memory.want(node)
            else:
                done.append((context, node))
        self.memory.rows.slots.touch([node.row for _, node in done])
        for start in range(0, len(done), self._at_once):
            self._read(done[start : start + self._at_once])

    def _node(self, context: int) -> Node:
        """The end of a context's text, grown token by token behind the nearest one that is known; noted."""
        table, path = self._contexts, [context]
        while table.symbols[path[-1]] and path[-1] not in self._nodes:
            path.append(int(table.parents[path[-1]]))
        start = path.pop()
        node = self._nodes.get(start) or self.prompt(start)
        self._nodes[start] = node
        for one in reversed(path):
            node = self._nodes[one] = self.memory.tree.walk(node, (int(table.last[one]),))
        return node

    def _read(self, done: Sequence[tuple[int, Node]]) -> None:
        contexts, table = [context for context, _ in done], self.memory.rows.log_probs
        rows = torch.tensor([node.row for _, node in done], device=table.device)
        logs = table.index_select(0, rows).cpu()
        self._learn(contexts, logs.exp(), logs, self._contexts.allowed(contexts), np.zeros(len(done)))
        for context, node in done:
            self._note_reads(context, (node,))

    def cease(self, contexts: Sequence[int]) -> None:
        """See `View`; who waits asks again, and nothing else is kept of it."""

    def forget(self, *, nodes: bool) -> None:
        """See `View`."""
        if nodes:
            self._nodes.clear()
