"""One recipe on one item, and many of them summed up."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from evoswarm.evaluation.cost import NO_COST, Cost, CostTable, table_of
from evoswarm.evaluation.failures import FailedItems, commonest, failed_items
from evoswarm.failure import Failure
from evoswarm.tasks.task import Item, Task

Ending = Literal["end", "stop", "limit", "cut_off"]
"""How an answer ended: by itself, at a stop string, at its limit of bytes; or at that limit before anything that its
scorer could read as an answer had come: it is cut off, which is another thing than wrong."""

CLOSE_MARGIN = 1e-4
"""Decisions closer than this may turn out otherwise on another machine or batch."""


@dataclass(frozen=True)
class Evaluation:
    """One recipe on one item: a score or a typed failure.

    A failure is not a score of 0: what an item without an answer counts is for the summary to say.

    Attributes:
        score: in [0, 1]; None on failure.
        answer: the text that was scored: of the vote's winner when there are several samples.
        answers: the texts of all samples.
        cost: deployed alone; of a failure, what was read until then.
        margin: the smallest decision margin seen.
        steps: decoding steps over all samples.
        open_steps: of these, steps at which a follower spoke.
        lead_tokens: distinct lead tokens read behind the prompt.
        lead_tokens_touched: of these, tokens in which a follower spoke.
        left_out: the largest bound on the total-variation error of a byte view.
        entropy: of the lead, nats, mean over the steps of all samples.
        failure: why there is no score.
        ending: of the answer that was scored; None on failure, and where a ledger of an earlier version did not say.
    """

    score: float | None
    answer: str = ""
    answers: tuple[str, ...] = ()
    cost: Cost = NO_COST
    margin: float = math.inf
    steps: int = 0
    open_steps: int = 0
    lead_tokens: int = 0
    lead_tokens_touched: int = 0
    left_out: float = 0.0
    entropy: float = 0.0
    failure: Failure | None = None
    ending: Ending | None = None

    @property
    def open_share(self) -> float:
        """Share of steps at which a follower spoke."""
        return self.open_steps / self.steps if self.steps else 0.0


@dataclass(frozen=True)
class Summary:
    """One recipe over many items.

    An item that failed is a wrong answer to that item: it counts 0, and is counted. Who fails on every item has
    failed as a whole, which is no accuracy at all and ranks below every one.

    Attributes:
        accuracy: weighted mean over tasks of the tasks' means; None where every item failed.
        by_task: mean score per task, by task name; empty where every item failed.
        cost: weighted mean cost vector, of the failed items what was read.
        open_share: share of steps at which a follower spoke.
        touched_share: share of lead tokens in which a follower spoke.
        failure: why there is no accuracy: the commonest failure, the first of those where several are; None where
            any item did not fail.
        failed: the items that failed, by kind and member, the commonest first.
        close: how many items hung on a decision too close to call across machines.
        items: how many there were.
        scores: per item, in order; a failure counts 0.
        at_limit: on how many items the scored answer was ended by its limit of bytes.
        cut_off: of these, where that came before anything that could be read as an answer.

    Example:
        >>> summary = evaluated.summary
        >>> summary.items, summary.accuracy == summary.objective("accuracy"), sorted(summary.by_task)
        (8, True, ['letters', 'pair', 'spelling', 'sums'])
    """

    accuracy: float | None
    by_task: Mapping[str, float]
    cost: Cost
    open_share: float
    touched_share: float
    failure: Failure | None
    failed: tuple[FailedItems, ...]
    close: int
    items: int
    scores: tuple[float, ...]
    at_limit: int = 0
    cut_off: int = 0

    @property
    def failures(self) -> int:
        """How many items failed."""
        return sum(one.items for one in self.failed)

    def objective(self, name: str) -> float:
        """The raw value of an objective: ``accuracy``, ``accuracy:TASK``, ``flops``, ``weight_reads``, ``passes``,
        ``open_share``.

        Raises:
            ValueError: every item failed, and a failure is never a number.
        """
        if self.accuracy is None:
            raise ValueError(f"expected a success, got a failure: {self.failure}")
        if name.startswith("accuracy:"):
            return self.by_task[name.removeprefix("accuracy:")]
        values = {
            "accuracy": self.accuracy,
            "flops": self.cost.flops,
            "weight_reads": self.cost.weight_reads,
            "passes": self.cost.passes,
            "open_share": self.open_share,
        }
        return values[name]


@dataclass(frozen=True)
class Outcomes:
    """Evaluations of one recipe as a summary sees them: column by column, one entry per item; see ``Evaluation``."""

    scores: Sequence[float | None]
    margins: Sequence[float]
    steps: Sequence[int]
    open_steps: Sequence[int]
    lead_tokens: Sequence[int]
    lead_tokens_touched: Sequence[int]
    failures: Sequence[Failure | None]
    endings: Sequence[Ending | None]
    costs: CostTable

    @classmethod
    def of(cls, evaluations: Sequence[Evaluation]) -> Outcomes:
        """Turn rows into columns."""
        return cls(
            scores=[one.score for one in evaluations],
            margins=[one.margin for one in evaluations],
            steps=[one.steps for one in evaluations],
            open_steps=[one.open_steps for one in evaluations],
            lead_tokens=[one.lead_tokens for one in evaluations],
            lead_tokens_touched=[one.lead_tokens_touched for one in evaluations],
            failures=[one.failure for one in evaluations],
            endings=[one.ending for one in evaluations],
            costs=table_of([one.cost for one in evaluations]),
        )


def item_weights(items: Sequence[Item], tasks: Mapping[str, Task]) -> list[float]:
    """What each item adds to a weighted mean over tasks; sums to 1. Every task's items share its weight equally."""
    counts: dict[str, int] = {}
    for item in items:
        counts[item.task] = counts.get(item.task, 0) + 1
    total = math.fsum(tasks[name].weight for name in counts)
    return [tasks[item.task].weight / total / counts[item.task] for item in items]


