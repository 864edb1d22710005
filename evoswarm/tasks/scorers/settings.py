"""How a task says that its answers are scored, and the kinds of scorers that it may ask for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from evoswarm.errors import show
from evoswarm.settings import Contradiction, KeyPath, Settings, duplicates, nearest
from evoswarm.tasks.scorers.behind import Behind
from evoswarm.tasks.scorers.choice import LETTERS, Choice
from evoswarm.tasks.scorers.numeric import Numeric
from evoswarm.tasks.scorers.pattern import Regex
from evoswarm.tasks.scorers.scorer import Scorer
from evoswarm.tasks.scorers.user_scorer import REFERENCE, UserScorer, function_limits
from evoswarm.tasks.scorers.words import Contains, Exact
from evoswarm.trust import NOBODY, Trust


class ScorerSettings(Settings):
    """How an answer is scored.

    Attributes:
        kind: ``exact``, ``numeric`` (the last number), ``choice``, ``regex``, ``contains``, ``verifier`` (only of
            reasoning_gym tasks) or ``module:function`` of the user's own, which the caller has to allow.
        pattern: for ``regex``; the first group (or the whole match) of the last match is the answer.
        choices: for ``choice``; empty is A, B, C, D.
        ignore_case: for ``exact``, ``contains``, ``choice`` and ``regex``.
        tolerance: for ``numeric``, absolute.
        behind: markers such as ``####``, ``\\boxed`` or ``Answer:``: only what stands behind the last one of an answer
            is scored, where answers begin with reasoning; for ``exact``, ``contains``, ``numeric`` and ``choice``.
        seconds: for ``module:function``: of processor time, for one answer (4 times as much by the clock, at least 60).
        memory_gb: likewise, of address space, everything that is imported included.
    """

    kind: str = "exact"
    pattern: str | None = Field(default=None, max_length=10_000)
    choices: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    ignore_case: bool = False
    tolerance: float = Field(default=1e-6, ge=0)
    behind: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    seconds: float = Field(default=5.0, gt=0, le=3600)
    memory_gb: float = Field(default=4.0, gt=0, le=4096)

    def contradictions(self, path: KeyPath) -> Iterator[Contradiction]:
        """What cannot be meant, of the settings at a path."""
        kind = FUNCTION if REFERENCE.fullmatch(self.kind) else self.kind
        if kind not in _KINDS or self.kind == FUNCTION:
            what = FUNCTION if ":" in kind else f"a scorer or {FUNCTION} ({nearest(kind, KINDS)})"
            yield Contradiction((*path, "kind"), f"expected {what}, got {show(self.kind)}")
            return
        for field, described in type(self).model_fields.items():
            value = getattr(self, field)
            users = [name for name, (_, fields) in _KINDS.items() if field in fields]
            if field != "kind" and kind not in users and value != described.default:
                message = f"expected no {field} (only {' and '.join(users)} use it), got {show(value)}"
                yield Contradiction((*path, field), message)
        if kind == "regex":
            yield from _spoilt_pattern(self.pattern, (*path, "pattern"))
        yield from duplicates(self.choices, (*path, "choices"))

    def scorer(self, trust: Trust = NOBODY) -> Scorer:
        """The scorer that is asked for.

        Raises:
            TaskError: a function of the user's that the caller does not allow, or that cannot be had.
            ValueError: an unknown kind, ``verifier``, which only a source can make, or ``regex`` without a pattern.
        """
        if ":" in self.kind:
            return UserScorer.load(self.kind, trust, function_limits(self.seconds, self.memory_gb))
        make = _KINDS[self.kind][0] if self.kind in _KINDS else None
        if make is None or (self.kind == "regex" and self.pattern is None):
            raise ValueError(f"expected one of {', '.join(KINDS[:-1])} or {FUNCTION} as a scorer, got {self.kind!r}")
        return Behind(make(self), self.behind) if self.behind else make(self)


FUNCTION, VERIFIER = "module:function", "verifier"

_KINDS: Mapping[str, tuple[Callable[[ScorerSettings], Scorer] | None, tuple[str, ...]]] = MappingProxyType(
    {
        "exact": (lambda asked: Exact(asked.ignore_case), ("ignore_case", "behind")),
        "numeric": (lambda asked: Numeric(asked.tolerance), ("tolerance", "behind")),
        "choice": (
            lambda asked: Choice(asked.choices or LETTERS, asked.ignore_case),
            ("choices", "ignore_case", "behind"),
        ),
        "regex": (lambda asked: Regex(asked.pattern or "", asked.ignore_case), ("pattern", "ignore_case")),
        "contains": (lambda asked: Contains(asked.ignore_case), ("ignore_case", "behind")),
        VERIFIER: (None, ()),
        FUNCTION: (None, ("seconds", "memory_gb")),
    }
)
"""By kind, what makes a scorer of the settings, and which of them it uses. Some are not made of settings alone."""

KINDS = tuple(kind for kind in _KINDS if kind != FUNCTION)
"""The names of scorers; the last one belongs to reasoning_gym tasks."""


def _spoilt_pattern(pattern: str | None, path: KeyPath) -> Iterator[Contradiction]:
    if pattern is None:
        yield Contradiction(path, "expected a regular expression (the scorer is regex), got nothing")
        return
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        yield Contradiction(path, f"expected a regular expression, got {pattern[:60]!r}: {error}")
