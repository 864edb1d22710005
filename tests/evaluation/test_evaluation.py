"""Summaries, by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import get_args

import pytest

from evoswarm.confined.function import CallFailed
from evoswarm.errors import TaskError
from evoswarm.evaluation.cost import Cost, MemberCost
from evoswarm.evaluation.evaluation import Ending, Evaluation, item_weights, summarize
from evoswarm.evaluation.failures import FailedItems, failed_items, in_words, lasts, remedy, sentence, together
from evoswarm.evaluation.judge import elected, ending_of, scorer_failure
from evoswarm.failure import Failure, FailureKind
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


def test_who_spoke_is_a_share_of_all_steps_whatever_the_tasks_weigh() -> None:
    """As a certificate counts it, and open shares are: a mean over tasks would be another figure beside them."""
    rows = [
        Evaluation(
            1.0, cost=Cost((MemberCost("a", 1, 1, 1, 1, n), MemberCost("b", 1, 1, 1, 1, b))), steps=n, open_steps=b
        )
        for n, b in ((10, 5), (2, 2), (8, 0))
    ]
    summary = summarize(ITEMS, rows, TASKS)
    assert summary.spoken == {"a": 1.0, "b": 0.35}
    assert summary.open_share == summary.spoken["b"]  # of one follower they are the same
    lost = Evaluation(None, failure=Failure("time_out", "slow"))
    assert summarize(ITEMS, [rows[0], lost, lost], TASKS).spoken == {"a": 1.0, "b": 0.5}
    assert summarize(ITEMS, [lost] * 3, TASKS).spoken == {}


def test_weights_sum_to_one_and_absent_tasks_do_not_count() -> None:
    assert item_weights(ITEMS, TASKS) == pytest.approx([0.75, 0.125, 0.125])
    assert item_weights(ITEMS[1:], TASKS) == pytest.approx([0.5, 0.5])


def failing(kind: FailureKind, member: str = "", flops: float = 0.0) -> Evaluation:
    """An item without an answer, for so many FLOPs."""
    cost = Cost((MemberCost("a", 1, 1, 1, flops, 0),))
    return Evaluation(None, cost=cost, failure=Failure(kind, f"{kind}!", member))


def test_a_failed_item_is_a_wrong_answer_that_is_counted() -> None:
    summary = summarize(ITEMS, [*scored(1, 1), failing("non_finite", "a", flops=9)], TASKS)
    assert summary == replace(
        summarize(ITEMS, scored(1, 1, 0), TASKS),
        cost=summary.cost,
        failed=(FailedItems("non_finite", "a", 1, "non_finite!"),),
    )
    assert (summary.failure, summary.failures, summary.items) == (None, 1, 3)
    assert summary.objective("accuracy") == pytest.approx(0.75 + 0.125)
    assert summary.cost.flops == pytest.approx(0.875 + 9 * 0.125), "of failed items what was read"


def test_who_fails_on_every_item_has_no_accuracy_and_the_commonest_failure() -> None:
    rows = [failing("no_mass"), failing("prompt_too_long", "a"), failing("prompt_too_long", "a")]
    summary = summarize(ITEMS, rows, TASKS)
    assert summary.accuracy is None
    assert summary.by_task == {}
    assert summary.failure == Failure("prompt_too_long", "prompt_too_long!", "a")
    assert [(one.kind, one.items) for one in summary.failed] == [("prompt_too_long", 2), ("no_mass", 1)]
    with pytest.raises(ValueError, match="failure"):
        summary.objective("flops")


def test_a_task_that_fails_as_a_whole_counts_zero() -> None:
    summary = summarize(ITEMS, [failing("prompt_too_long", "a"), *scored(1, 0)], TASKS)
    assert summary.by_task == {"x": 0.0, "y": 0.5}
    assert summary.accuracy == pytest.approx(0.125)


def test_answers_that_reach_their_limit_are_counted_apart() -> None:
    endings: list[Ending | None] = ["cut_off", "limit", None]
    rows = [replace(row, ending=ending) for row, ending in zip(scored(0, 1, 0), endings, strict=True)]
    summary = summarize(ITEMS, rows, TASKS)
    assert (summary.at_limit, summary.cut_off, summary.failures) == (2, 1, 0)
    assert (ending_of("limit", ""), ending_of("limit", "7"), ending_of("end", "")) == ("cut_off", "limit", "end")


def test_failures_in_words_name_the_member_and_what_to_do() -> None:
    rows = [failing("prompt_too_long", "small"), failing("scorer_error"), failing("prompt_too_long", "small")]
    failed = failed_items(row.failure for row in rows)
    assert in_words(failed) == "the context of small is too short (2), an error of the scorer (1)"
    assert remedy(failed) == "Recipes without small do not fail there for this reason."
    assert remedy(failed[1:]) == ""
    assert together([failed, failed[1:], ()]) == (failed[0], replace(failed[1], items=2))


@pytest.mark.parametrize("kind", get_args(FailureKind))
def test_every_kind_of_failure_has_words_with_and_without_a_member(kind: FailureKind) -> None:
    assert FailedItems(kind, "", 1).words != FailedItems(kind, "small", 1).words
    assert "small" in FailedItems(kind, "small", 1).words
    assert sentence(Failure(kind, "why")).endswith(" (why)")


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        (ValueError("odd"), "scorer_error"),
        (CallFailed("it raised"), "scorer_error"),
        (CallFailed("it took more than 5 s", killed=True), "time_out"),
        (TimeoutError("slow"), "time_out"),
        (MemoryError(), "out_of_memory"),
    ],
)
def test_what_a_scorer_had_no_time_or_memory_for_is_owed_to_the_moment(cause: Exception, kind: str) -> None:
    wrapped = TaskError("expected mine:score to return a score")
    wrapped.__cause__ = cause
    for error in (cause, wrapped):
        failure = scorer_failure(error)
        assert failure.kind == kind
        assert lasts(failure) == (kind == "scorer_error")


def test_objectives_by_name() -> None:
    summary = summarize(ITEMS, scored(1, 0, 1), TASKS)
    assert summary.objective("accuracy:y") == 0.5
    assert summary.objective("open_share") == 0.5
    assert summary.objective("passes") == pytest.approx(1)


def test_close_decisions_are_counted() -> None:
    rows = [Evaluation(1.0, margin=1e-5), Evaluation(1.0, margin=1e-3), Evaluation(1.0)]
    assert summarize(ITEMS, rows, TASKS).close == 1


def test_votes_go_to_the_most_frequent_answer_and_ties_to_the_first_sample() -> None:
    assert elected([(answer, 1.0) for answer in ["7", "3", "3"]]) == 1
    assert elected([(answer, 1.0) for answer in ["7", "3", "3", "7"]]) == 0
    assert elected([(answer, 1.0) for answer in ["a", "b", "c"]]) == 0
    assert (
        elected([(answer, 1.0) for answer in ["", "7", "", "", "7"]]) == 1
    )  # what was cut off before its answer outvotes nobody
    assert elected([(answer, 1.0) for answer in ["", ""]]) == 0
