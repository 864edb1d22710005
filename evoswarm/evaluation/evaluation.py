"""One recipe on one item, and many of them summed up: what is told of both, and how it is kept and added up.

A figure is a line of `Evaluation`, a sum of figures a line of `Summary`: rows and columns, the ledger's table and its
checks, sums and what is kept of them follow. A ledger that exists learns of a new column by an entry of
``evoswarm.evaluation.ledger.ADDED``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Literal, get_type_hints

from pydantic_core import from_json  # several times as fast as Python's own, and a replay reads much

from evoswarm.evaluation.cost import NO_COST, Cost, CostTable
from evoswarm.evaluation.failures import FailedItems, commonest, failed_items
from evoswarm.evaluation.figure import Column, Figure, kept, one_of
from evoswarm.failure import Failure, FailureKind
from evoswarm.tasks.task import Item, Task, item_shares, weights_of

Ending = Literal["end", "stop", "limit", "cut_off"]
"""How an answer ended: by itself, at a stop string, at its limit of bytes; or at that limit before anything that its
scorer could read as an answer had come: it is cut off, which is another thing than wrong."""

CLOSE_MARGIN = 1e-4
"""Decisions closer than this may turn out otherwise on another machine or batch."""


Columns = Mapping[str, Sequence[Any]]
"""Evaluations figure by figure: by the figure's name, one value per item."""

_ANSWERS = Figure(
    (Column("TEXT"),),
    pack=lambda texts, names: (json.dumps(texts, ensure_ascii=False),),
    unpack=lambda text, names: tuple(from_json(text)),
)
_COST = Figure(
    (Column("TEXT"),),
    pack=lambda cost, names: (json.dumps(cost.to_json()),),
    unpack=lambda text, names: Cost.from_json(from_json(text), names),
)
_FAILURE = Figure(
    (
        Column("TEXT", one_of(FailureKind), null="TRUE"),
        Column("TEXT", null="TRUE", suffix="_message"),
        Column("INTEGER", ">= 0", null="TRUE", suffix="_member"),
    ),
    pack=lambda failure, names: (
        (failure.kind, failure.message, names.index(failure.member) if failure.member in names else None)
        if failure
        else (None, None, None)
    ),
    unpack=lambda kind, message, member, names: (
        None if kind is None else Failure(kind, message or "", "" if member is None else names[member])
    ),
)


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
        entropy: of the lead, nats, mean over the steps of all samples at which it was asked; 0 without any.
        failure: why there is no score.
        ending: of the answer that was scored; None on failure, and where a ledger of an earlier version did not say.
    """

    score: Annotated[float | None, kept("REAL", "BETWEEN 0 AND 1", null="failure IS NOT NULL")]
    answer: Annotated[str, kept("TEXT")] = ""
    answers: Annotated[tuple[str, ...], _ANSWERS] = ()
    cost: Annotated[Cost, _COST] = NO_COST
    margin: Annotated[float, kept("REAL")] = math.inf
    steps: Annotated[int, kept("INTEGER", ">= 0")] = 0
    open_steps: Annotated[int, kept("INTEGER", "BETWEEN 0 AND steps")] = 0
    lead_tokens: Annotated[int, kept("INTEGER", ">= 0")] = 0
    lead_tokens_touched: Annotated[int, kept("INTEGER", "BETWEEN 0 AND lead_tokens")] = 0
    left_out: Annotated[float, kept("REAL")] = 0.0
    entropy: Annotated[float, kept("REAL")] = 0.0
    failure: Annotated[Failure | None, _FAILURE] = None
    ending: Annotated[Ending | None, kept("TEXT", one_of(Ending), null="TRUE")] = None

    @property
    def open_share(self) -> float:
        """Share of steps at which a follower spoke."""
        return self.open_steps / self.steps if self.steps else 0.0


FIGURES: Mapping[str, Figure] = {
    name: hint.__metadata__[0] for name, hint in get_type_hints(Evaluation, include_extras=True).items()
}
"""How each figure is kept, by its name."""

COLUMNS: Mapping[str, Column] = {
    name + column.suffix: column for name, figure in FIGURES.items() for column in figure.columns
}
"""The columns that evaluations have in the ledger, by name; in the order of figures."""


Sum = Callable[[Columns], Any]
"""Evaluations of many items -> what they come to."""


def _share(part: str, whole: str) -> Sum:
    return lambda columns: sum(columns[part]) / total if (total := sum(columns[whole])) else 0.0


def _of(figure: str, add_up: Callable[[Sequence[Any]], Any]) -> Sum:
    return lambda columns: add_up(columns[figure])


def _count(figure: str, *counted: str) -> Sum:
    return lambda columns: sum(map(set(counted).__contains__, columns[figure]))


def _close(margins: Sequence[float]) -> int:
    return sum([margin < CLOSE_MARGIN for margin in margins])


def _scores(scores: Sequence[float | None]) -> tuple[float, ...]:
    return tuple([float(score or 0.0) for score in scores])


@dataclass(frozen=True)
class Summary:
    """One recipe over many items.

    An item that failed is a wrong answer to that item: it counts 0, and is counted. Who fails on every item has
    failed as a whole, which is no accuracy at all and ranks below every one.

    Attributes:
        accuracy: weighted mean over tasks of the tasks' means; None where every item failed.
        by_task: mean score per task, by task name; empty where every item failed.
        cost: weighted mean cost vector, of the failed items what was read.
        open_share: share of steps at which a follower spoke, any of them.
        touched_share: share of lead tokens in which a follower spoke.
        failure: why there is no accuracy: the commonest failure, the first of those where several are; None where
            any item did not fail.
        failed: the items that failed, by kind and member, the commonest first.
        close: how many items hung on a decision too close to call across machines.
        items: how many there were.
        scores: per item, in order; a failure counts 0.
        at_limit: on how many items the scored answer was ended by its limit of bytes.
        cut_off: of these, where that came before anything that could be read as an answer.
        spoken: by member's name, the share of all steps at which it spoke; empty where there was no step.

    Example:
        >>> summary = evaluated.summary
        >>> summary.items, summary.accuracy == summary.objective("accuracy"), sorted(summary.by_task)
        (8, True, ['letters', 'pair', 'spelling', 'sums'])
    """

    accuracy: float | None
    by_task: Mapping[str, float]
    cost: Cost
    open_share: Annotated[float, _share("open_steps", "steps")]
    touched_share: Annotated[float, _share("lead_tokens_touched", "lead_tokens")]
    failure: Annotated[Failure | None, _of("failure", commonest)]
    failed: Annotated[tuple[FailedItems, ...], _of("failure", failed_items)]
    close: Annotated[int, _of("margin", _close)]
    items: Annotated[int, _of("score", len)]
    scores: Annotated[tuple[float, ...], _of("score", _scores)]
    at_limit: Annotated[int, _count("ending", "limit", "cut_off")] = 0
    cut_off: Annotated[int, _count("ending", "cut_off")] = 0
    spoken: Mapping[str, float] = field(default_factory=dict)

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


_SUMS: Mapping[str, Sum] = {
    name: hint.__metadata__[0]
    for name, hint in get_type_hints(Summary, include_extras=True).items()
    if hasattr(hint, "__metadata__")
}


def item_weights(items: Sequence[Item], tasks: Mapping[str, Task]) -> list[float]:
    """What each item adds to a weighted mean over tasks; sums to 1. Every task's items share its weight equally."""
    return item_shares([item.task for item in items], weights_of(tasks))


