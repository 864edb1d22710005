"""Answers that a regular expression finds, under a limit of time."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from evoswarm.confined import CallFailed, ConfinedFunction, ResourceLimits
from evoswarm.errors import TaskError, Where
from evoswarm.tasks.scorers.scorer import Scorer, fold

LIMITS = ResourceLimits(cpu_seconds=1.0)
"""Of one text. Python's own expressions know no limit, so they run where they can be killed."""


@dataclass(frozen=True)
class Regex(Scorer):
    """What a regular expression finds equals the gold.

    The answer is the first group that took part in the last match (the whole match where there is no group). The
    same is done to the gold where the expression matches it; else the gold counts as it stands.
    """

    pattern: str
    ignore_case: bool = False

    kind: ClassVar[str] = "regex"

    def extract(self, text: str) -> str:
        """The answer within a text, "" where there is none.

        Raises:
            TaskError: the expression takes too long on the text.
        """
        try:
            return self._find(text) or ""
        except ValueError as error:
            raise TaskError(str(error), Where("", "scorer.pattern")) from error

    def check_gold(self, gold: str) -> None:
        """Refuse a gold that no answer could match."""
        if not (self._find(gold) or gold.strip()):
            raise ValueError("expected a gold that is not empty (no match is no answer), got ''")

    def _is_right(self, answer: str, gold: str) -> bool:
        return answer != "" and answer == (self.extract(gold) or fold(gold.strip(), self.ignore_case))

    def _find(self, text: str) -> str | None:
        try:
            found = self._finder(text)
        except CallFailed as error:
            raise ValueError(
                f"expected a regular expression that reads a text of {len(text):,} characters in "
                f"{LIMITS.cpu_seconds:g} s, got {self.pattern[:60]!r}: {error.message}"
            ) from error
        return None if found is None else fold(str(found).strip(), self.ignore_case)

    @cached_property
    def _finder(self) -> ConfinedFunction:
        arguments = (self.pattern, self.ignore_case)
        return ConfinedFunction("evoswarm.tasks.scorers.pattern:finder", arguments, LIMITS)


def finder(pattern: str, ignore_case: bool) -> Callable[[str], str | None]:
    """What a confined child serves: a function that finds the answer within a text."""
    compiled = re.compile(pattern, re.IGNORECASE if ignore_case else 0)

    def find(text: str) -> str | None:
        last = None
        for last in compiled.finditer(text):  # noqa: B007  # only the last one counts
            pass
        if last is None:
            return None
        return next((group for group in last.groups() if group is not None), last.group())

    return find
