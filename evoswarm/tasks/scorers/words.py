"""Answers that are compared as texts."""

from __future__ import annotations

from dataclasses import dataclass

from evoswarm.tasks.scorers.scorer import fold, scorer_id
from evoswarm.tasks.task import Item


@dataclass(frozen=True)
class Exact:
    """The whole answer equals the gold; white space around either does not count."""

    ignore_case: bool = False

    @property
    def id(self) -> str:
        """The kind and its settings."""
        return scorer_id("exact", ignore_case=self.ignore_case)

    def extract(self, text: str) -> str:
        """The text without white space around it."""
        return fold(text.strip(), self.ignore_case)

    def check_gold(self, gold: str) -> None:
        """Any gold will do: an empty answer is valid."""

    def score(self, item: Item, text: str) -> float:
        """1 where the answer is right, else 0."""
        return float(self.extract(text) == self.extract(item.gold))


@dataclass(frozen=True)
class Contains:
    """The gold occurs somewhere in the answer."""

    ignore_case: bool = False

    @property
    def id(self) -> str:
        """The kind and its settings."""
        return scorer_id("contains", ignore_case=self.ignore_case)

    def extract(self, text: str) -> str:
        """The text without white space around it."""
        return fold(text.strip(), self.ignore_case)

    def check_gold(self, gold: str) -> None:
        """Refuse a gold that no answer could match."""
        if not gold.strip():
            raise ValueError("expected a gold that is not empty (every answer contains an empty one), got ''")

    def score(self, item: Item, text: str) -> float:
        """1 where the answer is right, else 0."""
        return float(self.extract(item.gold) in self.extract(text))
