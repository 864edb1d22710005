"""A policy under a name, and what it did on some items: what is ranked, chosen, compared and certified."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from evoswarm.evaluation.evaluation import Summary
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.policies import Policy
from evoswarm.tasks.task import Item

HowMade = Literal["evolved", "plain", "fitted", "composed"]
"""How a policy came to be: a search bred it; it is a member alone, or all of them alike; its numbers were fitted to
right answers; it is a route over what was known."""

HOW_MADE: tuple[HowMade, ...] = get_args(HowMade)
"""All of these."""


@dataclass(frozen=True)
class Candidate:
    """A policy under a name.

    Attributes:
        name: that it is shown by, in a few words.
        policy: how it answers.
        key: its role, where it has one: ``R1`` to ``R4``, ``uniform_pool``, ``oracle_router``, ``plain``, ...
        description: one sentence: what it is and how it was chosen.
    """

    name: str
    policy: Policy
    key: str = ""
    description: str = ""

    def score(self, evaluator: Evaluator, items: Sequence[Item]) -> Scored:
        """Answer the items, or look them up in the ledger.

        Raises:
            RunError: the ledger cannot be written.
            Stopped: the evaluator was told to stop.
        """
        return Scored(self, evaluator.summaries([self.policy], items)[0])


@dataclass(frozen=True)
class Scored:
    """A candidate with what it did on some items."""

    candidate: Candidate
    summary: Summary

    @property
    def name(self) -> str:
        """Of the candidate."""
        return self.candidate.name

    @property
    def policy(self) -> Policy:
        """Of the candidate."""
        return self.candidate.policy

    @property
    def key(self) -> str:
        """Of the candidate."""
        return self.candidate.key

    @property
    def scores(self) -> tuple[float, ...]:
        """Per item; a failure counts 0."""
        return self.summary.scores

    @property
    def accuracy(self) -> float:
        """Weighted mean over tasks; a failure counts 0."""
        return self.summary.accuracy or 0.0

    @property
    def flops(self) -> float:
        """Mean operations per item, deployed alone."""
        return self.summary.cost.flops

    @property
    def failed(self) -> bool:
        """Whether it failed on every item."""
        return self.summary.failure is not None

    def on(self, task: str) -> float:
        """Mean score on one task; a failure counts 0."""
        return self.summary.by_task.get(task, 0.0)


def score(candidates: Sequence[Candidate], evaluator: Evaluator, items: Sequence[Item]) -> list[Scored]:
    """Score all of them together: whatever they share is decoded once."""
    summaries = evaluator.summaries([one.policy for one in candidates], items)
    return [Scored(one, summary) for one, summary in zip(candidates, summaries, strict=True)]


def best_of(scored: Sequence[Scored], task: str | None = None) -> Scored:
    """The most accurate, overall or on one task; of equals the cheaper, then the first."""
    return min(scored, key=lambda one: (-(one.accuracy if task is None else one.on(task)), one.flops))
