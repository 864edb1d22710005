"""Answers that end in a marker and the answer proper, after reasoning."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evoswarm.space import SearchSpace, check_files, draw_items, make_tasks
from evoswarm.tasks.scorers import Scorer
from evoswarm.tasks.scorers.settings import ScorerSettings
from evoswarm.tasks.task import Item

REASONED = "Each costs 3, so 24 * 3 = 72.\n#### 72"
GSM8K = Path(__file__).parents[2] / "search_spaces" / "small-llms-gsm8k.yaml"


def behind(kind: str, *markers: str) -> Scorer:
    return ScorerSettings(kind=kind, behind=markers).scorer()


@pytest.mark.parametrize(
    ("scorer", "text", "expected"),
    [
        (behind("numeric", "####"), REASONED, "72"),
        (behind("numeric", "####"), "#### 1\nNo:\n####\n\n  2 \n3", "2"),
        (behind("numeric", "####"), "24 * 3 = 72", ""),
        (behind("numeric", "####"), "#### 5\n24 * 3 = 72\n####", ""),
        (behind("numeric", "####"), "#### about seventy", ""),
        (behind("numeric", r"\boxed"), r"so \boxed{9{,}500} (in 2024)", "9500"),
        (behind("numeric", r"\boxed"), r"so \boxed{95", ""),
        (behind("numeric", "Answer:", "####", r"\boxed"), "#### 1\nANSWER: **72**", "72"),
        (behind("numeric", "Answer:", "Final answer:"), "Final Answer: 3", "3"),
        (behind("choice", "Answer:"), "A is too small, B is not.\nAnswer: (B) because A is wrong", "B"),
        (behind("choice", "Answer:"), "The answer is B", ""),
        (behind("exact", "=>"), "x => y =>  132 regit \nmore", "132 regit"),
    ],
)
def test_only_what_stands_behind_the_last_marker_is_read(scorer: Scorer, text: str, expected: str) -> None:
    assert scorer.extract(text) == expected
    if expected:
        assert scorer.score(Item("k", "t", "q", expected), text) == 1.0


def test_own_answers_are_read_behind_the_marker_too() -> None:
    scorer = behind("numeric", "####")
    for gold in (REASONED, "72"):
        scorer.check_gold(gold)
        assert scorer.score(Item("k", "t", "q", gold), "#### 72.0") == 1.0
        assert scorer.score(Item("k", "t", "q", gold), "72") == 0.0, "no marker, no answer"
    with pytest.raises(ValueError, match="a number in the gold"):
        scorer.check_gold("It is 72.\n#### many")


def test_markers_are_part_of_the_id() -> None:
    kinds = [
        ScorerSettings(kind="numeric").scorer(),
        behind("numeric", "####"),
        behind("numeric", "####", "="),
        behind("exact", "####"),
    ]
    assert len({scorer.id for scorer in kinds}) == len(kinds)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Rows as GSM8K has them, with the reasoning also in a column of its own."""
    path = tmp_path / "rows.jsonl"
    with path.open("w") as file:
        for n in range(60):
            total = 2 * n + 1
            question = f"Ann has {n} apples and buys {n + 1}. How many?"
            reasoning = f"Ann has {n} and buys {n + 1}: {n} + {n + 1} = <<{n}+{n + 1}={total}>>{total}."
            row = {"question": question, "answer": f"{reasoning}\n#### {total}"}
            file.write(json.dumps({**row, "reasoning": reasoning, "number": total}) + "\n")
    return path


def small(rows: Path, *settings: str) -> SearchSpace:
    small_splits = ("splits={search: 8, selection: 8, test: 8}", f"tasks.0.path={rows}", "tasks.0.split=train")
    return SearchSpace.from_yaml(GSM8K, (*small_splits, "tasks.0.subset=null", *settings))


@pytest.mark.parametrize(
    "settings",
    [
        (),
        ("tasks.0.answer='{number}'", r'tasks.0.few_shot.answer="{reasoning}\n#### {number}"'),
    ],
    ids=["in one column", "in columns of their own"],
)
def test_the_space_in_gsm8k_s_form(rows: Path, settings: tuple[str, ...]) -> None:
    space = small(rows, *settings)
    assert all("hub" in note for note in check_files(space))
    (task,) = make_tasks(space)
    item = draw_items(space, [task])["search"][0]
    *examples, question = item.prompt.split("\n\n")
    assert len(examples) == 4
    for example in examples:
        first, second, last = example.split("\n")
        assert first.startswith("Question: Ann has ")
        assert second.startswith("Answer: Ann has ")
        assert last.startswith("#### ")
    assert question.endswith("How many?\nAnswer:")
    number = item.gold.split()[-1]
    assert task.score(item, f"Some reasoning with 5 numbers.\n#### {number}") == 1.0
    assert task.score(item, f"Some reasoning that is cut off, {number}") == 0.0
    assert task.extract(f"Some reasoning that is cut off, {number}") == "", "which is how a cut-off answer is told"