def summarize(items: Sequence[Item], evaluations: Sequence[Evaluation], tasks: Mapping[str, Task]) -> Summary:
    """Sum up one recipe's evaluations.

    Args:
        items: at least one.
        evaluations: one per item, in the same order.
        tasks: by name.
    """
    return summary_of(items, Outcomes.of(evaluations), tasks)


def summary_of(items: Sequence[Item], outcomes: Outcomes, tasks: Mapping[str, Task]) -> Summary:
    """The same from columns; see ``summarize``."""
    weights = item_weights(items, tasks)
    steps, tokens = sum(outcomes.steps), sum(outcomes.lead_tokens)
    scores = tuple([float(score or 0.0) for score in outcomes.scores])
    failed = failed_items(outcomes.failures)
    failure = commonest(outcomes.failures)
    accuracy, by_task = None, {}
    if failure is None:
        accuracy = math.fsum(score * weight for score, weight in zip(scores, weights, strict=True))
        by_task = means_by_task(items, scores)
    return Summary(
        accuracy=accuracy,
        by_task=by_task,
        cost=outcomes.costs.mean(weights),
        open_share=sum(outcomes.open_steps) / steps if steps else 0.0,
        touched_share=sum(outcomes.lead_tokens_touched) / tokens if tokens else 0.0,
        failure=failure,
        failed=failed,
        close=sum(margin < CLOSE_MARGIN for margin in outcomes.margins),
        items=len(items),
        scores=scores,
        at_limit=sum([ending in ("limit", "cut_off") for ending in outcomes.endings]),
        cut_off=sum([ending == "cut_off" for ending in outcomes.endings]),
    )


def scores_of(evaluations: Sequence[Evaluation]) -> tuple[float, ...]:
    """Per item, in order; a failure counts 0."""
    return tuple(0.0 if one.score is None else float(one.score) for one in evaluations)


def means_by_task(items: Sequence[Item], scores: Sequence[float]) -> dict[str, float]:
    """Mean score per task, by its name.

    Args:
        items: what was scored.
        scores: one per item, in the same order.
    """
    groups: dict[str, list[float]] = {}
    for item, score in zip(items, scores, strict=True):
        groups.setdefault(item.task, []).append(score)
    return {name: math.fsum(group) / len(group) for name, group in groups.items()}
