"""Tasks of the evaluation harness as tasks of a search: its prompts, examples, filters and metrics."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lm_eval.tasks import TaskManager
from lm_eval.tasks._yaml_loader import load_yaml

from evoswarm.cli import run
from evoswarm.errors import SpaceError, TaskError
from evoswarm.space import SearchSpace, make_tasks
from evoswarm.tasks.harness.loading import _shipped
from evoswarm.tasks.harness.task import HarnessTask
from evoswarm.tasks.task import Item
from evoswarm.trust import NOBODY, Trust

GENERATES = """
task: sums
dataset_path: json
dataset_kwargs: {data_files: {train: shown.jsonl, test: asked.jsonl}, cache_dir: cached}
test_split: test
training_split: train
fewshot_split: train
num_fewshot: 2
description: "Add.\\n\\n"
doc_to_text: "{{a}}+{{b}}="
doc_to_target: "{{answer}}"
target_delimiter: ""
fewshot_delimiter: "\\n"
generation_kwargs: {until: ["\\n", "</s>", "<|im_end|>"], max_gen_toks: 4}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
filter_list:
  - {name: whole, filter: [{function: take_first}]}
  - {name: number, filter: [{function: regex, regex_pattern: "(-?[0-9]+)"}, {function: take_first}]}
"""
LABELS = """
task: signs
dataset_path: json
dataset_kwargs: {data_files: {test: asked.jsonl}, cache_dir: cached}
test_split: test
output_type: multiple_choice
doc_to_text: "Is {{a}} more than {{b}}?"
doc_to_target: "{{1 if a > b else 0}}"
doc_to_choice: ["no", "yes"]
"""
CHANGES: dict[str, tuple[str, str, str]] = {
    "own options": (LABELS, '["no", "yes"]', '"{{[answer, a|string]}}"'),
    "corpus": (GENERATES, "metric: exact_match, aggregation: mean", "metric: bleu, aggregation: bleu"),
    "code": (GENERATES, "task: sums", "task: sums\nunsafe_code: true"),
    "no limit": (GENERATES, "max_gen_toks: 4", "max_gen_toks: few"),
    "likelihoods": (LABELS, "multiple_choice", "loglikelihood"),
    "template": (GENERATES, "{{a}}+{{b}}=", "{{nothing.at_all}}"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the tasks' files."""
    monkeypatch.chdir(tmp_path)
    for name, first in (("asked", 10), ("shown", 60)):
        rows = ({"a": n, "b": 2 * n % 40, "answer": str(n + 2 * n % 40)} for n in range(first, first + 40))
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "sums.yaml").write_text(GENERATES)
    (tmp_path / "signs.yaml").write_text(LABELS)
    for name, (text, old, new) in CHANGES.items():
        assert old in text
        (tmp_path / f"{name}.yaml").write_text(text.replace(old, new))
    return tmp_path


@pytest.fixture
def made(folder: Path) -> Callable[..., HarnessTask]:
    """The task of a space with these keys."""

    def make(benchmark: str = "sums.yaml", trust: Trust | None = None, **keys: Any) -> HarnessTask:
        said = {"name": "t", "source": "lm_eval", "benchmark": benchmark, **keys}
        text = SPACE.replace("TASK", json.dumps(said))
        trusted = Trust(scorers=(benchmark,)) if trust is None else trust
        Path("space.yaml").write_text(text)
        task = make_tasks(SearchSpace.from_yaml("space.yaml", trust=trusted))[0]
        assert isinstance(task, HarnessTask)
        return task

    return make


SPACE = """
name: judged
pool: [{name: a, path: "zoo:llama-a"}, {name: b, path: "zoo:gpt2-c"}]
tasks: [TASK]
splits: {search: 8, selection: 8, test: 8}
evolution: {generations: 2, islands: 1, population: 4}
tracking: {mlflow: false}
"""


