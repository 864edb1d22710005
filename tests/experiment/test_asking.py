"""A policy's questions are asked as its tasks asked them, so that its answers are those that were scored."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evoswarm.answering.answers import answer
from evoswarm.cli.given.questions import read_questions
from evoswarm.errors import RecipeError, RunError
from evoswarm.evaluation.ledger import Ledger
from evoswarm.experiment.asking import LONGEST_ANSWER, NO_TASK, Asking, example
from evoswarm.experiment.result import SearchResult
from evoswarm.experiment.session import search
from evoswarm.experiment.workbench import workbench
from evoswarm.policies import Policy, PolicyDocument, load_document
from evoswarm.space import SearchSpace
from evoswarm.tasks.task import Item
from tests.policies.test_about import about
from tests.policies.test_kinds import EXAMPLES, alone

Micro = Callable[..., SearchSpace]

ROWS = [{"word": f"{a}{b}ler", "back": f"rel{b}{a}"} for a in "spmcg" for b in "aoiudrn"]


def document(policy: Policy | None = None, **tasks: dict[str, Any]) -> PolicyDocument:
    return PolicyDocument(policy or alone("a"), about(tasks=tasks))


def scored(space: SearchSpace, result: SearchResult) -> list[tuple[Item, str]]:
    """The selection items, and what the ledger holds of the champion's answers to them."""
    with workbench(space, result.ledger) as bench:
        items = bench.items["selection"]
        before = Ledger(result.ledger).count()
        rows = bench.evaluator.evaluate([result.champion], items)[0]
        assert Ledger(result.ledger).count() == before
        return [(item, row.answer) for item, row in zip(items, rows, strict=True)]


def test_answers_are_those_that_were_scored(finished: SearchResult, micro: Micro) -> None:
    for item, text in scored(micro(), finished):
        found = answer(finished.directory, [item.prompt], task=item.task)
        assert [one.text for one in found] == [text]
    with pytest.raises(RunError, match="spell, sum, got 'nobody'"):
        answer(finished.directory, ["x"], task="nobody")


def test_a_route_by_task_that_knows_the_tasks_prompts_takes_raw_questions() -> None:
    """Only where the tasks ask alike; a named task counts all the same."""
    tasks = {"sums": {"max_bytes": 9}, "words": {"max_bytes": 7}}
    by_task, *_, with_prompts = EXAMPLES["route"]
    assert Asking.of(document(with_prompts, **tasks)) == Asking(max_bytes=9, task=NO_TASK)
    assert Asking.of(document(with_prompts, **tasks), "words").task == "words"
    with pytest.raises(RunError, match="who answers"):
        Asking.of(document(by_task, **tasks))
    with pytest.raises(RunError, match="stop strings"):
        Asking.of(document(with_prompts, sums={"max_bytes": 9, "stop": ["."]}, words={"max_bytes": 7}))


