"""Scorers: what is the answer within a text, and is it right?

Each `extract`s an answer (for votes, never looking at the gold) and `score`s a whole text. To add one, write a
class with the four members of `Scorer` and give it a line in `make_scorer`.
"""

from __future__ import annotations

from evoswarm.confined import Limits
from evoswarm.tasks.scorers.behind import Behind
from evoswarm.tasks.scorers.choice import LETTERS, Choice
from evoswarm.tasks.scorers.numeric import Numeric
from evoswarm.tasks.scorers.pattern import Regex
from evoswarm.tasks.scorers.scorer import Scorer
from evoswarm.tasks.scorers.words import Contains, Exact
from evoswarm.trust import NOBODY, Trust

KINDS = ("exact", "numeric", "choice", "regex", "contains", "verifier")
"""The names of scorers; ``module:function`` is a seventh kind. ``verifier`` belongs to reasoning_gym tasks."""

__all__ = ["KINDS", "LETTERS", "Behind", "Choice", "Contains", "Exact", "Numeric", "Regex", "Scorer", "make_scorer"]


def make_scorer(
    kind: str,
    *,
    pattern: str | None = None,
    choices: tuple[str, ...] = (),
    ignore_case: bool = False,
    tolerance: float = 1e-6,
    behind: tuple[str, ...] = (),
    limits: Limits | None = None,
    trust: Trust = NOBODY,
) -> Scorer:
    """Make a scorer by name; settings that its kind does not use are ignored.

    Args:
        kind: ``exact``, ``numeric``, ``choice``, ``regex``, ``contains`` or ``module:function``.
        pattern: the regular expression of ``regex``.
        choices: the options of ``choice``; empty is A, B, C, D.
        ignore_case: for ``exact``, ``contains``, ``choice`` and ``regex``.
        tolerance: the absolute tolerance of ``numeric``.
        behind: markers; a scorer of ours reads what stands behind the last one of a text only.
        limits: of ``module:function``; None is its own.
        trust: whose functions may score.

    Raises:
        TaskError: the user's function is not allowed, or cannot be had.
        ValueError: an unknown kind, or ``regex`` without a pattern.
    """
    if behind:
        inner = make_scorer(kind, pattern=pattern, choices=choices, ignore_case=ignore_case, tolerance=tolerance)
        return Behind(inner, behind)
    if ":" in kind:
        from evoswarm.tasks.user_scorer import UserScorer

        return UserScorer.load(kind, trust, limits)
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
