"""How texts can be tokenized up to every symbol, found symbol by symbol.

What ``Decomposition.paths`` says of a whole text is said here of a text that grows: behind the last split point (where
the tokenizer treats both sides apart) only the few symbols since then are tokenized, and tails that came up before are
looked up. All texts of a tokenizer share one trie, so a beginning that many answers have in common is there once.
"""

from __future__ import annotations

from functools import lru_cache

from evoswarm.decoding.text.codec import REMEMBERED
from evoswarm.decoding.text.continuation import Path
from evoswarm.decoding.text.decomposition import Decomposition, Text
from evoswarm.decoding.text.token_trie import DEAD, ROOT_BRANCH, TokenTrie

Start = tuple["TokenizationNode", int]


class TokenizationNode:
    """The end of one text x of n symbols.

    Attributes:
        starts: ``(node of x[:j], branch of x[j:])`` for every j < n such that some token strictly extends x[j:],
            j ascending. The start j = n, of branch ``ROOT_BRANCH``, is not among them.
        split: the last known node c < n with E(x + s) == E(x[:c]) + E(x[c:] + s) for every s; None only at the root.
            Where a node has paths and its split is not the root, E(x[:c]) is the first path of the split.
        length: n, symbols.
    """

    __slots__ = ("_first", "_more", "_parent", "_paths", "_spelled", "_symbol", "_trie", "length", "split", "starts")

    def __init__(
        self, trie: TokenizationTrie, parent: TokenizationNode | None, symbol: int, starts: tuple[Start, ...]
    ) -> None:
        """Nodes are made by the trie alone."""
        self.starts = starts
        self.split: TokenizationNode | None = None
        self.length = 0
        self._trie = trie
        self._parent = parent
        self._symbol = symbol
        self._spelled = True  # whether E(x[:c]) exists
        self._first: TokenizationNode | None = None  # nearly all nodes have one child; a dictionary each would be large
        self._more: dict[int, TokenizationNode] | None = None
        self._paths: tuple[Path, ...] | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """C(n), each path without the tokens of E(x[:c]) that all begin with; at the root the empty path."""
        if self._paths is None:
            self._paths = self._trie.paths_of_tail(self.tail()) if self._spelled else ()
        return self._paths

    def tail(self) -> Text:
        """The text since the split."""
        found: list[int] = []
        node = self
        while node._parent is not None and node is not self.split:
            found.append(node._symbol)
            node = node._parent
        found.reverse()
        return self._trie.as_text(found)


class TokenizationTrie:
    """The texts of one tokenizer in one alphabet.

    Attributes:
        decomposition: of its tokens.
        tokens: what its tokens begin with.
        root: the empty text.
        paths_of_tail: C of a text that begins at a split point, by the text.
        as_text: a text of some symbols.
    """

    def __init__(self, decomposition: Decomposition, split_points: bytes) -> None:
        """Begin with the empty text; split points are those that ``find_split_points`` finds for the codec."""
        self.decomposition, self.as_text = decomposition, decomposition.as_text
        self._split_points = split_points
        self._begins, self._ends = decomposition.first_bytes, decomposition.last_bytes
        self.paths_of_tail = lru_cache(REMEMBERED)(self._paths_of_tail)
        # of a tail between two split points: whether it can be spelled at all
        self._spells = lru_cache(REMEMBERED)(lambda tail: bool(decomposition.paths(tail, (b"",))))
        self.tokens = TokenTrie(decomposition)
        self.root = TokenizationNode(self, None, -1, ())
        self.root._paths = ((),)

    def forget(self) -> None:
        """Forget all texts; nodes given out before must not be used any more."""
        self.root._first, self.root._more = None, None

    def step(self, node: TokenizationNode, symbol: int) -> TokenizationNode:
        """The node one symbol further: the same object whenever the same text is asked for.

        Args:
            node: of a text.
            symbol: which the alphabet allows behind the text.
        """
        first = node._first
        if first is None:
            node._first = first = self._grow(node, symbol)
        if first._symbol == symbol:
            return first
        if node._more is None:
            node._more = {}
        found = node._more.get(symbol)
        if found is None:
            node._more[symbol] = found = self._grow(node, symbol)
        return found

    def _paths_of_tail(self, tail: Text) -> tuple[Path, ...]:
        """C of a text that begins at a split point; probes that the tokenizer treats apart find what E(tail) finds."""
        last = self._ends[tail[-1]] << 8 if tail else 0
        apart = self._split_points
        probes = [one for one in self.decomposition.codec.probes if not (tail and one and apart[last | one[0]])]
        return self.decomposition.paths(tail, probes)

    def _grow(self, node: TokenizationNode, symbol: int) -> TokenizationNode:
        grow, known, bits = self.tokens.child, self.tokens.known, self.tokens.bits
        starts = []
        for start, branch in (*node.starts, (node, ROOT_BRANCH)):
            grown = known.get(branch << bits | symbol)
            if grown is None:
                grown = grow(branch, symbol)
            if grown != DEAD:
                starts.append((start, grown))
        child = TokenizationNode(self, node, symbol, tuple(starts))
        child.length = node.length + 1
        if node is self.root:
            child.split = node
        elif self._split_points[self._ends[node._symbol] << 8 | self._begins[symbol]]:
            child.split = node
            child._spelled = node._spelled and self._spells(node.tail())
        else:
            child.split, child._spelled = node.split, node._spelled
        return child
