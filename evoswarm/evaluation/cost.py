"""What a recipe would cost deployed alone: a vector, per member and summed.

The search's own cost (rows actually forwarded, seconds) is another thing and is counted by the swarm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json  # several times as fast as Python's own, and a replay reads much

from evoswarm.decoding.request import MemberShape, MemberUse


class MemberCost(NamedTuple):
    """What one member of a recipe costs; a tuple, because a ledger gives back many thousands at once.

    Attributes:
        name: of the member.
        tokens: distinct tokens it reads, the prompt included.
        passes: calls of batch size 1; a chunk of tokens is one call.
        weight_reads: bytes of weights moved, passes times the member's size.
        flops: floating-point operations.
        steps: decoding steps at which it spoke.
    """

    name: str
    tokens: float
    passes: float
    weight_reads: float
    flops: float
    steps: float


_NUMBERS = ("tokens", "passes", "weight_reads", "flops", "steps")


@dataclass(frozen=True)
class Cost:
    """The cost vector of a recipe on one item, or its mean over items; members in the recipe's order."""

    members: tuple[MemberCost, ...] = ()

    @property
    def tokens(self) -> float:
        """Tokens read by all members."""
        return sum(member.tokens for member in self.members)

    @property
    def passes(self) -> float:
        """Batch-1 calls of all members."""
        return sum(member.passes for member in self.members)

    @property
    def weight_reads(self) -> float:
        """Bytes of weights moved by all members."""
        return sum(member.weight_reads for member in self.members)

    @property
    def flops(self) -> float:
        """Floating-point operations of all members."""
        return sum(member.flops for member in self.members)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the members."""
        return tuple(member.name for member in self.members)

    @property
    def spoken(self) -> dict[str, float]:
        """By member's name, the share of the steps at which it spoke; a lead speaks at every one."""
        most = max((member.steps for member in self.members), default=0.0)
        return {member.name: member.steps / most for member in self.members if most}

    def to_json(self) -> list[list[float]]:
        """Numbers only, in member order: names are the recipe's affair, and a ledger is shared by many spaces."""
        return [list(member[1:]) for member in self.members]

    @classmethod
    def from_json(cls, rows: Sequence[Sequence[float]], names: Sequence[str]) -> Cost:
        """Read ``to_json`` back, with the names that the reader's recipe gives its members."""
        return cls(tuple([MemberCost(name, *row) for name, row in zip(names, rows, strict=True)]))

    def as_dict(self) -> dict[str, float | dict[str, dict[str, float]]]:
        """For people and files: the sums and, by name, the members."""
        sums = {number: getattr(self, number) for number in _NUMBERS if number != "steps"}
        by_member = {m.name: {number: getattr(m, number) for number in _NUMBERS} for m in self.members}
        return {**sums, "members": by_member}


NO_COST = Cost()


def flops(use: MemberUse, shape: MemberShape) -> int:
    """Operations of one member: its layers per token, attention by context, the output layer only for rows needed.

    A multiply and an add count as two. Attention costs 4 x width per attended position (scores and mixing);
    input embeddings are looked up, not multiplied.
    """
    layers = 2 * shape.active_parameters * use.tokens
    attention = 4 * shape.attention_width * use.context
    return layers + attention + 2 * shape.output_parameters * use.rows


def cost_of(use: Iterable[MemberUse], shapes: Mapping[str, MemberShape]) -> Cost:
    """The cost vector of one completion.

    Args:
        use: per member of the recipe, what it did.
        shapes: by member name.
    """
    return Cost(
        tuple(
            MemberCost(
                name=one.name,
                tokens=one.tokens,
                passes=one.passes,
                weight_reads=one.passes * shapes[one.name].parameter_bytes,
                flops=flops(one, shapes[one.name]),
                steps=one.steps,
            )
            for one in use
        )
    )


@dataclass(frozen=True)
class CostTable:
    """The cost vectors of one recipe on many items.

    Attributes:
        names: of the recipe's members.
        numbers: float64 [items, members, 5]: tokens, passes, weight reads, flops, steps; zeros where nothing was read.
    """

    names: tuple[str, ...]
    numbers: NDArray[np.float64]

    @classmethod
    def parse(cls, texts: Sequence[str], names: Sequence[str]) -> CostTable:
        """Read what ``Cost.to_json`` gave, as JSON; the empty vector is a row of zeros.

        Where nobody has anything but the empty vector, there are no members.
        """
        if all(text == "[]" for text in texts):
            return cls((), np.zeros((len(texts), 0, len(_NUMBERS))))
        nothing = ",".join(["0"] * len(_NUMBERS) * len(names))
        flat = ",".join(texts).replace("[]", nothing).replace("[", "").replace("]", "")  # one list is read much faster
        numbers = np.array(from_json(f"[{flat}]"), dtype=np.float64)
        return cls(tuple(names), numbers.reshape(len(texts), len(names), len(_NUMBERS)))

    def mean(self, weights: Sequence[float]) -> Cost:
        """Weighted mean over the items.

        Args:
            weights: of the items, summing to 1.
        """
        weighted = self.numbers * np.array(weights)[:, None, None]
        means = np.add.accumulate(weighted)[-1].tolist()  # one after the other: ``np.sum`` adds in an order of its own
        return Cost.from_json(means, self.names)

    def total(self, number: str, places: Iterable[int]) -> float:
        """Sum of one number (``tokens``, ``flops``, ...) over all members and the items at these places."""
        return float(self.numbers[list(places), :, _NUMBERS.index(number)].sum())


def mean_cost(costs: Sequence[Cost], weights: Sequence[float]) -> Cost:
    """Weighted mean of cost vectors that have the same members.

    Args:
        costs: one per item; empty gives the empty vector.
        weights: of the items, summing to 1.
    """
    return table_of(costs).mean(weights) if costs else NO_COST


def table_of(costs: Sequence[Cost]) -> CostTable:
    """The table of cost vectors that have the same members, or none."""
    names = next((cost.names for cost in costs if cost.members), ())
    nothing = [[0.0] * len(_NUMBERS)] * len(names)
    numbers = np.array([[one[1:] for one in cost.members] or nothing for cost in costs], dtype=np.float64)
    return CostTable(names, numbers.reshape(len(costs), len(names), len(_NUMBERS)))
