"""Who may become champion: the best on the search items, the plainest policies, and whatever was made without a search.

A finalist says what its scores are worth: who was chosen by some items, or made from them, looks better on them than it
is. To let others compete, add them in `finalists_of`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from evoswarm.evaluation.candidate import Candidate, HowMade
from evoswarm.policies import Policy
from evoswarm.tasks.task import SplitName

FINALISTS = 20
"""Distinct policies, best on the search split, that are tested again."""

PLAIN = "plain"
"""Key of the plainest policies of a pool among the contenders: members alone, and all of them alike."""


@dataclass(frozen=True)
class Finalist:
    """A candidate for champion.

    Attributes:
        candidate: the policy under a name.
        ranked: it is among the best of many on the search items: what they flatter those is taken off its scores. Of
            a route, the share of the search items that such a one answers.
        origin: how it came to be.
        instead: of one that was made from items (fitted, composed), by split: its scores there by cross-validation, per
            item; None where its scores there say nothing of it. On splits that are not named it is scored as it is.
    """

    candidate: Candidate
    ranked: float = 0.0
    origin: HowMade = "evolved"
    instead: Mapping[SplitName, Sequence[float] | None] = field(default_factory=dict)


def finalists_of(
    ranked: Iterable[tuple[str, Policy]],
    plain: Iterable[tuple[str, Policy]],
    made: Iterable[Finalist] = (),
) -> list[Finalist]:
    """All who compete, those first who are best on the search items.

    Args:
        ranked: names and policies, best on the search items first.
        plain: the plainest policies, by name; the last is all members alike, to which all others are compared.
        made: what was fitted to items or composed from what is known of them.
    """
    best = [Finalist(Candidate(name, policy), ranked=1.0) for name, policy in list(ranked)[:FINALISTS]]
    return [*best, *made, *(Finalist(Candidate(name, policy, PLAIN), origin="plain") for name, policy in plain)]
