"""What a scorer is, and what scorers share."""

from __future__ import annotations

from typing import Any, Protocol

from evoswarm.canonical import canonical_json
from evoswarm.tasks.task import Item


class Scorer(Protocol):
    """How answers are found and judged."""

    @property
    def id(self) -> str:
        """Names the scorer and everything that decides its scores."""
        ...

    def extract(self, text: str) -> str:
        """The answer within a text, "" where there is none."""
        ...

    def check_gold(self, gold: str) -> None:
        """Refuse a gold that no answer could match.

        Raises:
            ValueError: says what was expected.
        """
        ...

    def score(self, item: Item, text: str) -> float:
        """Score of a whole text, in [0, 1]."""
        ...


def scorer_id(kind: str, **settings: Any) -> str:
    """A kind and its settings as one text; ``version`` among them rises when the scores of a kind change."""
    return f"{kind} {canonical_json(settings)}"


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
