"""Whether what a swarm keeps is sound: every slot and row has one owner, and all that refers to it agrees.

Checked behind every decoding of these tests, whether it went well or broke off (see ``conftest``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from evoswarm.decoding.compiled.nodes import FREE, NO_ROW, NO_SLOT, NO_TOKEN, ROOT, Nodes, pair
from evoswarm.decoding.memory.contexts import ContextTable
from evoswarm.decoding.memory.member_rows import NOBODY, MemberRows
from evoswarm.decoding.memory.prefix_tree import PrefixTree
from evoswarm.decoding.memory.row_slots import RowSlots
from evoswarm.decoding.reader import Reader
from evoswarm.decoding.request import Counters
from evoswarm.decoding.swarm import Swarm
from evoswarm.decoding.views.text_view import TextView
from evoswarm.decoding.views.view import View

Faults = Iterator[str]


def check_integrity(swarm: Swarm) -> None:
    """Recount what is kept between two decodings.

    Raises:
        AssertionError: something is referred to that is not there, twice, or not at all; says what.
    """
    found = [fault for member in swarm.members for fault in reader_faults(member.reader)]
    found += counter_faults(swarm.counters)
    read = 0
    for memory in swarm.views.memories:
        read += int(np.asarray(memory.nodes.read_before)[: memory.nodes.count].sum())
        found += node_faults(memory.nodes)
        found += tree_faults(memory.tree)
        found += row_faults(memory.rows, memory.nodes)
    for pool in swarm.views:
        found += context_faults(pool.contexts)
        for number, view in pool.views.items():
            found += view_faults(view)
            found += reference_faults(pool.contexts, number, view.memory.nodes)
    if read > swarm.counters.rows_forwarded:
        found.append(f"{read} nodes were read, {swarm.counters.rows_forwarded} counted")
    assert not found, "; ".join(found[:5])


def reader_faults(reader: Reader) -> Faults:
    """Slots are free or leased, each once; and nothing is kept beside them."""
    slots = reader.slots
    leased = [slot for taken in slots._leased for slot in taken]
    if sorted(slots._free + leased) != list(range(1, slots.end)):
        yield f"slots 1 to {slots.end - 1}: {len(slots._free)} are free and {len(leased)} leased, some twice or neither"
    backend = getattr(reader, "backend", None)
    if backend is not None and backend.buffer_bytes():
        yield f"{backend.buffer_bytes()} bytes of buffers were not dropped"


def alive(nodes: Nodes) -> list[int]:
    """All nodes but the root."""
    return [node for node in range(1, nodes.count) if nodes.parent[node] != FREE]


def named(nodes: Nodes, node: int) -> str:
    """A node by its tokens."""
    return str(np.asarray(nodes.token)[nodes.path(node)].tolist())


def node_faults(nodes: Nodes) -> Faults:
    """Parents and children agree, and numbers are in use or free, each once."""
    used = alive(nodes)
    if sorted([*used, *nodes._freed]) != list(range(1, nodes.count)) or len(used) != nodes.alive:
        yield f"of {nodes.count - 1} nodes {len(used)} are in use, {len(nodes._freed)} free, some twice or neither"
    for node in used:
        if nodes.depth[node] != nodes.depth[nodes.parent[node]] + 1:
            yield f"{named(nodes, node)} is not one deeper than its parent"
        if nodes.token[node] != NO_TOKEN and nodes.children.get(pair(nodes.parent[node], nodes.token[node])) != node:
            yield f"{named(nodes, node)} is no child of its parent"
        if nodes.edge[node] >= 0 and not nodes.edge[node] <= 1.0 + 1e-6:
            yield f"the probability of {named(nodes, node)} is {nodes.edge[node]}"
        if nodes.row[node] != NO_ROW and not nodes.keeps_row[node]:
            yield f"a row is kept of {named(nodes, node)}, where none can be asked for"


def tree_faults(tree: PrefixTree) -> Faults:
    """Every slot of the lease is one node's, and no state lacks its prefix."""
    if tree._wanted or tree._given or tree._being_read:
        yield "a tree still waits for something"
    nodes = tree.nodes
    holding = [node for node in alive(nodes) if nodes.slot[node] != NO_SLOT]
    if sorted(nodes.slot[node] for node in holding) != sorted(tree._slots._taken):
        yield f"{len(holding)} nodes have slots, {len(tree._slots)} are leased, or not the same ones"
    if tree.state_bytes != len(holding) * tree._reader.state_bytes():
        yield f"state_bytes is {tree.state_bytes}, not that of {len(holding)} states"
    for node in holding:
        if not nodes.read_before[node] or not nodes.has_state[node]:
            yield f"{named(nodes, node)} has a slot whose state was never computed"
        above = nodes.parent[node]
        if tree._reader.needs_whole_past and above != ROOT and nodes.slot[above] == NO_SLOT:
            yield f"the state of {named(nodes, node)} lacks the one before it"


