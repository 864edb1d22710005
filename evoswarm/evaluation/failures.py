"""Failed items: which failures last, how many there were, of what kind, by whose fault, and that in words.

An item on which a recipe failed is a wrong answer to that item. Failures stay typed all the same: the ledger keeps why
there is no answer, never a zero, and sums say how many of their wrong answers are failures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evoswarm.failure import Failure, FailureKind

if TYPE_CHECKING:
    from evoswarm.evaluation.evaluation import Summary

TRANSIENT: frozenset[FailureKind] = frozenset({"out_of_memory", "time_out"})
"""Failures owed to device or time: true of this moment, not of recipe and item. A run acts on them and notes them in
its journal; they never enter the ledger, whose rows are true for ever and for every run."""

_WORDS: dict[FailureKind, tuple[str, str]] = {
    "out_of_memory": ("out of memory", "out of memory in {}"),
    "time_out": ("out of time", "out of time in {}"),
    "non_finite": ("numbers that are not finite", "numbers from {} that are not finite"),
    "no_mass": ("no probability of any allowed symbol", "no probability of any allowed symbol from {}"),
    "prompt_too_long": ("a context that is too short", "the context of {} is too short"),
    "unknown_token": ("a token that a model does not know", "a token that {} does not know"),
    "prompt_refused": ("a prompt that a chat template refuses", "a prompt that cannot be put to {}"),
    "invalid_recipe": ("an invalid recipe", "an invalid recipe ({})"),
    "scorer_error": ("an error of the scorer", "an error of the scorer ({})"),
}
"""What happened, by nobody's fault and by a member's. A context may also be too short for a prompt with its answer."""


def lasts(failure: Failure | None) -> bool:
    """Whether an evaluation with this failure, or with none, is true for ever.

    That a prompt is too long for a member, or that a scorer raises on an answer, is a fact of recipe and item (an
    item's digest covers the scorer's source): it is decoded once and read back. What is owed to the moment is not.
    """
    return failure is None or failure.kind not in TRANSIENT


@dataclass(frozen=True)
class FailedItems:
    """Items that failed alike.

    Attributes:
        kind: of the failure.
        member: name of the member to blame; "" where no single one is.
        items: how many.
        message: of the first of them.
    """

    kind: FailureKind
    member: str
    items: int
    message: str = ""

    @property
    def words(self) -> str:
        """What happened: "the context of small-model is too short"."""
        plain, by_member = _WORDS[self.kind]
        return by_member.format(self.member) if self.member else plain

    def to_json(self) -> dict[str, str | int]:
        """As JSON data, without the message: it may differ from machine to machine."""
        return {"kind": self.kind, "member": self.member, "items": self.items}


def failed_items(failures: Iterable[Failure | None]) -> tuple[FailedItems, ...]:
    """Count failures by kind and member: the commonest first, those that are as common in the order they came."""
    return together([FailedItems(one.kind, one.member, 1, one.message)] for one in failures if one is not None)


def together(parts: Iterable[Sequence[FailedItems]]) -> tuple[FailedItems, ...]:
    """The counts of several recipes or splits as one; see `failed_items`."""
    found: dict[tuple[FailureKind, str], FailedItems] = {}
    for one in (one for part in parts for one in part):
        known = found.setdefault((one.kind, one.member), replace(one, items=0))
        found[one.kind, one.member] = replace(known, items=known.items + one.items)
    return tuple(sorted(found.values(), key=lambda one: -one.items))


def commonest(failures: Sequence[Failure | None]) -> Failure | None:
    """Why everything failed: the commonest failure; None where anything did not fail."""
    if not failures or any(failure is None for failure in failures):
        return None
    first = failed_items(failures)[0]
    return Failure(first.kind, first.message, first.member)


def in_words(failed: Sequence[FailedItems]) -> str:
    """The counts as a list: "the context of small-model is too short (3), an error of the scorer (1)"."""
    return ", ".join(f"{one.words} ({one.items:,})" for one in failed)


def sentence(failure: Failure | FailedItems) -> str:
    """One failure with its message: "the context of small-model is too short (prompt and answer have ...)"."""
    one = failure if isinstance(failure, FailedItems) else FailedItems(failure.kind, failure.member, 1, failure.message)
    return one.words + (f" ({one.message})" if one.message else "")


def remedy(failed: Sequence[FailedItems]) -> str:
    """What to do about prompts that are too long for some members, as a sentence; "" where none is."""
    members = [one.member for one in failed if one.kind == "prompt_too_long" and one.member]
    if not members:
        return ""
    return f"Recipes without {' and '.join(members)} do not fail there for this reason."


def hopeless(summaries: Sequence[Summary]) -> str | None:
    """In one sentence, why none of some policies can be evaluated; None where any can.

    Args:
        summaries: of distinct policies.
    """
    if not summaries or any(summary.failure is None for summary in summaries):
        return None
    failed = together(summary.failed for summary in summaries)
    recipes = f"each of {len(summaries):,} recipes" if len(summaries) > 1 else "the only recipe"
    most = max(summary.items for summary in summaries)
    return (
        f"{recipes} failed on every item (of {most:,}); the commonest failure, {failed[0].items:,} times: "
        f"{sentence(failed[0])}"
    )
