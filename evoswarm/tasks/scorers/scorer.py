"""What a scorer is, and what scorers share."""

from __future__ import annotations

import dataclasses
import json
from abc import ABC, abstractmethod
from typing import ClassVar

from evoswarm.tasks.task import Item


class Scorer(ABC):
    """How answers are found and judged.

    Ours are frozen dataclasses whose fields are their settings, and a score is 1 or 0; others say more of themselves.
    """

    kind: ClassVar[str]
    version: ClassVar[int] = 1
    """Rises when the scores of a kind change."""

    @property
    def id(self) -> str:
        """Names the scorer and everything that decides its scores."""
        settings = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}  # type: ignore[arg-type]  # all kinds are
        if self.version > 1:
            settings["version"] = self.version
        return f"{self.kind} {json.dumps(settings, sort_keys=True, ensure_ascii=False)}"

    @abstractmethod
    def extract(self, text: str) -> str:
        """The answer within a text, "" where there is none."""

    def check_gold(self, gold: str) -> None:  # noqa: B027 - most scorers take any
        """Refuse a gold that no answer could match.

        Raises:
            ValueError: says what was expected.
        """

    def score(self, item: Item, text: str) -> float:
        """Score of a whole text, in [0, 1].

        Raises:
            TaskError: the scorer fails on it.
        """
        return float(self._is_right(self.extract(text), item.gold))

    def may_be_right(self, gold: str, begun: str) -> bool:
        """Whether a text that begins so, and goes on, may still be right; a scorer that cannot tell says that it may.

        Args:
            gold: the right answer.
            begun: what is written so far, whole characters.
        """
        return True

    def _is_right(self, answer: str, gold: str) -> bool:
        return answer != "" and answer == self.extract(gold)


def fold(text: str, ignore_case: bool) -> str:
    """The text as it is compared."""
    return text.casefold() if ignore_case else text


def boxed(text: str) -> str | None:
    r"""What stands in the last ``\boxed{...}`` of a text; None where there is none, or it is not closed."""
    start = text.rfind(r"\boxed")
    opening = start + len(r"\boxed")
    while opening < len(text) and text[opening] == " ":
        opening += 1
    if start < 0 or text[opening : opening + 1] != "{":
        return None
    depth = 0
    for position in range(opening, len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return text[opening + 1 : position]
    return None
