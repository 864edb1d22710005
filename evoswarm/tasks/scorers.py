"""Scorers: what is the answer within a text, and is it right?

Each `extract`s an answer (for votes, never looking at the gold) and `score`s a whole text. To add one, write a
class with the four members of `Scorer` and give it a line in `make_scorer`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Protocol

from evoswarm.tasks.task import Item
from evoswarm.trust import NOBODY, Trust

KINDS = ("exact", "numeric", "choice", "regex", "contains", "verifier")
"""The names of scorers; ``module:function`` is a seventh kind. ``verifier`` belongs to reasoning_gym tasks."""

LETTERS = ("A", "B", "C", "D")


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


@dataclass(frozen=True)
class Exact:
    """The whole answer equals the gold; white space around either does not count."""

    ignore_case: bool = False

    @property
    def id(self) -> str:
        """The kind and its settings."""
        return _id("exact", ignore_case=self.ignore_case)

    def extract(self, text: str) -> str:
        """The text without white space around it."""
        return _fold(text.strip(), self.ignore_case)

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
        return _id("contains", ignore_case=self.ignore_case)

    def extract(self, text: str) -> str:
        """The text without white space around it."""
        return _fold(text.strip(), self.ignore_case)

    def check_gold(self, gold: str) -> None:
        """Refuse a gold that no answer could match."""
        if not gold.strip():
            raise ValueError("expected a gold that is not empty (every answer contains an empty one), got ''")

    def score(self, item: Item, text: str) -> float:
        """1 where the answer is right, else 0."""
        return float(self.extract(item.gold) in self.extract(text))


_NUMBER = re.compile(
    r"(?P<sign>(?<![\w)\]])[-+\u2212])?[$€£]?"  # in `3-5` the minus is no sign
    r"(?P<digits>[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
    r"(?P<exponent>[eE][-+]?[0-9]{1,3}(?![0-9]))?"
)


@dataclass(frozen=True)
class Numeric:
    """The last number in the answer equals the last number in the gold, within an absolute tolerance.

    Read are signs, thousands (`1,234`), decimals, exponents and a currency sign; `72`, `72.0` and `+72` are one
    answer to a vote.
    """

    tolerance: float = 1e-6

    @property
    def id(self) -> str:
        """The kind and its settings."""
        return _id("numeric", tolerance=self.tolerance)

    def extract(self, text: str) -> str:
        """The last number, in one spelling per value."""
        number = last_number(text)
        return "" if number is None else _plain(number)

    def check_gold(self, gold: str) -> None:
        """Refuse a gold that no answer could match."""
        if last_number(gold) is None:
            raise ValueError(f"expected a number in the gold (the scorer is numeric), got {gold[-60:]!r}")

    def score(self, item: Item, text: str) -> float:
        """1 where the answer is right, else 0."""
        number, gold = last_number(text), last_number(item.gold)
        return float(number is not None and gold is not None and abs(number - gold) <= Decimal(str(self.tolerance)))


def last_number(text: str) -> Decimal | None:
    """The last number in a text."""
    matches = list(_NUMBER.finditer(text))
    if not matches:
        return None
    found = matches[-1]
    sign = "-" if found["sign"] in ("-", "\u2212") else ""
    return Decimal(sign + found["digits"].replace(",", "") + (found["exponent"] or ""))


def _plain(number: Decimal) -> str:
    """One spelling per value; `Decimal.normalize` would round to 28 digits."""
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


@dataclass(frozen=True)
class Choice:
    """The chosen one of a few options.

    Looked for, in this order: the last option right behind "answer", "answer is", "choice:" and the like; an option
    that the text begins with and that ends there or is followed by punctuation; the last option that stands alone.
    """

    choices: tuple[str, ...] = LETTERS
    ignore_case: bool = False

    @property
    def id(self) -> str:
        """The kind and its settings."""
        return _id("choice", choices=self.choices, ignore_case=self.ignore_case)

    def extract(self, text: str) -> str:
        """The answer within a text, "" where there is none."""
        for pattern in self._patterns:
            found = pattern.findall(text)
            if found:
                return self._canonical[_fold(found[-1], self.ignore_case)]
        return ""

    def check_gold(self, gold: str) -> None:
        """Refuse a gold that no answer could match."""
        if not self.extract(gold):
            raise ValueError(f"expected one of the choices {', '.join(self.choices)} as the gold, got {gold[:60]!r}")

    def score(self, item: Item, text: str) -> float:
        """1 where the answer is right, else 0."""
        answer = self.extract(text)
        return float(answer != "" and answer == self.extract(item.gold))

    @cached_property
    def _canonical(self) -> dict[str, str]:
        return {_fold(choice, self.ignore_case): choice for choice in self.choices}

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[str], ...]:
        longest_first = sorted(self.choices, key=len, reverse=True)
        options = "|".join(re.escape(choice) for choice in longest_first)
        option = f"(?<!\\w)((?i:{options}))(?!\\w)" if self.ignore_case else f"(?<!\\w)({options})(?!\\w)"
        return (
            re.compile(r"(?i:answer|choice|option)\s*(?i:is\b)?\s*[:=]?\s*[\"'(\[*]*" + option),
            re.compile(r"\A[\s\"'(\[*]*" + option + r"(?=[\"')\]*.:,;]|\s*\Z|\s*\n)"),
            re.compile(option),
        )


@dataclass(frozen=True)
class Regex:
    """What a regular expression finds equals the gold.

    The answer is the first group that took part in the last match (the whole match where there is no group). The
    same is done to the gold where the expression matches it; else the gold counts as it stands.
    """

    pattern: str
    ignore_case: bool = False

    @property
    def id(self) -> str:
        """The kind and its settings."""
        return _id("regex", pattern=self.pattern, ignore_case=self.ignore_case)

    def extract(self, text: str) -> str:
        """The answer within a text, "" where there is none."""
        return self._find(text) or ""

    def check_gold(self, gold: str) -> None:
        """Refuse a gold that no answer could match."""
        if not (self._find(gold) or gold.strip()):
            raise ValueError("expected a gold that is not empty (no match is no answer), got ''")

    def score(self, item: Item, text: str) -> float:
        """1 where the answer is right, else 0."""
        answer = self._find(text)
        gold = self._find(item.gold) or _fold(item.gold.strip(), self.ignore_case)
        return float(bool(answer) and answer == gold)

    def _find(self, text: str) -> str | None:
        matches = list(self._compiled.finditer(text))
        if not matches:
            return None
        answer = next((group for group in matches[-1].groups() if group is not None), matches[-1].group())
        return _fold(answer.strip(), self.ignore_case)

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern, re.IGNORECASE if self.ignore_case else 0)


def make_scorer(
    kind: str,
    *,
    pattern: str | None = None,
    choices: tuple[str, ...] = (),
    ignore_case: bool = False,
    tolerance: float = 1e-6,
    trust: Trust = NOBODY,
) -> Scorer:
    """Make a scorer by name; settings that its kind does not use are ignored.

    Args:
        kind: ``exact``, ``numeric``, ``choice``, ``regex``, ``contains`` or ``module:function``.
        pattern: the regular expression of ``regex``.
        choices: the options of ``choice``; empty is A, B, C, D.
        ignore_case: for ``exact``, ``contains``, ``choice`` and ``regex``.
        tolerance: the absolute tolerance of ``numeric``.
        trust: whose functions may score.

    Raises:
        TaskError: the user's function is not allowed, or cannot be had.
        ValueError: an unknown kind, or ``regex`` without a pattern.
    """
    if ":" in kind:
        from evoswarm.tasks.user_scorer import UserScorer

        return UserScorer.load(kind, trust)
    if kind == "exact":
        return Exact(ignore_case)
    if kind == "contains":
        return Contains(ignore_case)
    if kind == "numeric":
        return Numeric(tolerance)
    if kind == "choice":
        return Choice(choices or LETTERS, ignore_case)
    if kind == "regex" and pattern is not None:
        return Regex(pattern, ignore_case)
    raise ValueError(f"expected one of {', '.join(KINDS[:-1])} or module:function as a scorer, got {kind!r}")


def _fold(text: str, ignore_case: bool) -> str:
    return text.casefold() if ignore_case else text


def _id(kind: str, **settings: Any) -> str:
    return f"{kind} {json.dumps(settings, sort_keys=True, ensure_ascii=False)}"
