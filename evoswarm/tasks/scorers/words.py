"""Answers that are compared as texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from evoswarm.tasks.scorers.scorer import Scorer, fold


@dataclass(frozen=True)
class Exact(Scorer):
    """The whole answer equals the gold; white space around either does not count, and an empty answer is valid."""

    ignore_case: bool = False

    kind: ClassVar[str] = "exact"

    def extract(self, text: str) -> str:
        """The text without white space around it."""
        return fold(text.strip(), self.ignore_case)

    def _is_right(self, answer: str, gold: str) -> bool:
        return answer == self.extract(gold)


@dataclass(frozen=True)
class Contains(Exact):
    """The gold occurs somewhere in the answer."""

    kind: ClassVar[str] = "contains"

    def check_gold(self, gold: str) -> None:
        """Refuse a gold that no answer could match."""
        if not gold.strip():
            raise ValueError("expected a gold that is not empty (every answer contains an empty one), got ''")

    def _is_right(self, answer: str, gold: str) -> bool:
        return self.extract(gold) in answer