@pytest.fixture(scope="module")
def worded(micro: Micro, tmp_path_factory: pytest.TempPathFactory) -> tuple[SearchSpace, SearchResult]:
    """A search whose task has a template, worked examples and stop strings."""
    root = tmp_path_factory.mktemp("worded")
    with (root / "words.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, ["word", "back"])
        table.writeheader()
        table.writerows(ROWS)
    source = {"source": "dataset", "path": str(root / "words.csv"), "prompt": "rev {word}=", "answer": "{back}"}
    task = {"name": "words", **source, "max_bytes": 9, "stop": ["t"], "few_shot": {"count": 1}}
    space = micro(
        f"tasks={json.dumps([task])}",
        "splits={search: 3, selection: 4, test: 1}",
        "evolution={generations: 1, islands: 1, population: 3}",
    )
    return space, search(space, runs=root / "runs", certify=False)


def test_a_question_alone_is_put_into_the_template_behind_the_examples(
    worded: tuple[SearchSpace, SearchResult],
) -> None:
    space, result = worded
    known = load_document(result.directory)
    assert known.about is not None
    said = known.about.tasks["words"]
    assert (said.prompt, said.stop, said.max_bytes) == ("rev {word}=", ("t",), 9)
    assert said.examples
    items = scored(space, result)
    questions = [item.raw["word"] for item, _ in items]
    assert [Asking.of(known).worded(question) for question in questions] == [item.prompt for item, _ in items]
    assert [one.text for one in answer(result.directory, questions)] == [text for _, text in items]
    assert [one.text for one in answer(result.directory, [item.raw for item, _ in items])] == [
        text for _, text in items
    ]
    assert result.example == (questions[0], None)


def test_tasks_that_differ_have_to_be_named_and_limits_alone_do_not() -> None:
    alike = document(one={"max_bytes": 8}, two={"max_bytes": 12})
    assert Asking.of(alike).max_bytes == 12
    assert Asking.of(alike, "one").max_bytes == 8
    differing = document(one={"max_bytes": 8}, two={"max_bytes": 8, "stop": ["\n"]})
    with pytest.raises(RunError, match=r"^task: expected one of one, two \(they differ in their stop strings\)"):
        Asking.of(differing)
    assert Asking.of(differing, "two").stop == ("\n",)
    assert Asking.of(differing, stop=["#"]).stop == ("#",)
    assert Asking.of(differing, max_bytes=3, stop=[]).max_bytes == 3
    item = Item("key", "two", "What?", "")
    assert (example(differing, item), example(alike, item)) == (("What?", "two"), ("What?", None))


def test_a_router_by_task_wants_to_know_the_task() -> None:
    by_task, by_confidence, by_cluster, _ = EXAMPLES["route"]
    tasks = {"sums": {"max_bytes": 8}, "words": {"max_bytes": 8}}
    assert Asking.of(document(by_confidence, **tasks)).max_bytes == 8
    assert Asking.of(document(by_cluster, **tasks)).max_bytes == 8
    with pytest.raises(RunError, match=r"expected one of sums, words \(they differ in who answers\)"):
        Asking.of(document(by_task, **tasks))
    assert Asking.of(document(by_task, **tasks), "sums").task == "sums"


@pytest.mark.parametrize(
    ("scorer", "text", "answer"),
    [
        ({}, " a ", "a"),
        ({"kind": "numeric"}, "that is 7.0.", "7"),
        ({"kind": "exact", "behind": ["####"]}, "so #### 7", "7"),
        ({"kind": "verifier"}, "well <answer>7</answer>", "7"),
        ({"kind": "mine:score"}, " whole text ", "whole text"),
    ],
)
def test_votes_count_what_the_scorer_reads(scorer: dict[str, Any], text: str, answer: str) -> None:
    task = {"max_bytes": 8, "scorer": scorer}
    assert Asking.of(document(EXAMPLES["vote"][1], sums=task)).extract(text) == answer
    assert Asking.of(document(alone("a"), sums=task)).extract(text) == text.strip()  # nothing is elected


@pytest.mark.parametrize(
    ("task", "path", "words"),
    [
        ({"prompt": "{question"}, "about.tasks.sums.prompt", "stray '{'"),
        ({"scorer": {"kind": "none"}}, "about.tasks.sums.scorer.kind", "expected a scorer"),
        ({"scorer": {"tolerance": "much"}}, "about.tasks.sums.scorer", "expected settings of a scorer"),
    ],
)
def test_what_a_file_cannot_mean_is_refused(task: dict[str, Any], path: str, words: str) -> None:
    with pytest.raises(RecipeError) as caught:
        Asking.of(document(EXAMPLES["vote"][1], sums={"max_bytes": 8, **task}), file="champion.json")
    assert str(caught.value.where) == f"champion.json: {path}"
    assert words in caught.value.message


def test_of_a_file_that_does_not_say_nothing_is_known() -> None:
    bare = PolicyDocument(alone("a"))
    assert (Asking.of(bare).max_bytes, Asking.of(bare).stop) == (LONGEST_ANSWER, ())
    with pytest.raises(RunError, match=r"expected no task \(old\.json does not say how its tasks asked\)"):
        Asking.of(bare, "sums", file="old.json")


SEVERAL = {"max_bytes": 8, "prompt": "{question}: {options:lettered}", "examples": "1 or 2? 1\n"}


def test_a_text_is_no_template_of_several_columns_and_a_row_is() -> None:
    asking = Asking.of(document(sums=SEVERAL))
    assert asking.worded("3 or 4?") == "1 or 2? 1\n3 or 4?"
    assert asking.worded({"question": "Which?", "options": ["3", "4"]}) == "1 or 2? 1\nWhich?: A. 3\nB. 4"
    with pytest.raises(RunError, match="expected a value at 'options', got none"):
        asking.worded({"question": "Which?"})


def test_a_table_with_the_columns_of_the_task_is_asked_as_the_task_does(tmp_path: Path) -> None:
    asking, file = Asking.of(document(sums=SEVERAL)), tmp_path / "ask.jsonl"
    rows = [{"question": "Which?", "options": ["3", "4"], "nr": 1}, {"question": "And?", "options": ["5"], "nr": 2}]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert list(read_questions(None, file).asked(asking)) == rows
    assert read_questions(None, file, "question").asked(asking) == ["Which?", "And?"]
    assert read_questions(None, file).asked(Asking()) == ["Which?", "And?"]
    file.write_text(json.dumps({"question": "Which?", "options": 7}))
    with pytest.raises(RunError, match=r"ask\.jsonl: row 1: expected .* 'options'"):
        read_questions(None, file).asked(asking)
    file.write_text(json.dumps({"other": "Which?"}))
    with pytest.raises(RunError, match=r"expected a column 'prompt' or 'question' \(--column names the one"):
        read_questions(None, file).asked(asking)
