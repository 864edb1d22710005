"""Every token prefix that a member has read, each read once, whoever asks.

A node is a token behind its parent; it owns a slot with the member's state after it (see ``reader``) and, where
somebody may ask for it, a row with what the member says behind it. Nodes that are wanted are collected and read
together; a node whose state or row was dropped is read again (memory changes cost, never results).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.dlpack import from_dlpack

from evoswarm.decoding.forward.side_by_side import Reading
from evoswarm.decoding.memory.parts import in_part
from evoswarm.decoding.reader import Chunk, Reader, SupportsDLPack
from evoswarm.decoding.request import Counters

NO_SLOT = -1
NO_ROW = -1
SHRUNK = 0.9  # of the limit, once it has been met: looking for what to drop costs a walk over the tree
PASTS_KEPT = 16384  # slots of whole prefixes, remembered for those who go on behind them

NO_CHILDREN: dict[int, Node] = {}  # stands in for the children of a leaf; never written


class Node:
    """One token behind a prefix.

    Attributes:
        parent: the node before; None for the root.
        token: its id.
        depth: number of tokens up to and including it.
        children: by token id.
        slot: where its state lies; NO_SLOT when it has none.
        row: where its output row lies; NO_ROW when it has none.
        edge: probability of the token behind its parent; None while nobody has asked.
        keeps_row: whether its output row can ever be asked for (not so inside prompts).
        read_before: whether it has ever been forwarded.
        used: clock of its last use.
    """

    __slots__ = ("children", "depth", "edge", "keeps_row", "parent", "read_before", "row", "slot", "token", "used")

    def __init__(self, parent: Node | None, token: int) -> None:
        self.parent = parent
        self.token = token
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.children: dict[int, Node] = NO_CHILDREN
        self.slot = NO_SLOT
        self.row = NO_ROW
        self.edge: float | None = None
        self.keeps_row = False
        self.read_before = False
        self.used = 0

    def child(self, token: int) -> Node:
        """The node of a token behind this one; made where there is none."""
        found = self.children.get(token)
        if found is None:
            if self.children is NO_CHILDREN:
                self.children = {}
            found = self.children[token] = Node(self, token)
        return found

    def chain(self) -> list[Node]:
        """All nodes from the first token to this one."""
        nodes: list[Node] = []
        node: Node = self
        while node.parent is not None:
            nodes.append(node)
            node = node.parent
        nodes.reverse()
        return nodes

    def tokens(self) -> tuple[int, ...]:
        """The prefix that ends here."""
        return tuple(node.token for node in self.chain())


class Rows(Protocol):
    """Where output rows are kept."""

    def put(self, nodes: Sequence[Node], logits: Tensor) -> None:
        """Keep ``[nodes, columns]`` logits in some form; every node gets its ``row``."""
        ...

    def drop(self, node: Node) -> None:
        """Forget a node's row."""
        ...


