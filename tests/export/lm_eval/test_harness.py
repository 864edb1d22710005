"""The harness's own command line judges a policy on local tasks: a hundred answers, choices and whole texts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import chdir, redirect_stderr
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from lm_eval.api.instance import Instance
from lm_eval.tasks import TaskManager

from evoswarm.answering.answers import answer
from evoswarm.answering.engine import Engine
from evoswarm.answering.reach import longest
from evoswarm.cli import run
from evoswarm.errors import RunError
from evoswarm.experiment.drawn import draw
from evoswarm.export.lm_eval.asked import as_context
from evoswarm.export.lm_eval.model import SPARE, HarnessModel
from evoswarm.policies import Policy, load_policy
from evoswarm.space import SearchSpace, make_tasks
from evoswarm.tasks.task import Item
from tests.decoding.recipes import recipe
from tests.export.conftest import SPACE

TASK = """
task: {name}
dataset_path: json
dataset_kwargs: {{data_files: {{test: items.jsonl}}, cache_dir: cached}}
test_split: test
output_type: {kind}
doc_to_text: "{{{{question}}}}"
"""
TASKS = {
    "answers": TASK.format(name="answers", kind="generate_until")
    + """doc_to_target: "{{answer}}"
generation_kwargs: {until: ["\\n\\n"], max_gen_toks: 12}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
""",
    "choices": TASK.format(name="choices", kind="multiple_choice")
    + """doc_to_target: 0
doc_to_choice: choices
target_delimiter: ""
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
""",
    "texts": TASK.format(name="texts", kind="loglikelihood_rolling")
    + """doc_to_target: "{{question}}{{answer}}"
metric_list: [{metric: bits_per_byte, aggregation: bits_per_byte, higher_is_better: false}]
""",
}


@pytest.fixture(scope="module", autouse=True)
def without_shipped_tasks() -> Iterator[None]:
    """The harness's own tasks take seconds to find, and none of them is asked for here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lm_eval.tasks.TaskManager", partial(TaskManager, include_defaults=False))
        yield


@pytest.fixture(scope="module")
def drawn() -> list[Item]:
    return list(draw(SearchSpace.from_text(SPACE, "tried.yaml")).items["test"])


