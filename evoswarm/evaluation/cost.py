"""What a policy would cost deployed alone: a vector, per member and summed.

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

MEANINGS = {
    "FLOPs": "floating-point operations",
    "passes": "calls of a model with one text, all members together",
    "weight reads": "bytes of weights moved: passes times a model's size",
}
"""What the numbers of a cost are, in words; all of them per question, deployed alone."""


class MemberCost(NamedTuple):
    """What one member of a policy costs; a tuple, because a ledger gives back many thousands at once.

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


_NUMBERS = MemberCost._fields[1:]


class _Total:
    """A number of a cost vector, summed over its members."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._number = name

    def __get__(self, cost: Cost, owner: type) -> float:
        total: float = sum(getattr(member, self._number) for member in cost.members)
        return total


@dataclass(frozen=True)
class Cost:
    """The cost vector of a policy on one item, or its mean over items; members in the policy's order.

    ``tokens``, ``passes``, ``weight_reads`` and ``flops`` are sums over all members, see `MemberCost`.
    """

    members: tuple[MemberCost, ...] = ()

    tokens, passes, weight_reads, flops = _Total(), _Total(), _Total(), _Total()

    @property
    def names(self) -> tuple[str, ...]:
        """Of the members."""
        return tuple([member.name for member in self.members])

    def to_json(self) -> list[list[float]]:
        """Numbers only, in member order: names are the policy's affair, and a ledger is shared by many spaces."""
        return [list(member[1:]) for member in self.members]

    @classmethod
    def from_json(cls, rows: Sequence[Sequence[float]], names: Sequence[str]) -> Cost:
        """Read ``to_json`` back, with the names that the reader's policy gives its members; no rows are no members."""
        return cls(tuple([MemberCost(name, *row) for name, row in zip(names, rows, strict=True)])) if rows else NO_COST

    def as_dict(self) -> dict[str, float | dict[str, dict[str, float]]]:
        """For people and files: the sums and, by name, the members."""
        sums = {number: getattr(self, number) for number in _NUMBERS if number != "steps"}
        by_member = {name: dict(zip(_NUMBERS, numbers, strict=True)) for name, *numbers in self.members}
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
    costs = []
    for one in use:
        shape = shapes[one.name]
        reads = one.passes * shape.parameter_bytes
        costs.append(MemberCost(one.name, one.tokens, one.passes, reads, flops(one, shape), one.steps))
    return Cost(tuple(costs))


@dataclass(frozen=True)
class CostTable:
    """The cost vectors of one policy on many items.

    Attributes:
        names: of the policy's members.
        numbers: float64 [items, members, 5]: tokens, passes, weight reads, flops, steps; zeros where nothing was read.
    """

    names: tuple[str, ...]
    numbers: NDArray[np.float64]

    @classmethod
    def of(cls, costs: Sequence[Cost]) -> CostTable:
        """The table of cost vectors that have the same members, or none."""
        names = next((cost.names for cost in costs if cost.members), ())
        nothing = [[0.0] * len(_NUMBERS)] * len(names)
        numbers = np.array([[one[1:] for one in cost.members] or nothing for cost in costs], dtype=np.float64)
        return cls(names, numbers.reshape(len(costs), len(names), len(_NUMBERS)))

    @classmethod
    def parse(cls, texts: Sequence[str], names: Sequence[str]) -> CostTable:
        """Read what ``Cost.to_json`` gave, as JSON; the empty vector is a row of zeros.

        Where nobody has anything but the empty vector, there are no members.
        """
        if all(text == "[]" for text in texts):
            return cls.of([NO_COST] * len(texts))
        nothing = ",".join(["0"] * len(_NUMBERS) * len(names))
        flat = ",".join(texts).replace("[]", nothing).replace("[", "").replace("]", "")  # one list is read much faster
        numbers = np.array(from_json(f"[{flat}]"), dtype=np.float64)
        return cls(tuple(names), numbers.reshape(len(texts), len(names), len(_NUMBERS)))

    def mean(self, weights: Sequence[float]) -> Cost:
        """Weighted mean over the items; the weights sum to 1."""
        weighted = self.numbers * np.array(weights)[:, None, None]
        means = np.add.accumulate(weighted)[-1].tolist()  # one after the other: ``np.sum`` adds in an order of its own
        return Cost.from_json(means, self.names)

    def spoken(self, steps: float) -> dict[str, float]:
        """By member's name, the share of so many steps, those of all items together, at which it spoke."""
        counts = self.numbers[:, :, _NUMBERS.index("steps")].sum(axis=0).tolist()
        most = max([steps, *counts])  # a router by confidence counts the steps of the answer that it chose
        return {name: count / most for name, count in zip(self.names, counts, strict=True)} if most else {}

    def total(self, number: str, places: Iterable[int]) -> float:
        """Sum of one number (``tokens``, ``flops``, ...) over all members and the items at these places."""
        return float(self.numbers[list(places), :, _NUMBERS.index(number)].sum())
