"""Wrong answers that are none: failed items, and answers that were cut off, counted by split and said in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, cast

from evoswarm.certificate.document import Certificate
from evoswarm.evaluation.evaluation import Summary
from evoswarm.evaluation.failures import FailedItems, in_words, remedy, together
from evoswarm.failure import FailureKind


@dataclass(frozen=True)
class Spoilt:
    """What was spoilt for a recipe on a split.

    Attributes:
        items: of the split.
        failed: those that failed, by kind and member.
        cut_off: answers that reached their limit of bytes before anything that their scorer could read.
    """

    items: int
    failed: tuple[FailedItems, ...]
    cut_off: int

    @classmethod
    def of(cls, summary: Summary) -> Self:
        """What a summary says of it."""
        return cls(summary.items, summary.failed, summary.cut_off)

    @property
    def failures(self) -> int:
        """How many items failed."""
        return sum(one.items for one in self.failed)

    def to_json(self) -> dict[str, Any]:
        """As JSON data."""
        return {"items": self.items, "failed": [one.to_json() for one in self.failed], "cut_off": self.cut_off}


def spoilt_tests(certificate: Certificate) -> Spoilt:
    """What a certificate says of the champion."""
    failed = [FailedItems(cast(FailureKind, one.kind), one.member, one.items) for one in certificate.failed]
    return Spoilt(certificate.items.test, tuple(failed), certificate.cut_off)


def warnings_of_champion(
    searched: Spoilt | None, selection: Summary, certificate: Certificate | None
) -> tuple[str, ...]:
    """What a reader of a champion's accuracies must know of its wrong answers, a sentence each.

    Args:
        searched: what was spoilt for it on the search split; None where it was not scored on all of it.
        selection: what it did on the selection split.
        certificate: of it, where it has one.
    """
    parts = {} if searched is None else {"search": searched}
    parts["selection"] = Spoilt.of(selection)
    if certificate is not None:
        parts["test"] = spoilt_tests(certificate)
    return warnings_of("the champion", parts)


def warnings_of(name: str, parts: Mapping[str, Spoilt]) -> tuple[str, ...]:
    """What is to be said of somebody's failed items and cut-off answers, a sentence each; nothing where there are none.

    Args:
        name: whose they are, as a sentence goes on.
        parts: by the names of splits.
    """
    found = []
    failed = together(one.failed for one in parts.values())
    if failed:
        counts = _listed({split: (one.failures, one.items) for split, one in parts.items()})
        text = f"{name} fails on {counts} items, which count as wrong answers: {in_words(failed)}."
        found.append(" ".join(filter(None, [text, remedy(failed)])))
    if any(one.cut_off for one in parts.values()):
        counts = _listed({split: (one.cut_off, one.items) for split, one in parts.items()})
        found.append(
            f"answers of {name} to {counts} items were cut off by max_bytes before anything that the scorer could "
            "read; they count as wrong."
        )
    return tuple(text[0].upper() + text[1:] for text in found)


def _listed(counts: Mapping[str, tuple[int, int]]) -> str:
    *firsts, last = [f"{count:,} of {items:,} {split}" for split, (count, items) in counts.items()]
    return f"{', '.join(firsts)} and {last}" if firsts else last
