"""The questions of ``search_spaces/real-small.yaml``: asked once, with one right answer, in no favoured place."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from evoswarm.space import SearchSpace, draw_items, make_tasks
from tools import word_sums

ROOT = Path(__file__).parents[2]
DATA = ROOT / "search_spaces" / "data"
FILES = sorted(DATA.glob("*.jsonl"))


def rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_every_file_belongs_to_a_task() -> None:
    space = SearchSpace.from_yaml(ROOT / "search_spaces" / "real-small.yaml")
    assert sorted(Path(task.described_origin).name for task in space.tasks) == [file.name for file in FILES]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_question_is_asked_once_and_does_not_say_the_answer(file: Path) -> None:
    found = rows(file)
    assert len(found) > 200
    questions = Counter(row["question"].casefold() for row in found)
    assert questions.most_common(1)[0][1] == 1
    for row in found:
        gold = row["sum"] if file.stem == "sums" else row["answer"]
        assert gold == gold.strip() != ""
        assert not re.search(rf"\b{re.escape(gold)}\b", row["question"], re.IGNORECASE), row
        assert row["question"].endswith("?"), row


def test_a_capital_is_asked_for_and_asked_back() -> None:
    """Both ways hold the same fact, so neither contradicts the other, and a capital belongs to one country."""
    there, back = {}, {}
    for row in rows(DATA / "capitals.jsonl"):
        asked = row["question"].removesuffix("?")
        if asked.startswith("What is the capital of "):
            there[asked.removeprefix("What is the capital of ")] = row["answer"]
        else:
            back[asked.removeprefix("Which country has the capital ")] = row["answer"]
    assert len(there) > 150
    assert len(set(there.values())) == len(there)
    assert len(back) > 100
    assert all(there[country] == capital for capital, country in back.items())


def test_a_science_question_has_four_options_one_of_them_right_and_in_no_favoured_place() -> None:
    found = rows(DATA / "science.jsonl")
    topics: dict[str, list[int]] = {}
    for row in found:
        assert len({option.casefold() for option in row["choices"]}) == len(row["choices"]) == 4, row
        assert all(option == option.strip() != "" for option in row["choices"]), row
        topics.setdefault(row["topic"], []).append(row["choices"].index(row["answer"]))
    assert set(topics) == {"astronomy", "biology", "body", "chemistry", "earth", "physics"}
    for topic, places in topics.items():
        counts = Counter(places)
        assert max(counts.values()) - min(counts.values()) <= 1, topic
    longest = sum(max(row["choices"], key=len) == row["answer"] for row in found)
    assert longest < 0.4 * len(found), "whoever takes the longest option must not do well"


def test_sums_are_as_they_are_generated_and_right() -> None:
    assert (DATA / "sums.jsonl").read_text("utf-8") == word_sums.text()
    names = {word_sums.in_words(number): number for number in range(100)}
    assert len(names) == 100
    for row in rows(DATA / "sums.jsonl"):
        first, second = row["question"].removeprefix("What is ").removesuffix("?").split(" plus ")
        assert row["worked"] == f"{names[first]} + {names[second]} = {row['sum']}"
        assert names[first] + names[second] == int(row["sum"])


def test_there_are_enough_questions_and_examples_show_how_to_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    space = SearchSpace.from_yaml("search_spaces/real-small.yaml")
    tasks = make_tasks(space)
    items = draw_items(space, tasks)
    assert {split: len(drawn) for split, drawn in items.items()} == space.splits.model_dump(exclude={"shares"})
    for task, item in zip(tasks, items["test"], strict=False):
        *shown, asked = item.prompt.split("\n\n")
        assert len(shown) == 3
        assert asked.endswith("Answer:")
        assert task.score(item, f" {shown[0].rpartition('Answer: ')[2]}") == 0.0
        assert task.score(item, f" {item.gold}") == 1.0