def test_prompts_and_scores_are_the_harnesss(made: Callable[..., HarnessTask]) -> None:
    task = made(limit=30)
    theirs = next(iter(TaskManager(include_defaults=False).load([load_yaml("sums.yaml")])["tasks"].values()))
    theirs.set_fewshot_seed(1234)
    theirs.build_all_requests(limit=30)
    items = {tuple(item.raw.values()): item for item in task.items()}
    assert len(items) == 30
    for instance in theirs.instances:
        item = items[tuple(instance.doc.values())]
        assert (item.prompt, item.gold) == (instance.args[0], instance.doc["answer"])
        assert item.prompt.count("=") == 3
        for text in (item.gold, f"{item.gold}, or so", "0", ""):
            instance.resps, instance.filtered_resps = [text], {}
            theirs._instances = [instance]
            theirs.apply_filters()
            wanted = theirs.process_results(instance.doc, [instance.filtered_resps["whole"]])
            assert task.score(item, text) == wanted["exact_match"]
    assert (task.max_bytes, task.stop) == (16, ("\n",))  # special tokens are in no answer
    assert [item.key for item in items.values()] == sorted(item.key for item in items.values())


def test_what_a_space_says_goes_before(made: Callable[..., HarnessTask]) -> None:
    plain = list(made().items())
    task = made(num_fewshot=1, filter="number", max_bytes=5, stop=[";"])
    items = list(task.items())
    assert [item.key for item in items] == [item.key for item in plain]  # words around a question move no item
    assert all(item.prompt.count("=") == 2 for item in items)
    assert (task.max_bytes, task.stop) == (5, (";",))
    assert task.extract("It is 12.") == "12"
    assert task.score(items[0], f"It is {items[0].gold}.") == 1.0
    assert task.scorer_id != made().scorer_id
    assert made(fewshot_seed=1).scorer_id == made().scorer_id
    assert [item.prompt for item in made(fewshot_seed=1).items()] != [item.prompt for item in plain]


def test_an_item_is_never_among_its_own_examples(made: Callable[..., HarnessTask]) -> None:
    items = list(made(documents="training", num_fewshot=8).items())
    assert len(items) == 40
    for item in items:
        assert item.raw["a"] >= 60
        question = f"{item.raw['a']}+{item.raw['b']}="
        assert item.prompt.count(question) == 1
        assert item.prompt.endswith(question)


def test_labels_of_multiple_choice_are_written(made: Callable[..., HarnessTask]) -> None:
    task = made("signs.yaml")
    items: list[Item] = list(task.items())
    assert {item.gold for item in items} == {"yes", "no"}
    assert (task.max_bytes, task.stop) == (len(" yes"), ("\n",))
    assert all(task.score(item, f" {item.gold}") == 1.0 and task.score(item, "maybe") == 0.0 for item in items)


def test_a_file_is_code_that_its_caller_has_to_allow(made: Callable[..., HarnessTask], folder: Path) -> None:
    with pytest.raises(TaskError, match=r"tasks.0.benchmark: expected a task of the harness's own, or a file that you"):
        made(trust=NOBODY)
    (folder / "space.yaml").write_text(SPACE.replace("TASK", "{name: t, source: lm_eval, benchmark: sums.yaml}"))
    assert run(["check", "space.yaml"]) == 2
    assert run(["check", "space.yaml", "--allow-scorer", "sums.yaml"]) == 0


@pytest.mark.parametrize(
    ("benchmark", "keys", "error"),
    [
        ("nowhere.yaml", {}, r"tasks.0.benchmark: expected a file or folder that is there, got 'nowhere.yaml'"),
        ("own options.yaml", {}, r"the same labels for every item .* options of their own"),
        ("corpus.yaml", {}, r"tasks.0.metric: expected a task with a metric that is a mean .* got 'bleu'"),
        ("sums.yaml", {"metric": "f1"}, r"tasks.0.metric: expected one of exact_match .* got 'f1'"),
        ("sums.yaml", {"filter": "last"}, r"tasks.0.filter: expected one of whole, number, got 'last'"),
        ("code.yaml", {}, r"expected a task that only reads answers, got 'code.yaml', whose metric runs them"),
        ("no limit.yaml", {}, "no limit.yaml: generation_kwargs: max_gen_toks: expected a number from 0, got 'few'"),
        ("likelihoods.yaml", {}, r"expected a task that is answered by writing, got one of kind loglikelihood"),
        ("template.yaml", {}, r"expected a task that lm_eval can load"),
    ],
)
def test_tasks_that_no_search_can_use(
    made: Callable[..., HarnessTask], benchmark: str, keys: dict[str, Any], error: str
) -> None:
    with pytest.raises(TaskError, match=error):
        list(made(benchmark, **keys).items())


