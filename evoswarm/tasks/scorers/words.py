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

    def may_be_right(self, gold: str, begun: str) -> bool:
        """Only where it is white space and a beginning of the gold, or all of it and white space."""
        wanted, written = self.extract(gold), fold(begun.lstrip(), self.ignore_case)
        return wanted.startswith(written) or written.rstrip() == wanted

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

    def may_be_right(self, gold: str, begun: str) -> bool:
        """Always: it may come later."""
        return True

    def _is_right(self, answer: str, gold: str) -> bool:
        return self.extract(gold) in answer
