"""Every token prefix that a member has read, each read once, whoever asks.

A node is a token behind its parent; it owns a slot with the member's state after it (see ``runner``) and, where
somebody may ask for it, an output row. Nodes that are wanted are collected and read together; a node whose state
or row was dropped is read again (memory changes cost, never results).
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from torch import Tensor

from evoswarm.decoding.cache_layouts import Chunk
from evoswarm.decoding.request import Counters
from evoswarm.decoding.runner import Runner

NO_SLOT = -1

Row = TypeVar("Row")


class Node:
    """One token behind a prefix.

    Attributes:
        parent: the node before; None for the root.
        token: its id.
        depth: number of tokens up to and including it.
        children: by token id.
        slot: where its state lies; NO_SLOT when it has none.
        keeps_row: whether its output row can ever be asked for (not so inside prompts).
        used: clock of its last use.
    """

    __slots__ = ("children", "depth", "keeps_row", "parent", "read_before", "slot", "token", "used")

    def __init__(self, parent: Node | None, token: int) -> None:
        self.parent = parent
        self.token = token
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.children: dict[int, Node] = {}
        self.slot = NO_SLOT
        self.keeps_row = False
        self.read_before = False
        self.used = 0

    def chain(self) -> list[Node]:
        """All nodes from the first token to this one."""
        nodes: list[Node] = []
        node: Node = self
        while node.parent is not None:
            nodes.append(node)
            node = node.parent
        nodes.reverse()
        return nodes


@dataclass(frozen=True)
class TreeLimits:
    """How much may be kept, bytes; None is no limit."""

    state_bytes: int | None = None
    row_bytes: int = 1 << 30


class PrefixTree(Generic[Row]):
    """The prefixes of one member."""

    def __init__(
        self,
        runner: Runner,
        make_rows: Callable[[Tensor], Sequence[Row]],
        row_bytes: int,
        limits: TreeLimits,
        counters: Counters,
    ) -> None:
        """Make an empty tree.

        Args:
            runner: reads tokens.
            make_rows: ``[rows, columns]`` logits -> what is kept of each row.
            row_bytes: size of one kept row.
            limits: what may be kept.
            counters: where the work is counted.
        """
        self.root = Node(None, -1)
        self._runner, self._make_rows, self._counters = runner, make_rows, counters
        self._limits = limits
        self._row_limit = max(64, limits.row_bytes // max(1, row_bytes))
        self._rows: OrderedDict[Node, Row] = OrderedDict()
        self._looked_at: set[Node] = set()  # rows that somebody who waits has found since the last read
        self._wanted: dict[Node, None] = {}
        self._unwritten: dict[Node, None] = {}  # have a slot, but their state has not been computed yet
        self._held: set[int] = set()
        weakref.finalize(self, runner.free_slots, self._held)  # other trees may use the same runner
        self._clock = 0

    def prompt(self, tokens: Sequence[int]) -> Node:
        """The node at the end of a prompt."""
        node = self.root
        for token in tokens:
            node = self._child(node, token)
        node.keeps_row = True
        return node

    def walk(self, start: Node, path: Iterable[int]) -> Node:
        """The node at the end of a path behind a prompt."""
        node = start
        for token in path:
            node = self._child(node, token)
            node.keeps_row = True
        return node

    def _child(self, node: Node, token: int) -> Node:
        child = node.children.get(token)
        if child is None:
            child = node.children[token] = Node(node, token)
        return child

    def row(self, node: Node) -> Row | None:
        """What is known at a node; None if it must be read first."""
        node.used = self._clock
        row = self._rows.get(node)
        if row is not None:
            self._rows.move_to_end(node)
            self._looked_at.add(node)
        return row

    def want(self, node: Node) -> None:
        """Ask for a node's row at the next ``read``."""
        self._wanted[node] = None

    @property
    def waiting(self) -> bool:
        """Whether any node is wanted."""
        return bool(self._wanted)

    def read(self) -> None:
        """Forward all that is wanted, as few batches as the limits allow; every missing node once."""
        self._clock += 1
        fresh: dict[Node, Row] = {}
        passing: list[Node] = []
        try:
            while self._wanted:
                chains = {id(chunk): (chunk, chain) for chain in self._chains() for chunk in (self._chunk(chain),)}
                for batch, logits in self._runner.run([chunk for chunk, _ in chains.values()], self._counters):
                    nodes = [node for chunk in batch for node in chains[id(chunk)][1]]
                    self._count(nodes)
                    passing += [node for node in nodes if not node.keeps_row]
                    keeping = [node for node in nodes if node.keeps_row]
                    if keeping:
                        fresh.update(zip(keeping, self._make_rows(logits), strict=True))
                self._wanted = {node: None for node in self._wanted if node not in fresh}
        finally:
            for node in self._unwritten:  # none, unless a forward broke off: a slot without a state must not stay
                self._release(node)
            self._unwritten.clear()
        if not self._runner.layout.needs_whole_past:
            for node in passing:  # a recurrent state inside a prompt is large, and nothing continues there
                self._release(node)
        self._rows.update(fresh)
        self._drop_rows(fresh)

    def _drop_rows(self, fresh: Mapping[Node, Row]) -> None:
        """Forget the rows longest unused; never those that somebody waits with, or two could take turns for ever."""
        surplus = len(self._rows) - self._row_limit
        if surplus > 0:
            idle = [node for node in self._rows if node not in self._looked_at and node not in fresh]
            for node in idle[:surplus]:
                del self._rows[node]
        self._looked_at.clear()

    def _count(self, nodes: Sequence[Node]) -> None:
        for node in nodes:
            if node.read_before:
                self._counters.rows_reforwarded += 1
            else:
                self._counters.rows_forwarded += 1
                self._counters.prompt_tokens += not node.keeps_row
            node.read_before = True
            self._unwritten.pop(node, None)

    def _chains(self) -> Iterator[list[Node]]:
        """Linear runs of missing nodes that can be read now: each starts behind a node that has a state."""
        missing: dict[Node, None] = {}
        for wanted in self._wanted:
            node: Node | None = wanted
            first = True
            while node is not None and node.parent is not None and (first or node.slot == NO_SLOT):
                if node in missing:
                    break
                missing[node] = None
                node, first = node.parent, False
        below: dict[Node, list[Node]] = {}
        for node in missing:
            assert node.parent is not None
            below.setdefault(node.parent, []).append(node)
        for start, firsts in below.items():
            if start in missing:
                continue
            for node in firsts:
                chain = [node]
                while len(below.get(chain[-1], ())) == 1:
                    chain.append(below[chain[-1]][0])
                yield chain

    def _chunk(self, chain: list[Node]) -> Chunk:
        before = chain[0].parent
        assert before is not None
        past = before.chain()
        for node in (*past, *chain):
            node.used = self._clock
        for node in chain:
            if node.slot == NO_SLOT:
                node.slot = self._runner.take_slot()
                self._held.add(node.slot)
                self._unwritten[node] = None
        return Chunk(
            past=tuple(node.slot for node in (past if self._runner.layout.needs_whole_past else past[-1:])),
            tokens=tuple(node.token for node in chain),
            slots=tuple(node.slot for node in chain),
            prefix=tuple(node.token for node in past),
            rows=tuple(step for step, node in enumerate(chain) if node.keeps_row),
        )

    def _release(self, node: Node) -> None:
        if node.slot != NO_SLOT:
            self._held.discard(node.slot)
            self._runner.free_slots((node.slot,))
            node.slot = NO_SLOT

    @property
    def state_bytes(self) -> int:
        """Bytes of the states now kept."""
        return len(self._held) * self._runner.layout.slot_bytes()

    def shrink(self) -> int:
        """Drop least recently used states until the limit holds; returns how many were dropped.

        Call it only between decodings: nothing may be wanted. A node goes together with all that stands behind
        it, because a state is of no use without its prefix.
        """
        size = self._runner.layout.slot_bytes()
        if self._limits.state_bytes is None or self.state_bytes <= self._limits.state_bytes or not size:
            return 0
        order: list[Node] = [self.root]
        for node in order:  # grows while it is walked: parents before children
            order.extend(node.children.values())
        newest: dict[Node, int] = {}
        for node in reversed(order):
            newest[node] = max([node.used, *(newest[child] for child in node.children.values())])
        dropped = 0
        surplus = (self.state_bytes - self._limits.state_bytes) // size + 1
        for node in sorted(order[1:], key=lambda one: (newest[one], -one.depth)):
            if dropped >= surplus:
                break
            if node.slot != NO_SLOT:
                self._release(node)
                self._rows.pop(node, None)
                dropped += 1
        return dropped

    def forget_wanted(self) -> None:
        """Drop what was asked for, after a forward that could not be done."""
        self._wanted.clear()
