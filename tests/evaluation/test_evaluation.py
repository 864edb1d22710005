"""Summaries and paired errors, by hand."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest

from evoswarm.evaluation.cost import Cost, MemberCost
from evoswarm.evaluation.evaluation import Evaluation, item_weights, paired_standard_error, summarize
from evoswarm.evaluation.judge import majority
from evoswarm.recipe import Failure
from evoswarm.tasks.task import Item, Task


@dataclass(frozen=True)
class Weighted:
    """A task of which only the weight matters."""

    name: str
    weight: float


TASKS: dict[str, Task] = {"x": Weighted("x", 3.0), "y": Weighted("y", 1.0)}  # type: ignore[dict-item]
ITEMS = [Item("1", "x", "", ""), Item("2", "y", "", ""), Item("3", "y", "", "")]


def scored(*scores: float) -> list[Evaluation]:
    """Evaluations that cost one FLOP each."""
    return [
        Evaluation(score, cost=Cost((MemberCost("a", 1, 1, 1, 1, 2),)), steps=2, open_steps=1, margin=1.0)
        for score in scores
    ]


def test_accuracy_is_the_weighted_mean_of_task_means() -> None:
    summary = summarize(ITEMS, scored(1, 0, 1), TASKS)
    assert summary.accuracy == pytest.approx((3 * 1 + 1 * 0.5) / 4)
    assert summary.by_task == {"x": 1.0, "y": 0.5}
    assert summary.open_share == 0.5
    assert summary.cost.flops == pytest.approx(1)


def test_weights_sum_to_one_and_absent_tasks_do_not_count() -> None:
    assert item_weights(ITEMS, TASKS) == pytest.approx([0.75, 0.125, 0.125])
    assert item_weights(ITEMS[1:], TASKS) == pytest.approx([0.5, 0.5])


def test_a_failure_is_never_a_number() -> None:
    rows = [*scored(1, 1), Evaluation(None, failure=Failure("non_finite", "member a"))]
    summary = summarize(ITEMS, rows, TASKS)
    assert summary.accuracy is None
    assert summary.failure == Failure("non_finite", "member a")
    assert summary.failures == 1
    with pytest.raises(ValueError, match="failure"):
        summary.objective("flops")


def test_objectives_by_name() -> None:
    summary = summarize(ITEMS, scored(1, 0, 1), TASKS)
    assert summary.objective("accuracy:y") == 0.5
    assert summary.objective("open_share") == 0.5
    assert summary.objective("passes") == pytest.approx(1)


def test_close_decisions_are_counted() -> None:
    rows = [Evaluation(1.0, margin=1e-5), Evaluation(1.0, margin=1e-3), Evaluation(1.0)]
    assert summarize(ITEMS, rows, TASKS).close == 1


def test_paired_standard_error_is_that_of_the_differences() -> None:
    items = [Item(str(number), "x", "", "") for number in range(4)]
    error = paired_standard_error([1, 1, 0, 1], [0, 1, 0, 1], items, TASKS)
    differences = [1, 0, 0, 0]
    spread = sum((d - 0.25) ** 2 for d in differences) / 3
    assert error == pytest.approx(math.sqrt(spread / 4))
    assert paired_standard_error([1, 0], [1, 0], items[:2], TASKS) == 0.0


def test_a_single_item_says_nothing_of_its_spread() -> None:
    assert paired_standard_error([1], [1], ITEMS[:1], TASKS) == 1.0


def test_votes_go_to_the_most_frequent_answer_and_ties_to_the_first_sample() -> None:
    assert majority(["7", "3", "3"]) == 1
    assert majority(["7", "3", "3", "7"]) == 0
    assert majority(["a", "b", "c"]) == 0