@pytest.fixture(scope="module")
def judged(policy_file: Path, drawn: list[Item], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What the harness writes of each task: its samples, and its results."""
    folder = tmp_path_factory.mktemp("harness")
    rows = ({"question": one.prompt, "answer": one.gold, "choices": [one.gold, "12", "x"]} for one in drawn)
    (folder / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name, text in TASKS.items():
        (folder / f"{name}.yaml").write_text(text)
    with chdir(folder), redirect_stderr(StringIO()) as said:
        names = ",".join(f"{name}.yaml" for name in TASKS)
        typed = ["lm-eval", "--model_args", f"policy={policy_file}", "--tasks", names, "--output_path", "out"]
        assert run([*typed, "--log_samples"]) == 0
        found: dict[str, Any] = {}
        for file in Path("out").rglob("samples_*.jsonl"):
            samples = [json.loads(line) for line in file.read_text().splitlines()]
            found[file.name.split("_")[1]] = sorted(samples, key=lambda one: one["doc_id"])
        results = next(Path("out").rglob("results_*.json"))
        yield {**found, "results": json.loads(results.read_text()), "said": said.getvalue()}


def test_answers_are_those_of_evoswarm(
    judged: Mapping[str, Any], evoswarm_answers: list[str], drawn: list[Item], policy_file: Path
) -> None:
    answers = [sample["resps"][0][0] for sample in judged["answers"]]
    assert len(answers) == 100
    assert answers == evoswarm_answers
    tasks = {task.name: task for task in make_tasks(SearchSpace.from_text(SPACE, "tried.yaml"))}
    scores = [tasks[item.task].score(item, text) for item, text in zip(drawn, answers, strict=True)]
    assert judged["results"]["results"]["answers"]["exact_match,none"] == sum(scores) / 100
    assert 0 < sum(scores) < 100
    assert judged["results"]["config"]["policy_digest"] == load_policy(policy_file).digest
    assert judged["said"].startswith(f"lm-eval: {policy_file}; "), "before the harness is imported, which takes a while"


def test_choices_are_those_of_the_fused_distribution(
    judged: Mapping[str, Any], drawn: list[Item], policy_file: Path
) -> None:
    engine, choices = Engine.load(policy_file), ("12", "x")
    pairs = [(item.prompt, text) for item in drawn for text in (item.gold, *choices)]
    wanted = engine.log_likelihoods(pairs)
    found = [resp[0] for sample in judged["choices"] for resp in sample["resps"]]
    assert [float(total) for total, _ in found] == pytest.approx([one.total for one in wanted], abs=1e-3)
    assert [greedy in (True, "True") for _, greedy in found] == [one.greedy for one in wanted]
    totals = [[one.total for one in wanted[start : start + 3]] for start in range(0, 300, 3)]
    right = sum(three[0] == max(three) for three in totals)
    assert judged["results"]["results"]["choices"]["acc,none"] == right / 100
    whole = engine.log_likelihoods([("", item.prompt + item.gold) for item in drawn])
    assert [float(one["resps"][0][0]) for one in judged["texts"]] == pytest.approx(
        [one.total for one in whole], abs=1e-3
    )


def asked(kind: str, *arguments: tuple[Any, ...]) -> list[Instance]:
    return [Instance(kind, {}, one, number, ("t", number, 1)) for number, one in enumerate(arguments)]


def write(policy: Policy, folder: Path) -> HarnessModel:
    return HarnessModel(policy=str(policy.save(folder / "policy.json")))


def test_votes_answer_but_have_no_probabilities(vote_file: Path, items: list[str]) -> None:
    model = HarnessModel(policy=str(vote_file))
    some = items[:4]
    found = model.generate_until(asked("generate_until", *((one, {"until": [], "max_gen_toks": 12}) for one in some)))
    assert found == [one.text for one in answer(vote_file, some)]
    with pytest.raises(
        RunError, match="expected a policy with a distribution over next symbols, got one without: a vote"
    ):
        model.loglikelihood(asked("loglikelihood", ("a", "b")))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> HarnessModel:
    """Of two members."""
    return write(recipe("llama-a", "gpt2-c"), tmp_path_factory.mktemp("pair"))


def test_long_contexts_are_cut_on_the_left_and_long_texts_in_windows(
    model: HarnessModel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    short, long = "47+85=", "9" * 1600 + "47+85="
    told = model.generate_until(asked("generate_until", *((one, {"max_gen_toks": 4}) for one in (long, short))))
    assert told[1] == "132"
    lost = "1 contexts are too long for a member and lost their beginning"
    assert [one.message for one in caplog.records] == [lost]
    caplog.clear()
    scores = model.loglikelihood(asked("loglikelihood", (long, "132"), (short, "132"), (short + "  ", "132")))
    assert [one.message for one in caplog.records] == [lost]
    assert all(total > -1e9 for total, _ in scores)
    assert scores[1] == (pytest.approx(scores[1][0]), True)
    assert scores[2][0] == pytest.approx(model.loglikelihood(asked("loglikelihood", (short, "  132")))[0][0], abs=1e-4)
    text = "gcd 48,36=12 " * 60
    monkeypatch.setattr(model, "_window", 40)
    windowed, parts = model.loglikelihood_rolling(asked("loglikelihood_rolling", (text,))), list(model._windows(text))
    assert len(parts) > 5
    assert windowed == [pytest.approx(sum(one.total for one in model._engine.log_likelihoods(parts)), abs=1e-3)]


def test_a_context_is_cut_no_more_than_its_continuation_needs(model: HarnessModel) -> None:
    text = "rev tiger=regit " * 12
    tokens = max(model._engine._swarm.prompt_lengths(name, [text])[0] for name in ("llama-a", "gpt2-c"))
    assert tokens < len(text) * 0.8  # a token of it has several bytes
    context = "9" * (longest(4096, lambda size: model._reach.fits("9" * size, SPARE)) - tokens - 8)
    assert len(context) > 50
    assert model._readable(context, SPARE, text) == context
    assert 0 < len(str(model._readable("9" * 4096, SPARE, text))) < 4096
    with pytest.raises(RunError, match=r"max_gen_toks: expected an answer that leaves every member room .* 9,999 tok"):
        model.generate_until(asked("generate_until", ("47+85=", {"max_gen_toks": 9999})))


def test_conversations_go_through_members_own_templates(tmp_path: Path) -> None:
    model, turns = write(recipe("qwen3-d"), tmp_path), [{"role": "user", "content": "47+85="}]
    assert model.chat_template(True) == "every member's own"
    context = model.apply_chat_template(turns)
    assert context == as_context(turns)
    found = model.generate_until(
        asked("generate_until", (context, {"max_gen_toks": 5}), ("47+85=", {"max_gen_toks": 5}))
    )
    assert found[0] == found[1]  # the member is asked through its template anyway
    without = write(recipe("llama-a"), tmp_path)
    with pytest.raises(RunError, match=r"expected contexts that every member can be asked.*llama-a"):
        talk = [*turns, {"role": "assistant", "content": "132"}, *turns]
        without.generate_until(asked("generate_until", (without.apply_chat_template(talk), {})))
    with pytest.raises(RunError, match="--apply_chat_template: expected no name"):
        model.chat_template("mine")


def test_draws_differ_by_repeat_and_repeat_themselves(model: HarnessModel) -> None:
    same = ("sort 3,1,2=", {"do_sample": True, "temperature": 3.0, "max_gen_toks": 4})
    first = model.generate_until(asked("generate_until", same, same, same))
    assert len(set(first)) == 3
    assert model.generate_until(asked("generate_until", same, same, same)) == first


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({}, "--model_args: expected policy=RUN, a recipe's file or a bundle, got none"),
        ({"policy": "x", "pretrained": "y"}, "--model_args: expected policy, task, .* got 'pretrained'"),
        ({"policy": "x", "max_length": "long"}, "max_length: expected a whole number from 1, got 'long'"),
        ({"policy": "nowhere.json"}, "nowhere.json: expected a readable file"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], error: str) -> None:
    with pytest.raises(Exception, match=error):
        HarnessModel(**arguments)


@pytest.mark.parametrize("text", ["task: [a", TASKS["answers"].replace("{{question}}", "{{question")])
def test_tasks_that_the_harness_cannot_read(
    text: str, policy_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "items.jsonl").write_text('{"question": "1", "answer": "2"}\n')
    (tmp_path / "wrong.yaml").write_text(text)
    assert run(["lm-eval", "--model_args", f"policy={policy_file}", "--tasks", "wrong.yaml"]) == 2
    assert "error: expected what lm_eval can run, got: " in capsys.readouterr().err


def test_a_task_that_the_policy_does_not_know_is_refused_where_it_was_named(policy_file: Path) -> None:
    with pytest.raises(RunError, match=r"^--model_args: task: expected one of .*, got 'gcd'$"):
        HarnessModel(policy=str(policy_file), task="gcd")
