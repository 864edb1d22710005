"""A question is known again whatever is done to it on its way to a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evoswarm.tasks.dataset import DatasetTask
from evoswarm.tasks.question import question_keys
from evoswarm.tasks.reasoning_gym import ReasoningGymTask
from evoswarm.tasks.scorers import Contains, Exact
from evoswarm.tasks.settings import FewShot
from evoswarm.tasks.task import Item

ROWS: list[dict[str, Any]] = [
    {"question": "What is  2 + 2?", "answer": 4, "topic": "sums", "hint": "count"},
    {"question": "Who wrote\n'Emma'?", "answer": "Jane Austen", "topic": "books", "hint": "1815"},
]


def keys(file: Path, **settings: Any) -> set[frozenset[str]]:
    """The keys of all questions of a table."""
    given: dict[str, Any] = {"name": "t", "scorer": Exact(), "path": str(file), **settings}
    return {frozenset(question_keys(item)) for item in DatasetTask(**given).items()}


def same(first: set[frozenset[str]], second: set[frozenset[str]]) -> bool:
    """Whether every question of each is one of the other."""
    return all(any(one & other for other in second) for one in first) and len(first) == len(second)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "questions.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return file


@pytest.mark.parametrize(
    "settings",
    [
        {"name": "other"},
        {"prompt": "Q: {question}\nA:"},
        {"prompt": "({topic}) {question} {hint}"},  # other columns of the same table
        {"answer": "{topic}"},
        {"scorer": Contains(), "stop": ("\n",), "max_bytes": 5},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_settings_of_a_task_change_no_question(table: Path, settings: dict[str, object]) -> None:
    assert same(keys(table), keys(table, **settings))


def test_another_name_or_format_of_the_file_changes_no_question(table: Path, tmp_path: Path) -> None:
    csv = tmp_path / "renamed.csv"
    rows = [["q", "a", "topic", "hint"], *([*map(str, row.values())] for row in ROWS)]
    csv.write_text("\n".join(",".join('"' + cell.replace("  ", " ") + '"' for cell in row) for row in rows) + "\n")
    assert same(keys(table), keys(csv, prompt="{q}", answer="{a}"))


def test_a_corrected_answer_and_a_new_column_change_no_question(table: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text("".join(json.dumps({**row, "answer": "corrected", "id": 7}) + "\n" for row in ROWS))
    assert same(keys(table), keys(other))


def test_other_questions_are_others(table: Path, tmp_path: Path) -> None:
    other = tmp_path / "questions2.jsonl"
    other.write_text("".join(json.dumps({**row, "question": f"{row['question']} Why?"}) + "\n" for row in ROWS))
    assert not any(one & two for one in keys(table) for two in keys(other))


def test_examples_before_a_question_change_nothing(tmp_path: Path) -> None:
    def item(count: int) -> Item:
        task = ReasoningGymTask(
            name="t", scorer=Exact(), family="spell_backward", few_shot=FewShot(count=count, between=" = ")
        )
        found = (one for one in task.items() if one.key == target)
        return next(found)

    plain = ReasoningGymTask(name="t", scorer=Exact(), family="spell_backward")
    target = [one.key for one, _ in zip(plain.items(), range(5), strict=False)][4]
    assert item(2).prompt != item(0).prompt
    assert question_keys(item(2)) == question_keys(item(0))


def test_a_column_that_is_no_plain_data_is_left_out() -> None:
    assert len(question_keys(Item("k", "t", "prompt", "gold", raw={"odd": {1: "x", "y": {2, 3}}}))) == 2
    deep: list[object] = []
    for _ in range(5000):
        deep = [deep]
    assert len(question_keys(Item("k", "t", "prompt", "gold", raw={"deep": deep}))) == 1


def test_what_is_asked_of_whom_is_part_of_the_question(tmp_path: Path) -> None:
    def asked(a: object, b: object) -> set[frozenset[str]]:
        file = tmp_path / "pair.jsonl"
        file.write_text(json.dumps({"a": a, "b": b, "answer": "x"}) + "\n")
        return keys(file, prompt="{a} - {b}")

    assert not next(iter(asked(7, 3))) & next(iter(asked(3, 7)))
    assert asked(7, 3) == asked("7", 3.0)


def test_a_blank_question_is_no_other_blank_one() -> None:
    blank = [question_keys(Item(key, "t", prompt, "")) for key, prompt in (("1", ""), ("2", "  "), ("3", ""))]
    assert len({key for keys_of_one in blank for key in keys_of_one}) == 3
    (only,) = question_keys(Item("4", "t", " ", "", {"picture": "a cat"}))
    assert only not in {key for keys_of_one in blank for key in keys_of_one}


def test_keys_never_change() -> None:
    """Records of years hold them: whoever changes what a key is opens all that was ever opened."""
    row = {"question": "What is 2 + 2?", "answer": 4.0, "ok": True, "none": None, "choices": ["a", 1, {"b": 2.5}]}
    item = Item("k", "t", "Q: What is 2 + 2?", "4", row, {"question": "What is\n 2 + 2?"})
    assert question_keys(item) == ("35c0626c67631ef166a48567050c7e7c", "7d71c406680720ade51fe35798aea667")
    assert question_keys(Item("k", "t", "Café?", "")) == question_keys(Item("k", "t", "Cafe\u0301?", ""))
