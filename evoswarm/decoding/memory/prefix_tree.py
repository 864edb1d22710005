"""Every token prefix that a member has read, each read once, whoever asks.

A node is a token behind its parent; it owns a slot with the member's state after it (see ``reader``) and, where
somebody may ask for it, a row with what the member says behind it. Nodes that are wanted are collected and read
together; a node whose state or row was dropped is read again (memory changes cost, never results).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.dlpack import from_dlpack

from evoswarm.decoding.compiled.arrays import joined
from evoswarm.decoding.compiled.nodes import NO_ROW, NO_SLOT, ROOT, Nodes
from evoswarm.decoding.forward.side_by_side import Reading
from evoswarm.decoding.memory.parts import in_part
from evoswarm.decoding.reader import Chunk, Integers, Reader, SupportsDLPack
from evoswarm.decoding.request import Counters

SHRUNK = 0.9  # of the limit, once it has been met: looking for what to drop costs a walk over the tree


class Rows(Protocol):
    """Where output rows are kept."""

    def put(self, nodes: Integers, logits: Tensor) -> None:
        """Keep ``[nodes, columns]`` logits in some form; every node gets its row."""
        ...

    def drop(self, rows: Integers) -> None:
        """Forget some rows; their nodes have none any more."""
        ...


class PrefixTree:
    """The prefixes of one member.

    Attributes:
        nodes: of the tree.
        clock: of reads; nodes used longest ago go first.
    """

    def __init__(self, reader: Reader, nodes: Nodes, rows: Rows, state_bytes: int | None, counters: Counters) -> None:
        """Make an empty tree.

        Args:
            reader: reads tokens.
            nodes: without any but the root.
            rows: keeps what comes out.
            state_bytes: limit on kept states; None is no limit.
            counters: where the work is counted.
        """
        self.nodes = nodes
        self._reader, self._rows, self._counters = reader, rows, counters
        self._limit = state_bytes
        self._wanted: dict[int, None] = {}
        self._given: list[Integers] = []  # nodes that got a slot in this reading: is their state computed by now?
        self._being_read: dict[int, int] = {}  # by the identity of a chunk the number of its chain
        self._chained, self._begins = np.empty(0, dtype=np.int64), np.zeros(1, dtype=np.int64)  # chains, end to end
        self._asked = np.empty(0, dtype=bool)  # whether a row of it is wanted
        self._slots = reader.slots.lease()  # other trees may use the same reader
        self.clock = 1

    def prompt(self, tokens: Sequence[int]) -> int:
        """The node at the end of a prompt.

        Where one prompt begins with another, an answer to the shorter one may walk along the longer one: there rows
        are kept inside the prompt, too, or its nodes would have to be read once more for them.
        """
        nodes, node, behind_another = self.nodes, ROOT, False
        for token in tokens:
            node = nodes.child(node, token)
            behind_another = bool(nodes.keeps_row[node]) or behind_another
            nodes.keeps_row[node] = behind_another
        nodes.keeps_row[node] = True
        nodes.keep_rows_behind(node)
        return node

    def want(self, nodes: Sequence[int]) -> None:
        """Ask for the rows of some nodes at the next ``read``."""
        self._wanted.update(dict.fromkeys(nodes))

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
        wanted = np.fromiter(self._wanted, dtype=np.int64, count=len(self._wanted))
        np.asarray(self.nodes.used)[wanted] = self.clock
        flat, begins = self.nodes.chains(wanted)
        chains: list[Integers] = np.split(flat, begins[1:-1]) if len(flat) else []
        if most is not None and self._reader.state_bytes():
            chains = in_part(chains, most)
        chunks = self._chunks(chains) if chains else []
        self._being_read = {id(chunk): number for number, chunk in enumerate(chunks)}
        return Reading(self._reader, chunks, self._take_in)

    def _take_in(self, batch: Sequence[Chunk], logits: SupportsDLPack) -> None:
        """Keep what came of a batch of chunks."""
        numbers = np.array([self._being_read[id(chunk)] for chunk in batch])
        places = joined(self._begins[numbers], np.diff(self._begins)[numbers])
        read, asked = self._chained[places], self._asked[places]
        self._count(read)
        keeping = read[asked]
        if len(keeping):
            self._rows.put(keeping, logits if isinstance(logits, Tensor) else from_dlpack(logits))
            for node in keeping.tolist():
                self._wanted.pop(node, None)

    def end_reading(self) -> None:
        """Reading is over, or has broken off: a slot without a state must not stay."""
        if self._given:
            given = np.concatenate(self._given)
            self._release(given[np.asarray(self.nodes.has_state)[given] == 0])
        self._given, self._being_read = [], {}
        self._counters.peak_state_bytes = max(self._counters.peak_state_bytes, self.state_bytes)

    def _count(self, read: Integers) -> None:
        nodes = self.nodes
        again = np.asarray(nodes.read_before)[read] != 0
        fresh = read[~again]
        self._counters.rows_reforwarded += int(again.sum())
        self._counters.rows_forwarded += len(fresh)
        self._counters.prompt_tokens += int((np.asarray(nodes.keeps_row)[fresh] == 0).sum())
        np.asarray(nodes.read_before)[fresh] = 1
        np.asarray(nodes.has_state)[read] = 1

    def _chunks(self, chains: Sequence[Integers]) -> list[Chunk]:
        """What chains are for a reader; every node that may keep its state has a slot then."""
        nodes, flat = self.nodes, np.concatenate(chains)
        begins = np.cumsum([0, *map(len, chains)])
        self._make_room(int((np.asarray(nodes.slot)[flat] == NO_SLOT).sum()))
        np.asarray(nodes.used)[flat] = self.clock
        if self._reader.needs_whole_past:
            self._give_slots(flat)
        else:
            for chain in chains:
                self._give_slots(chain[self._worth_keeping(chain)])
        self._chained, self._begins = flat, begins
        self._asked = (np.asarray(nodes.keeps_row)[flat] != 0) & (np.asarray(nodes.row)[flat] == NO_ROW)
        slots, tokens = np.asarray(nodes.slot)[flat].tolist(), np.asarray(nodes.token)[flat].tolist()
        asked, starts = self._asked.tolist(), begins.tolist()
        before = np.asarray(nodes.parent)[flat[begins[:-1]]]
        behind = zip(
            before.tolist(),
            np.asarray(nodes.slot)[before].tolist(),
            np.asarray(nodes.depth)[before].tolist(),
            strict=True,
        )
        return [
            Chunk(
                before=slot,
                tokens=tuple(tokens[begin:end]),
                slots=tuple(slots[begin:end]),
                rows=tuple([step for step in range(end - begin) if asked[begin + step]]),
                depth=depth,
                past=partial(self._past, node),
                prefix=partial(self._tokens, node),
            )
            for (node, slot, depth), begin, end in zip(behind, starts, starts[1:], strict=False)
        ]

    def _give_slots(self, chosen: Integers) -> None:
        lacking = chosen[np.asarray(self.nodes.slot)[chosen] == NO_SLOT]
        if len(lacking):
            np.asarray(self.nodes.slot)[lacking] = self._slots.take(len(lacking))
            np.asarray(self.nodes.has_state)[lacking] = 0
            self._given.append(lacking)

    def _worth_keeping(self, chain: Integers) -> NDArray[np.bool_]:
        """``[nodes]`` whether its state is kept: recurrent ones are large, and few texts branch inside prompts."""
        keeps = np.ones(len(chain), dtype=bool)
        if self._limit is not None and self.state_bytes > self._limit // 2:
            keeps[:-1] = np.asarray(self.nodes.keeps_row)[chain[:-1]] != 0
        return keeps

    def _past(self, node: int) -> Integers:
        """``[depth]`` slots of a node and of all before it."""
        slots: Integers = np.asarray(self.nodes.slot)[self.nodes.path(node)]
        return slots

    def _tokens(self, node: int) -> tuple[int, ...]:
        """The prefix that ends there."""
        return tuple(np.asarray(self.nodes.token)[self.nodes.path(node)].tolist())

    def _release(self, released: Integers) -> None:
        """Some nodes, all with a slot, keep no state any more."""
        slots = np.asarray(self.nodes.slot)
        self._slots.free(*slots[released].tolist())
        slots[released] = NO_SLOT
        self._counters.states_dropped += len(released)

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
        newest, nodes = self.nodes.last_used(), self.nodes.deepest_first()
        held = nodes[np.asarray(self.nodes.slot)[nodes] != NO_SLOT]
        if before is not None:
            held = held[newest[held] < before]
        surplus = (self.state_bytes - limit) // size + 1
        oldest_first = np.argsort(newest[held], kind="stable")  # and of equals the deepest
        dropped = held[oldest_first][:surplus]
        self._release(dropped)
        return len(dropped)

    def prune(self, needed: NDArray[np.bool_]) -> None:
        """Forget the rows of nodes that are not needed, and such nodes as have no state either.

        Call it only between decodings.

        Args:
            needed: ``[nodes]`` by number.
        """
        rows = np.asarray(self.nodes.row)[: self.nodes.count][~needed]
        self._rows.drop(rows[rows != NO_ROW])
        self.nodes.prune(needed)

    def forget_wanted(self) -> None:
        """Drop what was asked for and has not been read, because reading has broken off."""
        self._wanted.clear()
