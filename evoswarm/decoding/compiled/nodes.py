"""The nodes of one member's prefix tree, as rows of tables: a node is a token behind a prefix, and so a number.

``prefix_tree`` says what is read; here is what is looked up for every node on the way.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evoswarm.decoding.compiled.arrays import Stack, longer, numbers
from evoswarm.decoding.compiled.int_map import NOTHING, IntMap

ROOT = 0  # so that a walk up ends where a node is nothing
NO_SLOT = -1  # as all that is missing is below 0, which loops compare faster than names
NO_ROW = -1
NO_TOKEN = -1
FREE = -2  # stands as the parent of a number that nobody has
FIRST = 1024
UNKNOWN = -1.0


def pair(node: int, other: int) -> int:
    """One key of a node and a token, a branch, or whatever else takes no more than 32 bits."""
    return node << 32 | other


class Nodes:
    """All nodes of one tree; the root, before any token, is node 0.

    Attributes:
        parent: ``[nodes]`` the node before; of the root NOTHING, of numbers in nobody's use FREE.
        token: ``[nodes]`` its id; NO_TOKEN of a node that stands for nothing that can be read.
        depth: ``[nodes]`` number of tokens up to and including it.
        slot: ``[nodes]`` where its state lies; NO_SLOT when it has none.
        row: ``[nodes]`` where its output row lies; NO_ROW when it has none.
        edge: ``[nodes]`` probability of the token behind its parent; UNKNOWN while nobody has asked.
        keeps_row: ``[nodes]`` whether its output row can ever be asked for (not so inside prompts).
        read_before: ``[nodes]`` whether it has ever been forwarded.
        has_state: ``[nodes]`` whether the state in its slot has been computed.
        used: ``[nodes]`` clock of its last use.
        count: numbers ever given out, the root's included.
        alive: nodes there are, the root apart.
    """

    def __init__(self) -> None:
        """Begin with the root alone."""
        self.children = IntMap()
        self.count, self.alive, self._size = 1, 0, FIRST
        self._freed: list[int] = []
        self.parent = numbers(np.full(FIRST, NOTHING, dtype=np.int32))
        self.token = numbers(np.full(FIRST, NO_TOKEN, dtype=np.int32))
        self.depth = numbers(np.zeros(FIRST, dtype=np.int32))
        self.slot = numbers(np.full(FIRST, NO_SLOT, dtype=np.int64))
        self.row = numbers(np.full(FIRST, NO_ROW, dtype=np.int64))
        self.edge = numbers(np.full(FIRST, UNKNOWN))
        self.keeps_row = numbers(np.zeros(FIRST, dtype=np.uint8))
        self.read_before = numbers(np.zeros(FIRST, dtype=np.uint8))
        self.has_state = numbers(np.zeros(FIRST, dtype=np.uint8))
        self.used = numbers(np.zeros(FIRST, dtype=np.int64))
        self._first_child = numbers(np.full(FIRST, NOTHING, dtype=np.int32))
        self._sibling = numbers(np.full(FIRST, NOTHING, dtype=np.int32))  # the next child of the same parent
        self._mark = numbers(np.zeros(FIRST, dtype=np.int64))  # whom the walk of this number has come by
        self._below = numbers(np.zeros(FIRST, dtype=np.int32))  # of a walk: how many of the children it has come by
        self._only = numbers(np.zeros(FIRST, dtype=np.int32))  # and the last one of these
        self._walk = 0

    def child(self, node: int, token: int) -> int:
        """The node of a token behind another; made where there is none."""
        key = pair(node, token)
        found = self.children.get(key)
        if found < 0:
            found = self.add(node, token)
            self._link(found)
            self.children.put(key, found)
        return found

    def behind(self, node: int, token: int) -> int:
        """The same behind a prompt, where rows are asked for."""
        found = self.child(node, token)
        self.keeps_row[found] = 1
        return found

    def add(self, parent: int, token: int) -> int:
        """A node that nobody finds by its token."""
        if self._freed:
            node = self._freed.pop()
        else:
            node = self.count
            if node == self._size:
                self._extend()
            self.count += 1
        self.parent[node], self.token[node] = parent, token
        self.depth[node] = self.depth[parent] + 1
        self.alive += 1
        return node

    def _link(self, node: int) -> None:
        """Let a node be found behind its parent."""
        above = self.parent[node]
        self._sibling[node] = self._first_child[above]
        self._first_child[above] = node

    def keep_rows_behind(self, node: int) -> None:
        """Of all that stands behind a node and has not been read, rows can be asked for."""
        below = [self._first_child[node]]
        while below:
            one = below.pop()
            while one >= 0:
                if not (self.keeps_row[one] or self.read_before[one]):
                    self.keeps_row[one] = 1
                    below.append(self._first_child[one])
                one = self._sibling[one]

    def _extend(self) -> None:
        size = 2 * self._size
        self.parent, self.token = longer(self.parent, size, NOTHING), longer(self.token, size, NO_TOKEN)
        self.depth = longer(self.depth, size)
        self.slot, self.row = longer(self.slot, size, NO_SLOT), longer(self.row, size, NO_ROW)
        self.edge, self.used = longer(self.edge, size, UNKNOWN), longer(self.used, size)
        self.keeps_row, self.read_before = longer(self.keeps_row, size), longer(self.read_before, size)
        self.has_state = longer(self.has_state, size)
        self._first_child = longer(self._first_child, size, NOTHING)
        self._sibling = longer(self._sibling, size, NOTHING)
        self._mark = longer(self._mark, size)
        self._below, self._only = longer(self._below, size), longer(self._only, size)
        self._size = size

    def path(self, node: int) -> Any:
        """``[depth]`` the nodes from the first token to this one."""
        made = np.empty(self.depth[node], dtype=np.int64)
        found = numbers(made)
        place = self.depth[node]
        while place:
            place -= 1
            found[place] = node
            node = self.parent[node]
        return made

    def rows_missing(self, node: int) -> int:
        """How many rows reading up to a node makes: of every token that can be asked for, and is to be read."""
        rows, first = 0, True
        while self.keeps_row[node] and (first or self.slot[node] < 0):
            rows += self.row[node] < 0
            node, first = self.parent[node], False
        return rows

    def chains(self, wanted: Any) -> Any:
        """Linear runs of missing nodes that can be read now: each begins behind a node that has a state.

        Args:
            wanted: ``[n]`` nodes whose rows are wanted.

        Returns:
            ``[missing]`` nodes, chain by chain, and ``[chains + 1]`` where the chains begin. What branches behind a
            token that is still to be read is in none of them.
        """
        asked = numbers(wanted)
        missing, found = Stack(), Stack()
        self._walk += 1
        for place in range(len(asked)):
            node, first = asked[place], True
            while node and (first or self.slot[node] < 0) and self._mark[node] != self._walk:
                self._mark[node], self._below[node] = self._walk, 0
                missing.push(node)
                node, first = self.parent[node], False
        tops = numbers(missing.array())
        for place in range(len(tops)):
            node = tops[place]
            above = self.parent[node]
            if self._mark[above] == self._walk:
                self._below[above] += 1
                self._only[above] = node
        begins = Stack()
        begins.push(0)
        for place in range(len(tops)):
            node = tops[place]
            if self._mark[self.parent[node]] == self._walk:
                continue
            found.push(node)
            while self._below[node] == 1:
                node = self._only[node]
                found.push(node)
            begins.push(found.count)
        return found.array(), begins.array()

    def use(self, prompt: int, reads: Any) -> tuple[int, int, int, int]:
        """What reading nodes one after the other would take with an unbounded cache.

        Each that has not been read before is one pass over the chunk of all that is still unread before it; the
        prompt goes with the first. One that a chunk has passed over costs only its output row.

        Args:
            prompt: the end of the prompt before all of them.
            reads: ``[n]`` nodes whose rows are needed, in order, again and again perhaps.

        Returns:
            tokens that are read, the prompt's included; passes; rows; and the sum over tokens of the positions each
            attends to.
        """
        asked = numbers(reads)
        self._walk += 2  # two marks: one of what is read, one of what has its row counted, too
        read, counted = self._walk - 1, self._walk
        tokens = passes = rows = context = 0
        for place in range(len(asked)):
            node = asked[place]
            if self._mark[node] == counted:
                continue
            if self._mark[node] != read:
                if not rows:
                    tokens, context = self.depth[prompt], self.depth[prompt] * (self.depth[prompt] + 1) // 2
                    self._mark[prompt] = read
                one = node
                while one and self._mark[one] != read and self._mark[one] != counted:
                    self._mark[one] = read
                    tokens += 1
                    context += self.depth[one]
                    one = self.parent[one]
                passes += 1
            self._mark[node] = counted
            rows += 1
        return tokens, passes, rows, context

    def with_ancestors(self, nodes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """``[count]`` whether a node is among these, or before one of them."""
        self._walk += 1
        asked = numbers(nodes)
        for place in range(len(asked)):
            node = asked[place]
            while node and self._mark[node] != self._walk:
                self._mark[node] = self._walk
                node = self.parent[node]
        found: NDArray[np.bool_] = np.asarray(self._mark)[: self.count] == self._walk
        return found

    def last_used(self) -> NDArray[np.int64]:
        """``[count]`` when a node, or any behind it, was last used."""
        made = np.array(self.used)[: self.count]
        newest, order = numbers(made), numbers(self.deepest_first())
        for place in range(len(order)):
            node = order[place]
            above = self.parent[node]
            if newest[node] > newest[above]:
                newest[above] = newest[node]
        return made

    def deepest_first(self) -> NDArray[np.int64]:
        """``[alive]`` all nodes but the root, children before parents."""
        alive = np.flatnonzero(np.asarray(self.parent)[: self.count] >= 0)
        found: NDArray[np.int64] = alive[np.argsort(-np.asarray(self.depth)[alive], kind="stable")]
        return found

    def prune(self, needed: NDArray[np.bool_]) -> None:
        """Forget nodes that are not needed, have no state and nothing behind them; none of them may have a row.

        Args:
            needed: ``[count]``.
        """
        order, keep = numbers(self.deepest_first()), numbers(needed.astype(np.uint8))
        below = numbers(np.zeros(self.count, dtype=np.int32))
        for place in range(len(order)):
            node = order[place]
            if keep[node] or self.slot[node] >= 0 or below[node]:
                below[self.parent[node]] += 1
            else:
                self._free(node)
        self.children.clear()
        for node in range(self.count):
            self._first_child[node] = self._sibling[node] = NOTHING
        for node in range(1, self.count):
            if self.parent[node] != FREE and self.token[node] != NO_TOKEN:
                self._link(node)
                self.children.put(pair(self.parent[node], self.token[node]), node)

    def _free(self, node: int) -> None:
        self._freed.append(node)
        self.parent[node], self.token[node] = FREE, NO_TOKEN
        self.edge[node], self.used[node] = UNKNOWN, 0
        self.keeps_row[node] = self.read_before[node] = self.has_state[node] = 0
        self.alive -= 1
