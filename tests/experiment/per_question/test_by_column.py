"""Accuracy by a column: texts, numbers, what is nested, and what is not there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from evoswarm.errors import RunError
from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.experiment.per_question.by_column import EMPTY, EVERYTHING, MOST_TEXTS, by_column
from evoswarm.experiment.per_question.rows import AnswerRow, PerQuestion
from evoswarm.failure import Failure
from evoswarm.tasks.task import Item

RIGHT, WRONG = Evaluation(score=1.0), Evaluation(score=0.0)


def answered(raws: Sequence[dict[str, Any]], evaluations: Sequence[Evaluation | None] = ()) -> PerQuestion:
    """Answers to items made of these rows, all right unless something else is said."""
    items = [Item(f"{number:064x}", "quiz", "?", "!", raw) for number, raw in enumerate(raws)]
    own = [*evaluations, *[RIGHT] * (len(items) - len(evaluations))]
    rows = (
        AnswerRow(number, item, "?", one, {"a": WRONG, "b": None})
        for number, (item, one) in enumerate(zip(items, own, strict=True), start=1)
    )
    return PerQuestion("selection", items, Path("ledger.sqlite"), rows, {}, Counter())


def names(column: str, values: Sequence[Any]) -> list[tuple[str, int]]:
    return [(group.value, group.items) for group in by_column(answered([{column: value} for value in values]), column)]


def test_means_of_what_is_known() -> None:
    failure = Evaluation(score=None, failure=Failure("scorer_error", "oh"))
    answers = answered([{"level": "low"}] * 4 + [{"level": "high"}], [RIGHT, failure, None, Evaluation(score=0.5)])
    high, low, everything = by_column(answers, "level")
    assert (low.value, low.items, low.champion.items, low.champion.value) == ("low", 4, 3, 0.5)
    assert (high.value, high.items, high.champion.value) == ("high", 1, 1.0)
    assert (everything.value, everything.items, everything.champion.value) == (EVERYTHING, 5, 0.625)
    assert (everything.members["a"].value, everything.members["b"].value) == (0.0, None)


def test_few_numbers_are_in_their_order_whether_texts_or_not() -> None:
    assert names("n", ["10", "9", "", "9"]) == [("9", 2), ("10", 1), (EMPTY, 1), (EVERYTHING, 4)]
    assert names("n", [10, 9.5, None]) == [("9.5", 1), ("10", 1), (EMPTY, 1), (EVERYTHING, 3)]


def test_many_numbers_are_in_quarters() -> None:
    assert names("n", [*range(100), None]) == [
        *(("0 to 24 (quarter 1)", 25), ("25 to 49 (quarter 2)", 25)),
        *(("50 to 74 (quarter 3)", 25), ("75 to 99 (quarter 4)", 25)),
        *((EMPTY, 1), (EVERYTHING, 101)),
    ]


def test_equal_numbers_stay_together() -> None:
    groups = dict(names("n", [0] * 80 + [*range(1, 21)]))
    assert groups["0 to 0 (quarter 1)"] == 80
    assert sum(groups.values()) == 200  # once in a group, once among all


def test_numbers_among_texts_are_texts() -> None:
    assert names("n", ["10", "9", "many"]) == [("10", 1), ("9", 1), ("many", 1), (EVERYTHING, 3)]


def test_of_very_many_texts_the_commonest_are_shown() -> None:
    values = ["common"] * 3 + [f"id {number:03}" for number in range(200)]
    found = names("n", values)
    assert len(found) == MOST_TEXTS + 1
    assert ("common", 3) in found
    assert found[-2:] == [("(162 other values)", 162), (EVERYTHING, 203)]


def test_what_is_nested_and_what_is_no_text() -> None:
    rows: list[dict[str, Any]] = [{"meta": {"hard": True}}, {"meta": {"hard": False}}, {"meta": {}}]
    groups = by_column(answered(rows), "meta.hard")
    assert [group.value for group in groups] == [EMPTY, "false", "true", EVERYTHING]


def test_the_task_unless_the_file_has_one() -> None:
    assert [group.value for group in by_column(answered([{}, {}]), "task")] == ["quiz", EVERYTHING]
    assert [group.value for group in by_column(answered([{"task": "mine"}]), "task")] == ["mine", EVERYTHING]


def test_a_column_that_is_not_there() -> None:
    rows: list[dict[str, Any]] = [{"level": 1, "meta": {"a": 1, "b": 2}}, {"source": "x"}]
    expected = r"--by: expected a column of the items \(task, level, meta.a, meta.b, source\), got 'Level'"
    with pytest.raises(RunError, match=expected):
        by_column(answered(rows), "Level")
