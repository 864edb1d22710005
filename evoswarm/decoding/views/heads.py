"""Heads: the tokenizations of a text that count for what may follow it, and which of them must be read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from evoswarm.decoding.memory.prefix_tree import NO_ROW, Node


@dataclass(slots=True)
class Heads:
    """The tokenizations that count at one context, and how far they have been read.

    Attributes:
        context: whose distribution is wanted.
        nodes: per head the end of its path.
        branches: per head what is left of the text, as a branch of ``TokenTrie``.
        common: where all heads still agree; it is always read.
        asked: nodes whose rows must be there before it can go on.
        reads: nodes read so far, and those asked for, in order.
        totals: per head the probability of the tokens that go on, once it has been read.
        masses: per head the probability of having tokenized that far; 0 for those that are left out.
        unread: what the heads count for that are left out.
    """

    context: int
    nodes: list[Node]
    branches: list[int]
    common: Node
    asked: list[Node]
    reads: list[Node]
    totals: list[float]
    masses: list[float] = field(default_factory=list)
    unread: float = 0.0

    @classmethod
    def of(cls, context: int, nodes: list[Node], branches: list[int]) -> Heads:
        """The heads at a context before anything is read; at least one."""
        common = nodes[0]
        for node in nodes[1:]:
            common = _meeting(common, node)
        masses = [1.0] if len(nodes) == 1 else []  # there is nothing to weigh
        return cls(context, nodes, branches, common, [common], [common], [0.0] * len(nodes), masses)

    def new_edges(self) -> list[Node]:
        """Nodes on the way to the heads whose probability can be learnt now, as their parents' rows have come."""
        found = []
        for node in self.nodes:
            while node is not self.common:
                assert node.parent is not None
                if node.edge is None and node.parent.row != NO_ROW:
                    found.append(node)
                node = node.parent
        return found

    def weigh(self, epsilon: float) -> list[Node]:
        """What must be read next, so that all that is left out together counts for less than epsilon.

        The lightest unread heads are left out; of every other unread head the first unread token is read.
        """
        masses: list[float] = []
        counts: list[float] = []
        unread: list[tuple[Node, float]] = []
        for head, total in zip(self.nodes, self.totals, strict=True):
            node = head
            if head in self.reads:
                mass = _mass(head, self.common)
                masses.append(mass)
                counts.append(mass * total)
            else:
                while node.parent not in self.reads:
                    assert node.parent is not None
                    node = node.parent
                mass = _mass(node, self.common)
                masses.append(0.0)
                counts.append(mass)
                unread.append((node, mass))
        least = _least_read([mass for _, mass in unread], epsilon * math.fsum(counts))
        self.masses, self.unread = masses, math.fsum([mass for _, mass in unread])
        self.asked = list(dict.fromkeys([node for node, mass in unread if mass > 0 and mass >= least]))
        self.reads += self.asked
        return self.asked


def _meeting(one: Node, other: Node) -> Node:
    """The deepest node above two nodes (or one of them)."""
    while one is not other:
        if one.depth >= other.depth:
            assert one.parent is not None
            one = one.parent
        else:
            assert other.parent is not None
            other = other.parent
    return one


def _least_read(masses: Sequence[float], room: float) -> float:
    """What an unread head must count for to be read: all that count for less fit into the room together."""
    taken = 0.0
    for mass in sorted(masses):
        taken += mass
        if taken >= room:
            return mass
    return math.inf


def _mass(node: Node, common: Node) -> float:
    """Probability of the tokens from one node down to another."""
    mass = 1.0
    while node is not common:
        assert node.edge is not None
        assert node.parent is not None
        mass *= node.edge
        node = node.parent
    return mass
