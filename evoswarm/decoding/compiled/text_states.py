"""How the texts of contexts can be tokenized, as numbers: found symbol by symbol, and once for all that end alike.

What ``Decomposition.paths`` says of a whole text is said here of a text that grows. Behind the last split point (where
the tokenizer treats both sides apart) stands the *tail* of a text: tails are few, so what a tokenizer makes of one is
asked once. And which tokens can go on from inside a text depends on its longest end that some token strictly extends:
a state of the automaton of Aho and Corasick ("Efficient string matching", 1975) over the tokens, found by one lookup
for every symbol.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from evoswarm.decoding.compiled.arrays import Stack, longer, numbers
from evoswarm.decoding.compiled.int_map import IntMap

ROOT_BRANCH = 0  # of the token trie: the empty text, which all tokens extend
DEAD = -1  # no token is longer and begins so
NO_TAIL = 0  # the empty one
UNKNOWN = -1
FIRST = 256
TAILS_KEPT = 200_000


class TextStates:
    """The texts of contexts in one tokenizer, in one alphabet.

    Attributes:
        branch: ``[contexts]`` of the longest proper or improper end of the text that some token strictly extends;
            ROOT_BRANCH where none does, UNKNOWN of contexts that nobody has asked for.
        split: ``[contexts]`` the last context c before this one with E(x + s) == E(x up to c) + E(rest + s) for
            every s; itself at a prompt's end.
        tail: ``[contexts]`` number of what stands behind the split.
        spelled: ``[contexts]`` whether E(x up to the split) exists.
        depth: ``[branches]`` symbols of a branch.
        link: ``[branches]`` the longest proper end of a branch's text that is a branch, too.
        first_path: ``[tails]`` the canonical paths of a tail are numbered from here on.
        paths: ``[tails]`` how many it has; UNKNOWN while nobody has asked.
        begin: ``[paths + 1]`` where a path begins among ``tokens``.
        tokens: of all paths, end to end.
    """

    def __init__(
        self,
        grow: Callable[[int, int], int],
        paths_of: Callable[[Sequence[int]], Sequence[Sequence[int]]],
        spells: Callable[[Sequence[int]], bool],
        ends: tuple[bytes, bytes],
        split_points: bytes,
    ) -> None:
        """Begin without texts.

        Args:
            grow: from a branch of the token trie and a symbol to the branch one symbol longer, or DEAD.
            paths_of: the canonical paths of a tail, by its symbols.
            spells: whether E of a tail between two split points exists.
            ends: the last and the first byte of each symbol.
            split_points: by ``last << 8 | first`` of two neighbours, whether the tokenizer treats the sides apart.
        """
        self._grow, self._paths_of, self._spells = grow, paths_of, spells
        self._last = numbers(np.frombuffer(ends[0], dtype=np.uint8))
        self._first = numbers(np.frombuffer(ends[1], dtype=np.uint8))
        self._apart = numbers(np.frombuffer(split_points, dtype=np.uint8))
        self._bits = len(ends[0]).bit_length()
        self._moves, self._way = IntMap(), Stack()
        self.depth = numbers(np.zeros(FIRST, dtype=np.int32))
        self.link = numbers(np.zeros(FIRST, dtype=np.int32))
        self.branch = numbers(np.empty(0, dtype=np.int32))
        self._forget_tails()
        self.forget(0)

    def forget(self, contexts: int) -> None:
        """Contexts have other numbers now, and there is room for so many."""
        if self._tail_count > TAILS_KEPT:
            self._forget_tails()
        self.branch = numbers(np.full(contexts, UNKNOWN, dtype=np.int32))
        self.split = numbers(np.zeros(contexts, dtype=np.int32))
        self.tail = numbers(np.zeros(contexts, dtype=np.int32))
        self.spelled = numbers(np.zeros(contexts, dtype=np.uint8))

    def _forget_tails(self) -> None:
        self._tails = IntMap()
        self._tail_count, self._path_count, self._token_count = 1, 0, 0
        self._before = numbers(np.zeros(FIRST, dtype=np.int32))
        self._symbol = numbers(np.zeros(FIRST, dtype=np.int32))
        self._spells_tail = numbers(np.full(FIRST, UNKNOWN, dtype=np.int8))
        self.first_path = numbers(np.zeros(FIRST, dtype=np.int32))
        self.paths = numbers(np.full(FIRST, UNKNOWN, dtype=np.int32))
        self.begin = numbers(np.zeros(FIRST, dtype=np.int64))
        self.tokens = numbers(np.zeros(FIRST, dtype=np.int32))

    def make_room(self, contexts: int) -> None:
        """There are so many contexts now."""
        if contexts > len(self.branch):
            self.tail, self.spelled = longer(self.tail, contexts), longer(self.spelled, contexts)
            self.split = longer(self.split, contexts)
            self.branch = longer(self.branch, contexts, UNKNOWN)

    def find(self, contexts: Any, parents: Any, last: Any, symbols: Any) -> None:
        """Find out about the texts of ``[n]`` contexts.

        Args:
            contexts: which.
            parents: ``[contexts]`` the context one symbol before.
            last: ``[contexts]`` the last symbol.
            symbols: ``[contexts]`` how many there are; 0 at a prompt's end.
        """
        asked, above, newest, length = numbers(contexts), numbers(parents), numbers(last), numbers(symbols)
        way = self._way
        way.clear()
        for place in range(len(asked)):
            one = asked[place]
            while self.branch[one] < 0 and length[one]:
                way.push(one)
                one = above[one]
            if self.branch[one] < 0:
                self.split[one], self.tail[one], self.spelled[one], self.branch[one] = one, NO_TAIL, 1, ROOT_BRANCH
            while way.count:
                here = way.pop()
                before, symbol = above[here], newest[here]
                if not length[before]:
                    self.split[here], self.spelled[here] = before, 1
                    self.tail[here] = self._longer(NO_TAIL, symbol)
                elif self._apart[self._last[newest[before]] << 8 | self._first[symbol]]:
                    self.split[here], self.spelled[here] = before, self._is_spelled(before)
                    self.tail[here] = self._longer(NO_TAIL, symbol)
                else:
                    self.split[here], self.spelled[here] = self.split[before], self.spelled[before]
                    self.tail[here] = self._longer(self.tail[before], symbol)
                self.branch[here] = self._move(self.branch[before], symbol)

    def _move(self, branch: int, symbol: int) -> int:
        """The branch of the longest end of a text with one more symbol."""
        found = self._moves.get(branch << self._bits | symbol)
        return self._find_move(branch, symbol) if found < 0 else found

    def _find_move(self, branch: int, symbol: int) -> int:
        """The same for the first time: ends are tried from the longest one on, and noted from the shortest one on."""
        tried, found = [], -1
        while found < 0:
            tried.append(branch)
            if branch == ROOT_BRANCH:
                break
            branch = self.link[branch]
            found = self._moves.get(branch << self._bits | symbol)
        found = ROOT_BRANCH if found < 0 else found
        for one in reversed(tried):
            grown = self._grow(one, symbol)
            if grown != DEAD:
                if grown >= len(self.link):
                    self.link, self.depth = longer(self.link, 2 * grown), longer(self.depth, 2 * grown)
                self.link[grown], self.depth[grown] = found, self.depth[one] + 1
                found = grown
            self._moves.put(one << self._bits | symbol, found)
        return found

    def _longer(self, tail: int, symbol: int) -> int:
        """The tail of one more symbol."""
        key = tail << self._bits | symbol
        found = self._tails.get(key)
        if found < 0:
            found = self._tail_count
            if found == len(self.paths):
                self._before, self._symbol = longer(self._before, 2 * found), longer(self._symbol, 2 * found)
                self._spells_tail = longer(self._spells_tail, 2 * found, UNKNOWN)
                self.first_path, self.paths = longer(self.first_path, 2 * found), longer(self.paths, 2 * found, UNKNOWN)
            self._before[found], self._symbol[found] = tail, symbol
            self._tail_count += 1
            self._tails.put(key, found)
        return found

    def _is_spelled(self, context: int) -> int:
        """Whether E of the whole text of a context exists, behind which there is a split point."""
        if not self.spelled[context]:
            return 0
        tail = self.tail[context]
        if self._spells_tail[tail] < 0:
            self._spells_tail[tail] = self._spells(self.symbols_of(tail))
        found: int = self._spells_tail[tail]
        return found

    def symbols_of(self, tail: int) -> list[int]:
        """What a tail is made of."""
        found = []
        while tail != NO_TAIL:
            found.append(self._symbol[tail])
            tail = self._before[tail]
        found.reverse()
        return found

    def find_paths(self, tail: int) -> None:
        """Ask for the canonical paths of a tail."""
        made = ((),) if tail == NO_TAIL else self._paths_of(self.symbols_of(tail))
        self.first_path[tail] = self._path_count
        for path in made:
            if self._path_count + 2 > len(self.begin):
                self.begin = longer(self.begin, 2 * len(self.begin))
            if self._token_count + len(path) > len(self.tokens):
                self.tokens = longer(self.tokens, 2 * (self._token_count + len(path)))
            for token in path:
                self.tokens[self._token_count] = token
                self._token_count += 1
            self._path_count += 1
            self.begin[self._path_count] = self._token_count
        self.paths[tail] = len(made)
