"""Gold texts are asked before a model is loaded: could they be given at all, and would they be scored as right?"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from evoswarm.errors import TaskError
from evoswarm.space import SearchSpace, draw_items, make_tasks
from evoswarm.space.own_answers import check_golds
from evoswarm.tasks.task import SPLITS, Item, SplitName
from evoswarm.trust import Trust

SPACE = """\
name: golds
pool: [{{name: a, path: zoo:llama-a}}]
tasks:
  - name: own
    source: dataset
    path: own.jsonl
    {settings}
splits: {{search: 8, selection: 8, test: 8}}
"""
Items = Mapping[SplitName, Sequence[Item]]


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """What is said of answers to questions under some settings of their task."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "odd.py").write_text(
        "def none(text, item):\n    return None\n"
        "def nan(text, item):\n    return float('nan')\n"
        "def raises(text, item):\n    return 1 / 0\n"
        "def some(text, item):\n    return 2.0 if text.endswith('0') else 1.0\n"
        "def half(text, item):\n    return 0.5\n"
    )

    def say(
        answer: Callable[[int], str],
        settings: str = "max_bytes: 32",
        change: Callable[[Items], Items] = lambda one: one,
    ) -> list[str]:
        rows = [{"question": f"{n} + 1?", "answer": answer(n)} for n in range(200)]
        (tmp_path / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (tmp_path / "space.yaml").write_text(SPACE.format(settings=settings))
        space = SearchSpace.from_yaml("space.yaml", trust=Trust(scorers=("odd",)))
        (task,) = make_tasks(space)
        return check_golds(space, 0, task, change(draw_items(space, [task])))

    return say


def test_good_golds_need_no_word(said: Callable[..., list[str]]) -> None:
    assert said(lambda n: f" {n + 1} ", "max_bytes: 3") == [], "white space around an answer does not count"


def test_own_answers_beyond_the_limit_are_counted_or_refused(said: Callable[..., list[str]]) -> None:
    (note,) = said(lambda n: "x" * (9 if n % 2 else 8), "max_bytes: 8")
    assert note.startswith("space.yaml:7:")
    assert "tasks.0.max_bytes: expected gold texts of at most 8 bytes (where every answer ends), got " in note
    assert note.endswith(" of 24 that are longer: no answer can be right about them, such as 'xxxxxxxxx' (9 bytes)")
    with pytest.raises(TaskError, match=r"tasks\.0\.max_bytes: .*got 24 of 24 that are longer"):
        said(lambda n: "\u00e9" * 5, "max_bytes: 8")


@pytest.mark.parametrize(
    ("answer", "settings"),
    [
        (lambda n: f"It takes a long way to be {n}.\n#### {n}", "max_bytes: 8\n    scorer: {kind: numeric}"),
        (lambda n: f"It is a long way to {n}.\n#### {n}", "max_bytes: 8\n    scorer: {kind: exact, behind: ['####']}"),
        (lambda n: "The answer is B.", "max_bytes: 1\n    scorer: {kind: choice}"),
        (lambda n: "so it is: left", "max_bytes: 9\n    scorer: {kind: regex, pattern: 'is: (\\w+)'}"),
    ],
    ids=["numeric", "behind", "choice", "regex"],
)
def test_a_long_gold_may_be_said_in_short(
    said: Callable[..., list[str]], answer: Callable[[int], str], settings: str
) -> None:
    assert said(answer, settings) == []


def test_a_marker_takes_room_too(said: Callable[..., list[str]]) -> None:
    settings = "max_bytes: 6\n    scorer: {kind: exact, behind: ['Answer:']}"
    with pytest.raises(TaskError, match="at most 6 bytes"):
        said(lambda n: str(n), settings)


def test_own_answers_with_a_stop_string_in_them(said: Callable[..., list[str]]) -> None:
    (note,) = said(lambda n: "a\nb" if n % 2 else "ab\n", 'stop: ["\\n"]')
    assert "tasks.0.stop: expected gold texts without a stop string" in note
    assert note.endswith("that hold one: no answer can be right about them, such as 'a\\nb'")
    with pytest.raises(TaskError, match=r"tasks\.0\.stop: .*24 of 24"):
        said(lambda n: f"{n}, {n}", 'stop: [","]')


def test_empty_golds_are_counted(said: Callable[..., list[str]]) -> None:
    def without(items: Items) -> Items:
        first, *rest = items["search"]
        return {**items, "search": [dataclasses.replace(first, gold=" "), *rest]}

    (note,) = said(str, change=without)
    assert "tasks.0.scorer.kind: expected a gold text for every item" in note
    assert "got 1 of 24 items without, such as that of '" in note


def test_no_test_item_is_shown(said: Callable[..., list[str]]) -> None:
    def only_in(*splits: SplitName) -> Callable[[Items], Items]:
        def change(items: Items) -> Items:
            return {
                split: [
                    dataclasses.replace(item, gold="a secret") if split in splits else item for item in items[split]
                ]
                for split in SPLITS
            }

        return change

    (note,) = said(str, "max_bytes: 4", only_in("test"))
    assert note.endswith("got 8 of 24 that are longer: no answer can be right about them")
    (note,) = said(str, "max_bytes: 4", only_in("test", "selection"))
    assert "got 16 of 24" in note
    assert "'a secret'" in note


@pytest.mark.parametrize(
    ("name", "got"), [("none", "'None'"), ("nan", "nan"), ("raises", "ZeroDivisionError: division by zero")]
)
def test_a_scorer_that_makes_no_score_of_a_gold_is_refused(said: Callable[..., list[str]], name: str, got: str) -> None:
    with pytest.raises(TaskError, match=r"tasks\.0\.scorer\.kind: ") as caught:
        said(str, f"scorer: {{kind: 'odd:{name}'}}")
    assert "gives an item's own answer a score, got 3 of 3 that have none, such as '" in str(caught.value)
    assert str(caught.value).endswith(got)


def test_a_scorer_that_makes_none_of_some_golds_is_noted(said: Callable[..., list[str]]) -> None:
    def differ(items: Items) -> Items:
        return {
            split: [dataclasses.replace(one, gold=f"{split == 'search':d}") for one in items[split]] for split in SPLITS
        }

    (note,) = said(str, "scorer: {kind: 'odd:some'}", differ)
    assert "got 2 of 3 that have none, such as '0': expected odd:some to return a number in [0, 1], got 2.0" in note


def test_a_scorer_of_the_user_s_may_have_its_reasons(said: Callable[..., list[str]]) -> None:
    (note,) = said(str, "scorer: {kind: 'odd:half'}")
    assert "gives an item's own answer 1, got 3 of 3 that get less, such as '" in note
    assert note.endswith("which gets 0.5")