class PrefixTree:
    """The prefixes of one member.

    Attributes:
        root: before any token.
        clock: of reads; nodes used longest ago go first.
        nodes: how many there are, the root apart.
    """

    def __init__(self, reader: Reader, rows: Rows, state_bytes: int | None, counters: Counters) -> None:
        """Make an empty tree.

        Args:
            reader: reads tokens.
            rows: keeps what comes out.
            state_bytes: limit on kept states; None is no limit.
            counters: where the work is counted.
        """
        self.root = Node(None, -1)
        self._reader, self._rows, self._counters = reader, rows, counters
        self._limit = state_bytes
        self._wanted: dict[Node, None] = {}
        self._unwritten: dict[Node, None] = {}  # have a slot, but their state has not been computed yet
        self._being_read: dict[int, list[Node]] = {}  # chains by the identity of their chunk
        self._slots = reader.slots.lease()  # other trees may use the same reader
        self._pasts: OrderedDict[Node, NDArray[np.int64]] = OrderedDict()
        self.clock = 1
        self.nodes = 0

    def prompt(self, tokens: Sequence[int]) -> Node:
        """The node at the end of a prompt.

        Where one prompt begins with another, an answer to the shorter one may walk along the longer one: there rows
        are kept inside the prompt, too, or its nodes would have to be read once more for them.
        """
        node, behind_another = self.root, False
        for token in tokens:
            self.nodes += token not in node.children
            node = node.child(token)
            behind_another = node.keeps_row = node.keeps_row or behind_another
        node.keeps_row = True
        below = list(node.children.values())
        while below:
            one = below.pop()
            if not (one.keeps_row or one.read_before):
                one.keeps_row = True
                below.extend(one.children.values())
        return node

    def walk(self, start: Node, path: Iterable[int]) -> Node:
        """The node at the end of a path behind a prompt."""
        node = start
        for token in path:
            self.nodes += token not in node.children
            node = node.child(token)
            node.keeps_row = True
        return node

    def want(self, node: Node) -> None:
        """Ask for a node's row at the next ``read``."""
        node.used = self.clock
        self._wanted[node] = None

    @property
    def waiting(self) -> int:
        """How many nodes are wanted."""
        return len(self._wanted)

    def reading(self, most: int | None = None) -> Reading[None]:
        """What is wanted and can be read now, every missing node once.

        What branches behind a token that is still to be read has to wait for another round: call it until nobody
        waits, then ``end_reading``.

        Args:
            most: tokens of long chains, of all of them together; None is all. What is kept of a chain's beginning is
                read on from later; who keeps nothing reads all of it.
        """
        self.clock += 1
        for node in self._wanted:
            node.used = self.clock
        self._being_read = {}
        chunks = []
        chains = list(self._chains())
        if most is not None and self._reader.state_bytes():
            chains = in_part(chains, most)
        self._make_room(sum(node.slot == NO_SLOT for chain in chains for node in chain))
        for chain in chains:
            chunk = self._chunk(chain)
            chunks.append(chunk)
            self._being_read[id(chunk)] = chain
        return Reading(self._reader, chunks, self._take_in)

    def _take_in(self, batch: Sequence[Chunk], logits: SupportsDLPack) -> None:
        """Keep what came of a batch of chunks."""
        keeping: list[Node] = []
        for chunk in batch:
            chain = self._being_read[id(chunk)]
            self._count(chain)
            keeping += [chain[step] for step in chunk.rows]
        if keeping:
            self._rows.put(keeping, logits if isinstance(logits, Tensor) else from_dlpack(logits))
            for node in keeping:
                self._wanted.pop(node, None)

    def end_reading(self) -> None:
        """Reading is over, or has broken off: a slot without a state must not stay."""
        for node in self._unwritten:
            self._release(node)
        self._unwritten.clear()
        self._being_read = {}
        self._counters.peak_state_bytes = max(self._counters.peak_state_bytes, self.state_bytes)

    def _count(self, chain: Sequence[Node]) -> None:
        for node in chain:
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
        past = self._past(before)
        few_states = not self._reader.needs_whole_past and self._crowded()
        for node in chain:
            node.used = self.clock
            if node.slot == NO_SLOT and not (few_states and node is not chain[-1] and not node.keeps_row):
                node.slot = self._slots.take()
                self._unwritten[node] = None
        slots = tuple([node.slot for node in chain])
        if self._reader.needs_whole_past:
            self._remember(chain[-1], np.concatenate([past, np.array(slots, dtype=np.int64)]))
        return Chunk(
            past=past,
            tokens=tuple([node.token for node in chain]),
            slots=slots,
            rows=tuple([step for step, node in enumerate(chain) if node.keeps_row and node.row == NO_ROW]),
            depth=before.depth,
            prefix=before.tokens,
        )

    def _crowded(self) -> bool:
        """Whether states inside prompts are too dear: recurrent ones are large, and seldom does a text branch there."""
        return self._limit is not None and self.state_bytes > self._limit // 2

    def _past(self, node: Node) -> NDArray[np.int64]:
        """Slots of the states that tokens behind a node attend to."""
        if not self._reader.needs_whole_past:
            return np.array([node.slot] if node.parent is not None else [], dtype=np.int64)
        found = self._pasts.get(node)
        if found is None:
            found = np.array([one.slot for one in node.chain()], dtype=np.int64)
            self._remember(node, found)
        return found

    def _remember(self, node: Node, past: NDArray[np.int64]) -> None:
        self._pasts[node] = past
        if len(self._pasts) > PASTS_KEPT:
            self._pasts.popitem(last=False)

    def _release(self, node: Node) -> None:
        if node.slot != NO_SLOT:
            self._slots.free(node.slot)
            node.slot = NO_SLOT
            self._counters.states_dropped += 1
            self._pasts.clear()

    @property
    def state_bytes(self) -> int:
        """Bytes of the states now kept."""
        return len(self._slots) * self._reader.state_bytes()

    def _make_room(self, slots: int) -> None:
        """Drop states that nobody needs now, where new ones would pass the limit."""
        need = slots * self._reader.state_bytes()
        if self._limit is not None and self.state_bytes + need > self._limit:
            self.shrink(max(0, int(self._limit * SHRUNK) - need), before=self.clock)

    def shrink(self, limit: int | None = None, before: int | None = None) -> int:
        """Drop least recently used states until a limit holds; returns how many were dropped.

        A node goes together with all that stands behind it, because a state is of no use without its prefix.

        Args:
            limit: bytes; None is the tree's own.
            before: only what was last used before this moment; None is everything, and then nothing may be wanted.
        """
        size = self._reader.state_bytes()
        limit = self._limit if limit is None else limit
        if limit is None or self.state_bytes <= limit or not size:
            return 0
        order = self._by_depth()
        newest: dict[Node, int] = {}
        for node in reversed(order):
            newest[node] = max([node.used, *(newest[child] for child in node.children.values())])
        dropped = 0
        surplus = (self.state_bytes - limit) // size + 1
        for node in sorted(order[1:], key=lambda one: (newest[one], -one.depth)):
            if dropped >= surplus or (before is not None and newest[node] >= before):
                break
            if node.slot != NO_SLOT:
                self._release(node)
                dropped += 1
        return dropped

    def prune(self, needed: set[Node]) -> None:
        """Forget the rows of nodes that are not needed, and such nodes as have no state either.

        Call it only between decodings.
        """
        for node in reversed(self._by_depth()[1:]):
            if node in needed:
                continue
            self._rows.drop(node)
            if not node.children and node.slot == NO_SLOT:
                assert node.parent is not None
                del node.parent.children[node.token]
                self.nodes -= 1

    def _by_depth(self) -> list[Node]:
        """All nodes, parents before children."""
        order: list[Node] = [self.root]
        for node in order:  # grows while it is walked
            order.extend(node.children.values())
        return order

    def forget_wanted(self) -> None:
        """Drop what was asked for and has not been read, because reading has broken off."""
        self._wanted.clear()