def summarize(items: Sequence[Item], evaluations: Sequence[Evaluation], tasks: Mapping[str, Task]) -> Summary:
    """Sum up one recipe's evaluations.

    Args:
        items: at least one.
        evaluations: one per item, in the same order.
        tasks: by name.
    """
    columns = {one.name: [getattr(evaluation, one.name) for evaluation in evaluations] for one in fields(Evaluation)}
    return summary_of(items, columns, CostTable.of(columns["cost"]), tasks)


def summary_of(items: Sequence[Item], columns: Columns, costs: CostTable, tasks: Mapping[str, Task]) -> Summary:
    """The same from columns; see ``summarize``."""
    sums = {name: add_up(columns) for name, add_up in _SUMS.items()}
    weights, scores = item_weights(items, tasks), sums["scores"]
    accuracy, by_task = None, {}
    if sums["failure"] is None:
        accuracy = math.fsum(score * weight for score, weight in zip(scores, weights, strict=True))
        by_task = means_by_task(items, scores)
    spoken = costs.spoken(sum(columns["steps"]))
    return Summary(accuracy=accuracy, by_task=by_task, cost=costs.mean(weights), spoken=spoken, **sums)


def scores_of(evaluations: Sequence[Evaluation]) -> tuple[float, ...]:
    """Per item, in order; a failure counts 0."""
    return _scores([one.score for one in evaluations])


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
