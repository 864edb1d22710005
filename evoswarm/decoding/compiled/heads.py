"""Heads: the tokenizations of a text that count for what may follow it, and which of them must be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evoswarm.decoding.compiled.arrays import Stack, longer, numbers
from evoswarm.decoding.compiled.int_map import IntMap
from evoswarm.decoding.compiled.nodes import Nodes, pair
from evoswarm.decoding.compiled.text_states import ROOT_BRANCH, TextStates

KNOWN, WAITS, LEARNS, NOT_FINITE, TOO_LONG = range(5)
"""What becomes of a context: its heads are weighed; a row must be read first; something must be learnt from rows that
are there; or a row that it needs is not finite, or is behind more tokens than the member can read."""

FIRST = 256
NOT_FOUND = -1
INFINITE = float("inf")


class Heads:
    """The heads at the contexts of one view; those that were found last stand in its tables.

    Attributes:
        begin: ``[n + 1]`` where the heads of each context begin.
        node: ``[heads]`` the end of its path.
        branch: ``[heads]`` of the token trie: what is left of the text.
        mass: ``[heads]`` probability of having tokenized that far; 0 of those that are left out.
        unread: ``[n]`` what the heads count for that are left out.
        read_begin: ``[n]`` where the nodes begin that a context has needed so far, in ``reads``.
        read_count: ``[n]`` how many they are.
        reads: of all contexts.
        wanted: nodes that must be read.
        edges: nodes of which the probability of their token must be learnt.
        totals: heads of which must be learnt what goes on, as ``pair(node, branch)``.
        used: rows that were looked at.
    """

    def __init__(self, nodes: Nodes, texts: TextStates, prompt_of: Callable[[int], int]) -> None:
        """Begin without contexts.

        Args:
            nodes: of the member.
            texts: of the contexts in the member's tokenizer.
            prompt_of: the node at the end of the prompt of a context.
        """
        self._nodes, self._texts, self._prompt_of = nodes, texts, prompt_of
        self.node, self.branch = numbers(np.zeros(FIRST, dtype=np.int64)), numbers(np.zeros(FIRST, dtype=np.int64))
        self.mass, self.reads = numbers(np.zeros(FIRST)), numbers(np.zeros(FIRST, dtype=np.int64))
        self.wanted, self.edges, self.totals, self.used = Stack(), Stack(), Stack(), Stack()
        self._way = Stack()
        self._back = numbers(np.zeros(FIRST, dtype=np.int64))  # contexts by how far they are back
        self._next = numbers(np.zeros(FIRST, dtype=np.int64))  # of unread heads: the first unread node, its mass;
        self._next_mass, self._sorted = numbers(np.zeros(FIRST)), numbers(np.zeros(FIRST))  # and these, sorted
        self.forget(0)

    def forget(self, contexts: int) -> None:
        """Nodes or contexts have other numbers now; there is room for so many contexts."""
        self._first = numbers(np.zeros(contexts, dtype=np.int64))
        self._count = numbers(np.full(contexts, NOT_FOUND, dtype=np.int32))
        self._ends, self._end_count = numbers(np.zeros(FIRST, dtype=np.int64)), 0
        self._known_totals, self._total = IntMap(), numbers(np.zeros(FIRST))

    def make_room(self, contexts: int) -> None:
        """There are so many contexts now."""
        if contexts > len(self._count):
            self._first, self._count = longer(self._first, contexts), longer(self._count, contexts, NOT_FOUND)

    def find(self, contexts: Any, parents: Any, symbols: Any) -> None:
        """The heads at ``[n]`` contexts, of whose texts the states are known; none where a text cannot be spelled.

        Args:
            contexts: which.
            parents: ``[contexts]`` the context one symbol before.
            symbols: ``[contexts]`` how many there are.
        """
        asked, above, length = numbers(contexts), numbers(parents), numbers(symbols)
        begins = np.zeros(len(asked) + 1, dtype=np.int64)
        self.begin, self._heads, self._read_count = numbers(begins), 0, 0
        self.unread = numbers(np.zeros(len(asked)))
        self.read_begin, self.read_count = numbers(np.zeros_like(begins)), numbers(np.zeros_like(begins))
        texts = self._texts
        for place in range(len(asked)):
            one, state = asked[place], texts.branch[asked[place]]
            if texts.depth[state] >= len(self._back):
                self._back = longer(self._back, 2 * texts.depth[state])
            for distance in range(texts.depth[state] + 1):
                self._back[distance] = one
                one = above[one]
            while state:  # ends of the text, the longest first
                self._add_heads(self._back[texts.depth[state]], state, length)
                state = texts.link[state]
            self._add_heads(asked[place], ROOT_BRANCH, length)
            self.begin[place + 1] = self._heads

    def _add_heads(self, start: int, branch: int, length: Any) -> None:
        """Those whose paths end at one context."""
        if self._count[start] < 0:
            self._find_ends(start, length)
        count, first = self._count[start], self._first[start]
        if self._heads + count > len(self.node):
            size = 2 * (self._heads + count)
            self.mass, self._next = longer(self.mass, size), longer(self._next, size)
            self._next_mass, self._sorted = longer(self._next_mass, size), longer(self._sorted, size)
            self.branch = longer(self.branch, size)
            self.node = longer(self.node, size)
        for place in range(first, first + count):
            self.node[self._heads], self.branch[self._heads] = self._ends[place], branch
            self._heads += 1

    def _find_ends(self, context: int, length: Any) -> None:
        """The ends of all canonical paths that spell the text of a context behind its prompt, and on the way to it."""
        texts, nodes, way = self._texts, self._nodes, self._way
        way.clear()
        while self._count[context] < 0 and length[context]:
            way.push(context)
            context = texts.split[context]
        if self._count[context] < 0:
            self._first[context] = self._end_count
            self._add_end(self._prompt_of(context))
            self._count[context] = 1
        while way.count:
            one = way.pop()
            above = texts.split[one]
            self._first[one] = self._end_count
            if not self._count[above] or not texts.spelled[one]:
                self._count[one] = 0
                continue
            start, tail = self._ends[self._first[above]], texts.tail[one]
            if texts.paths[tail] < 0:
                texts.find_paths(tail)
            for path in range(texts.first_path[tail], texts.first_path[tail] + texts.paths[tail]):
                node = start
                for place in range(texts.begin[path], texts.begin[path + 1]):
                    node = nodes.behind(node, texts.tokens[place])
                self._add_end(node)
            self._count[one] = texts.paths[tail]

    def _add_end(self, node: int) -> None:
        if self._end_count == len(self._ends):
            self._ends = longer(self._ends, 2 * self._end_count)
        self._ends[self._end_count] = node
        self._end_count += 1

    def weigh(self, places: Any, clock: int, epsilon: float, most: int, not_finite: Any) -> NDArray[np.int8]:
        """Weigh the heads of some of the contexts that were found last, as far as what has been read allows.

        Args:
            places: ``[some]`` which of the ``[n]``.
            clock: noted on nodes that are used.
            epsilon: all heads that are left out together count for less than this share.
            most: tokens that the member can read.
            not_finite: ``[rows]`` whether a row of the member holds nan or infinity.

        Returns:
            ``[some]`` KNOWN, WAITS, LEARNS, NOT_FINITE or TOO_LONG.
        """
        asked, bad = numbers(places), numbers(not_finite)
        made = np.empty(len(asked), dtype=np.int8)
        becomes = numbers(made)
        for noted in (self.wanted, self.edges, self.totals, self.used):
            noted.clear()
        for place in range(len(asked)):
            becomes[place] = self._weigh(asked[place], clock, epsilon, most, bad)
        return made

    def _weigh(self, place: int, clock: int, epsilon: float, most: int, bad: Any) -> int:
        nodes, first, last = self._nodes, self.begin[place], self.begin[place + 1]
        common = self.node[first]
        for head in range(first + 1, last):
            common = self._meeting(common, self.node[head])
        nodes._walk += 1  # marks what is read
        self.read_begin[place], self.read_count[place] = self._read_count, 0
        self._note_read(place, common)
        seen = 0
        while True:
            ready = True
            for at in range(self.read_begin[place] + seen, self.read_begin[place] + self.read_count[place]):
                node = self.reads[at]
                row = nodes.row[node]
                nodes.used[node] = clock
                if row >= 0 and bad[row]:
                    return NOT_FINITE
                if nodes.depth[node] > most:
                    return TOO_LONG
                if row < 0:
                    self.wanted.push(node)
                    ready = False
                else:
                    self.used.push(row)
            if not ready:
                return WAITS
            seen = self.read_count[place]
            if last == first + 1:
                self.mass[first] = 1.0
                return KNOWN
            if not self._all_learnt(first, last, common):
                return LEARNS
            if not self._ask(place, first, last, common, epsilon):
                return KNOWN

    def _meeting(self, one: int, other: int) -> int:
        """The deepest node above two nodes (or one of them)."""
        parent, depth = self._nodes.parent, self._nodes.depth
        while one != other:
            if depth[one] >= depth[other]:
                one = parent[one]
            else:
                other = parent[other]
        return one

    def _note_read(self, place: int, node: int) -> None:
        if self._read_count == len(self.reads):
            self.reads = longer(self.reads, 2 * self._read_count)
        self.reads[self._read_count] = node
        self._nodes._mark[node] = self._nodes._walk
        self._read_count += 1
        self.read_count[place] += 1

    def _all_learnt(self, first: int, last: int, common: int) -> bool:
        """Whether all is known of the rows that are there: of paths how likely they are, of heads what goes on."""
        nodes, learnt = self._nodes, True
        for head in range(first, last):
            node = self.node[head]
            if nodes._mark[node] == nodes._walk:
                key = pair(node, self.branch[head])
                if self._known_totals.get(key) < 0:
                    self.totals.push(key)
                    learnt = False
            while node != common:
                above = nodes.parent[node]
                if nodes.edge[node] < 0.0 and nodes._mark[above] == nodes._walk:
                    self.edges.push(node)
                    learnt = False
                node = above
        return learnt

    def _ask(self, place: int, first: int, last: int, common: int, epsilon: float) -> bool:
        """Whether more must be read, so that all that is left out together counts for less than epsilon.

        The lightest unread heads are left out; of every other unread head the first unread token is read.
        """
        nodes, counts, unread = self._nodes, 0.0, 0
        for head in range(first, last):
            node = self.node[head]
            if nodes._mark[node] == nodes._walk:
                mass = self._mass_of(node, common)
                self.mass[head] = mass
                key = pair(node, self.branch[head])
                counts += mass * self._total[self._known_totals.get(key)]
            else:
                while nodes._mark[nodes.parent[node]] != nodes._walk:
                    node = nodes.parent[node]
                mass = self._mass_of(node, common)
                self.mass[head] = 0.0
                counts += mass
                self._next[unread], self._next_mass[unread] = node, mass
                unread += 1
        self.unread[place], least = self._left_out(unread, epsilon * counts)
        more = False
        for at in range(unread):
            node, mass = self._next[at], self._next_mass[at]
            if mass >= least and mass > 0.0 and nodes._mark[node] != nodes._walk:
                self._note_read(place, node)
                more = True
        return more

    def _left_out(self, unread: int, room: float) -> tuple[float, float]:
        """What unread heads count for together, and what one must count for to be read.

        All that count for less fit into the room together.
        """
        for head in range(unread):
            at = head
            while at and self._sorted[at - 1] > self._next_mass[head]:
                self._sorted[at] = self._sorted[at - 1]
                at -= 1
            self._sorted[at] = self._next_mass[head]
        total, least = 0.0, INFINITE
        for at in range(unread):
            total += self._sorted[at]
            if least == INFINITE and total >= room:
                least = self._sorted[at]
        return total, least

    def _mass_of(self, node: int, common: int) -> float:
        """Probability of the tokens from one node down to another."""
        mass = 1.0
        while node != common:
            mass *= self._nodes.edge[node]
            node = self._nodes.parent[node]
        return mass

    def note_totals(self, keys: Any, found: Any) -> None:
        """What ``totals`` has asked for: ``[n]`` keys and ``[n]`` probabilities."""
        asked, values = numbers(keys), numbers(found)
        for place in range(len(asked)):
            number = self._known_totals.count
            if number == len(self._total):
                self._total = longer(self._total, 2 * number)
            self._known_totals.put(asked[place], number)
            self._total[number] = values[place]