def test_names_are_looked_up_once_and_read_no_file(
    made: Callable[..., HarnessTask], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scans: list[Path] = []

    class Shipped(TaskManager):  # type: ignore[misc]  # the harness has no types
        def __init__(self) -> None:
            scans.append(folder)
            super().__init__(include_path=folder / "shipped", include_defaults=False)

    (folder / "shipped").mkdir()
    (folder / "shipped/named.yaml").write_text(GENERATES.replace("task: sums", "task: named"))
    (folder / "shipped/several.yaml").write_text("group: several\ntask: [named]\n")
    (folder / "unnamed").write_text(GENERATES)
    monkeypatch.setattr("lm_eval.tasks.TaskManager", Shipped)
    _shipped.cache_clear()
    try:
        assert [made("named", trust=NOBODY).loaded.task_name for _ in range(2)] == ["named", "named"]
        with pytest.raises(TaskError, match=r"a name that lm_eval knows, or a file ending in \.yaml, got 'unnamed'"):
            made("unnamed", trust=NOBODY)
        with pytest.raises(TaskError, match=r"expected one task, got a group \('several'\): name its tasks"):
            made("several", trust=NOBODY)
    finally:
        _shipped.cache_clear()
    assert scans == [folder]


def test_what_decides_a_score_is_named_by_its_code(made: Callable[..., HarnessTask], folder: Path) -> None:
    pipeline = "[{function: custom, filter_fn: !function own.first}, {function: !function own.Same}]"
    plain = "[{function: take_first}]"
    assert plain in GENERATES
    (folder / "own.yaml").write_text(GENERATES.replace(plain, pipeline))
    code = folder / "own.py"
    code.write_text(
        "from lm_eval.api.filter import Filter\n\ndef head(answers):\n    return answers[0]\n\n"
        "def first(answers, documents):\n    return [head(one) for one in answers]\n\n"
        "class Same(Filter):\n    def apply(self, answers, documents):\n        return answers\n"
    )
    found = made("own.yaml")
    os.utime(code, ns=(1, 1))  # loaded once more: its functions lie elsewhere in memory
    again = made("own.yaml")
    assert again.loaded.config.filter_list[0]["filter"] != found.loaded.config.filter_list[0]["filter"]
    assert again.scorer_id == found.scorer_id
    code.write_text(code.read_text().replace("answers[0]", "answers[-1]"))
    assert made("own.yaml").scorer_id != found.scorer_id


def test_a_missing_harness_is_named_by_what_brings_it(
    made: Callable[..., HarnessTask], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evoswarm.tasks.harness.loading.find_spec", lambda name: None)
    with pytest.raises(TaskError, match=r"tasks.0.source: expected lm_eval .*: pip install 'evoswarm\[lm-eval\]'"):
        made()


def test_documents_that_a_task_lacks(made: Callable[..., HarnessTask]) -> None:
    with pytest.raises(TaskError, match="documents: expected one of training, test, got 'validation'"):
        list(made(documents="validation").items())


@pytest.mark.parametrize(
    ("keys", "error"),
    [
        ({"scorer": {"kind": "numeric"}}, "tasks.0.scorer: expected no scorer"),
        ({"few_shot": {"count": 2}}, "tasks.0.few_shot: expected num_fewshot"),
        ({"include_path": "here"}, "tasks.0.include_path: expected none"),
    ],
)
def test_keys_of_other_sources(made: Callable[..., HarnessTask], keys: dict[str, Any], error: str) -> None:
    with pytest.raises(SpaceError, match=error):
        made(**keys)
