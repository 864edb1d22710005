"""Answers that are numbers."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from evoswarm.tasks.scorers.numbers import last_number, spelled, whole_number
from evoswarm.tasks.scorers.scorer import Scorer
from evoswarm.tasks.task import Item


@dataclass(frozen=True)
class Numeric(Scorer):
    r"""The last number in the answer equals the number in the gold, within an absolute tolerance.

    Where the text holds a ``\boxed{}`` with a number, it is that one. What is read as a number: see `numbers`; `72`,
    `72.0` and `+72` are one answer to a vote, and so are `0.75` and `3/4`.
    """

    tolerance: float = 1e-6

    kind: ClassVar[str] = "numeric"
    version: ClassVar[int] = 2

    def extract(self, text: str) -> str:
        """The last number, in one spelling per value."""
        number = last_number(text)
        return "" if number is None else spelled(number)

    def check_gold(self, gold: str) -> None:
        """Refuse a gold that no answer could match."""
        whole_number(gold)

    def score(self, item: Item, text: str) -> float:
        """1 where the answer is right, else 0."""
        number, gold = last_number(text), last_number(item.gold)
        return float(number is not None and gold is not None and abs(number - gold) <= Fraction(str(self.tolerance)))
