"""Where every token is a symbol, a text is its own and only path: what comes next is a row of the member."""

from __future__ import annotations

import numpy as np
import torch

from evoswarm.decoding.compiled.nodes import NO_ROW
from evoswarm.decoding.memory.contexts import ContextTable
from evoswarm.decoding.memory.member_memory import MemberMemory
from evoswarm.decoding.reader import Integers
from evoswarm.decoding.text.decomposition import Decomposition
from evoswarm.decoding.views.view import View

NO_NODE = -1


class TokenView(View):
    """Nothing is added up, and nothing is left out."""

    def __init__(self, memory: MemberMemory, number: int, contexts: ContextTable, decomposition: Decomposition) -> None:
        """Begin without contexts; see `View`."""
        super().__init__(memory, number, contexts, decomposition)
        self._nodes: Integers = np.empty(0, dtype=np.int64)  # by context

    def _resolve(self, contexts: Integers) -> None:
        """See `View`."""
        nodes, memory = self._find(contexts), self.memory
        tree, rows = memory.nodes, np.asarray(memory.nodes.row)[nodes]
        np.asarray(tree.used)[nodes] = memory.tree.clock
        there = rows != NO_ROW
        long = np.asarray(tree.depth)[nodes] > memory.longest
        for context in contexts[long].tolist():
            self._fail(context, memory.too_long())
        missing = ~there & ~long
        if missing.any():
            memory.want(nodes[missing].tolist())
        done = np.flatnonzero(there & ~long)
        memory.rows.slots.touch(rows[done])
        for start in range(0, len(done), self._at_once):
            some = done[start : start + self._at_once]
            self._read(contexts[some], nodes[some], rows[some])

    def _find(self, contexts: Integers) -> Integers:
        """``[n]`` ends of the contexts' texts, each grown token by token behind the nearest one that is known."""
        table = self._contexts
        if len(self._nodes) < len(table.parents):
            more = np.full(len(table.parents) - len(self._nodes), NO_NODE)
            self._nodes = np.concatenate([self._nodes, more])
        for context in contexts[self._nodes[contexts] == NO_NODE].tolist():
            self._nodes[context] = self._node(context)
        return self._nodes[contexts]

    def _node(self, context: int) -> int:
        table, path = self._contexts, [context]
        while table.symbols[path[-1]] and self._nodes[path[-1]] == NO_NODE:
            path.append(int(table.parents[path[-1]]))
        start = path.pop()
        if self._nodes[start] == NO_NODE:
            self._nodes[start] = self.prompt(start)
        node = int(self._nodes[start])
        for one in reversed(path):
            node = self._nodes[one] = self.memory.nodes.behind(node, int(table.last[one]))
        return node

    def _read(self, contexts: Integers, nodes: Integers, rows: Integers) -> None:
        table = self.memory.rows.log_probs
        at = torch.from_numpy(rows).to(table.device)
        logs = table.index_select(0, at).to(self._contexts.distributions.device)
        self._learn(contexts, logs.exp(), logs, self._contexts.limits(contexts), np.zeros(len(contexts)))
        self._contexts.note_reads(self._number, contexts, np.ones(len(contexts), dtype=np.int64), nodes)

    def forget(self) -> None:
        """See `View`."""
        super().forget()
        self._nodes = np.empty(0, dtype=np.int64)