def slot_faults(slots: RowSlots, owned: Sequence[int], what: str) -> Faults:
    """Row numbers are free or owned, each once."""
    if sorted([*slots._free, *owned]) != list(range(slots._high)):
        yield f"{what}: of {slots._high} rows {len(slots._free)} are free and {len(owned)} owned, some twice or neither"
    if slots._high > slots.size or len(slots._used) != slots.size or slots._used[slots._free].any():
        yield f"{what}: the table of rows is not as large as it says, or a free one is in use"


def row_faults(rows: MemberRows, nodes: Nodes) -> Faults:
    """A node's row is owned by it, and nobody else owns one."""
    held = [node for node in alive(nodes) if nodes.row[node] != NO_ROW]
    owned = {row: node for row, node in enumerate(rows.owners.tolist()) if node != NOBODY}
    yield from slot_faults(rows.slots, list(owned), "rows")
    if {len(rows.log_probs), len(rows.written), len(rows.not_finite)} != {len(rows.owners)}:
        yield "the tables of rows differ in length"
    if not set(np.flatnonzero(rows.not_finite).tolist()) <= set(owned):
        yield "a row that nobody owns is not finite"
    if {nodes.row[node]: node for node in held} != owned or len(held) != len(owned):
        yield f"{len(held)} nodes have rows, {len(owned)} rows have nodes, or not the same ones"


def view_faults(view: View) -> Faults:
    """The sums that count as made are those of their rows."""
    if not isinstance(view, TextView):
        return
    sums, rows = view.sums, view.memory.rows
    made = len(sums.made)
    if len(sums.table) != made or (sums.made > rows.written[:made]).any():
        yield "sums were made of rows that were never written"
    for row in np.flatnonzero((sums.made == rows.written[:made]) & (sums.made > 0))[:3].tolist():
        order = view.decomposition.order
        off = sums.table[row, : len(order)] - rows.log_probs[row, order].exp()
        if not rows.not_finite[row] and float(off.abs().max()) > 1e-6:
            yield f"the sums of row {row} are those of another"


def context_faults(contexts: ContextTable) -> Faults:
    """Tables are as long as the lists, parents are one symbol shorter, and every distribution is somebody's."""
    count = len(contexts)
    if {len(contexts._raws), len(contexts.prompts)} != {count}:
        yield "the lists of contexts differ in length"
    if [len(contexts.raw(one)) for one in range(count)] != contexts.length[:count].tolist():
        yield "a text is not as long as it is said to be"
    if any(len(getattr(contexts, name)) < count for name in contexts._TABLES):
        yield "a table of contexts is too short"
    parents, symbols = contexts.parents[:count], contexts.symbols[:count]
    roots = symbols == 0
    if (parents[roots] != np.flatnonzero(roots)).any() or (symbols[parents] != symbols - ~roots).any():
        yield "a context's parent is not one symbol shorter"
    if sorted(contexts._roots.values()) != np.flatnonzero(roots).tolist():
        yield "not every prompt has one context at its end"
    children = {child: key // contexts.alphabet.size for key, child in contexts._children.items()}
    if children != {child: int(parents[child]) for child in np.flatnonzero(~roots).tolist()}:
        yield "a context is not its parent's child"
    row, known = contexts.row[:count], contexts.known[:count]
    if (row[~known] != NO_ROW).any() or (contexts.abstains[:count] & (row != NO_ROW)).any():
        yield "a context has a distribution that is not known"
    used = row[row != NO_ROW].tolist()
    yield from slot_faults(contexts.distributions.slots, used, "distributions")
    pairs = set(np.flatnonzero(known).tolist())
    read, spoken = (set(np.flatnonzero(one).tolist()) for one in (contexts.reads[:count, :, 1], row != NO_ROW))
    if not spoken <= read <= pairs or not set(contexts.failures) <= pairs:
        yield "what was read is noted of a context that is not known, or not of one that is"


def reference_faults(contexts: ContextTable, number: int, nodes: Nodes) -> Faults:
    """The nodes that contexts refer to are in the tree."""
    if not set(contexts.nodes(number, slice(len(contexts))).tolist()) <= set(alive(nodes)):
        yield f"contexts refer to nodes of member {number} that are gone"


def counter_faults(counters: Counters) -> Faults:
    """Parts add up."""
    if counters.asked_by_depth.sum() != counters.text_lookups or counters.found_by_depth.sum() != counters.text_found:
        yield "what was asked for and found by depth does not add up"
    if counters.rows_forwarded + counters.rows_reforwarded > counters.chunk_tokens:
        yield f"{counters.chunk_tokens} tokens were forwarded, more are counted as read"
    if counters.chunk_tokens > counters.padded_tokens or counters.prompt_tokens > counters.rows_forwarded:
        yield "a part is greater than the whole"
