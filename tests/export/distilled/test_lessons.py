"""What a student is taught: never a test question, the champion's own distributions, and the same after a kill."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from evoswarm.decoding.request import Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.errors import EvoswarmError, TaskError
from evoswarm.experiment.drawn import draw
from evoswarm.experiment.progress import SILENT
from evoswarm.experiment.workbench import workbench
from evoswarm.export.distilled.fused import DistributionReader, keep, kept
from evoswarm.export.distilled.lessons import Lesson, LessonBook, SoftTargets, chunks
from evoswarm.export.distilled.plan import StudentPlan, read_plan
from evoswarm.export.distilled.questions import fresh_items, tasks_wanted
from evoswarm.export.distilled.student import Student, read_student
from evoswarm.export.distilled.teacher import TEXTS_ONLY, Teacher
from evoswarm.export.distilled.training import STATE, Trainer, tokens_at_once
from evoswarm.genomes.plain import uniform
from evoswarm.policies import Recipe
from evoswarm.space import SearchSpace
from evoswarm.tasks.question import question_keys
from evoswarm.tasks.splits import split_of
from tests.export.conftest import alone, mix, vote

BYTES = """
tokenizer: zoo:opt-g
config: {model_type: llama, hidden_size: 8, intermediate_size: 8, num_hidden_layers: 1, num_attention_heads: 2}
questions: 8
"""

TABLES = """
name: tables
pool: [{{name: llama-a, path: "zoo:llama-a"}}]
tasks:
  - {{name: made, source: reasoning_gym, family: chain_sum, seed: {seed}}}
  - {{name: rows, source: dataset, path: "{rows}"}}
  - {{name: again, source: dataset, path: "{again}"}}
splits: {{search: 6, selection: 6, test: 12}}
tracking: {{mlflow: false}}
"""


def plan_of(tmp_path: Path, text: str) -> StudentPlan:
    file = tmp_path / "plan.yaml"
    file.write_text(text)
    return read_plan(str(file))


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Student:
    """One that reads bytes."""
    return read_student(plan_of(tmp_path_factory.mktemp("bytes"), BYTES), ())


@pytest.mark.parametrize("seed", range(3))
def test_no_question_of_the_test_split_is_taught(seed: int, tmp_path: Path) -> None:
    rows = [{"question": f"{number} of {seed}", "answer": str(number)} for number in range(160)]
    again = [{"question": row["question"], "answer": row["answer"], "id": "again"} for row in rows[:80]]
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    other = tmp_path / "again.jsonl"  # the same questions under other keys
    other.write_text("".join(json.dumps(row) + "\n" for row in again))
    space = SearchSpace.from_text(TABLES.format(rows=file, again=other, seed=seed))
    drawn = draw(space)
    found = fresh_items(space, drawn, list(drawn.tasks), 200)
    asked = {key for item in found for key in question_keys(item)}
    held_out = {key for item in drawn.items["test"] for key in question_keys(item)}
    assert not asked & held_out
    assert all(split_of(item.key, space.splits.shares) != "test" for item in found)
    count = {name: sum(item.task == name for item in found) for name in drawn.tasks}
    assert count["made"] == 200
    outside = [item for item in drawn.tasks["rows"].items() if split_of(item.key, space.splits.shares) != "test"]
    assert 0 < count["rows"] <= len(outside)
    assert count["rows"] >= len(outside) - 6  # but for those that ask what a test item of the other table asks


def test_tasks_are_named_and_weighed(micro: Callable[..., SearchSpace]) -> None:
    space = micro()
    assert tasks_wanted(space, StudentPlan(model="m")) == {"spell": 1.0, "sum": 1.0}
    assert tasks_wanted(space, StudentPlan(model="m", tasks=("sum",), weights={"sum": 3.0})) == {"sum": 3.0}
    for wrong in ({"tasks": ("sums",)}, {"weights": {"sums": 1.0}}):
        with pytest.raises(TaskError, match=r"expected a task of the run \(spell, sum\), got 'sums'"):
            tasks_wanted(space, StudentPlan(model="m", **wrong))


def test_soft_targets_are_what_the_champion_said(
    micro: Callable[..., SearchSpace], student: Student, tmp_path: Path
) -> None:
    recipe = Recipe.model_validate({**mix().model_dump(by_alias=True), "alphabet": "bytes"})
    drawn = draw(micro())
    swarm = Swarm.load(recipe)
    items = list(drawn.items["search"])
    decoded = swarm.decode([Request(recipe, item.prompt, item.key, max_bytes=12, trace=True) for item in items])
    ended = [(item, one) for item, one in zip(items, decoded, strict=True) if one.samples[0].finish == "end"]
    assert len(ended) > 5
    reader = DistributionReader(swarm, recipe, drawn.tasks, student, candidates=257)
    found = reader.read([(item, one.samples[0].text) for item, one in ended])
    table = student.codec.token_bytes
    for item, one in ended:
        soft = found[item]
        assert len(soft.tokens) == len(one.trace)
        assert np.allclose(soft.shares.sum(1), 1.0, atol=1e-6)
        for place, step in enumerate(one.trace):
            said = dict(step.candidates)
            for token, share in zip(soft.tokens[place][:2], soft.shares[place][:2], strict=True):
                symbol = 256 if token == student.end else (table[token] or b"")[0]
                assert share == pytest.approx(said[symbol], abs=1e-5)
    keep(tmp_path / "soft.npz", {7: found[ended[0][0]], 9: found[ended[1][0]]})
    again = kept(tmp_path / "soft.npz")
    assert list(again) == [7, 9]
    assert (again[9].tokens == found[ended[1][0]].tokens).all()
    assert not DistributionReader(swarm, vote(), drawn.tasks, student, 16).read([(items[0], "12")])
    tokens = read_student(StudentPlan(model="zoo:llama-a"), ())  # its tokens are no bytes
    assert not DistributionReader(swarm, recipe, drawn.tasks, tokens, 16).read([(items[0], "reverse")])


def test_of_a_distribution_the_likeliest_are_kept() -> None:
    rng = np.random.default_rng(4)
    log_probs = np.log(rng.dirichlet(np.full(300, 0.1), size=7)).astype(np.float32)
    log_probs[:, ::5] = -np.inf
    tokens = rng.permutation(300).astype(np.int32)
    for candidates in (1, 8, 300, 400):
        soft = SoftTargets.of(tokens, log_probs, candidates)
        best = np.argsort(-log_probs, axis=1, kind="stable")[:, :candidates]
        shares = np.exp(np.take_along_axis(log_probs, best, 1))
        known = shares > 0
        assert (soft.tokens == tokens[best])[known].all()
        assert np.allclose(soft.shares, shares / shares.sum(1, keepdims=True), atol=1e-6)
    even = np.log(np.array([[0.1, 0.3, 0.3, 0.3]], np.float32))
    equal = SoftTargets.of(np.arange(4, dtype=np.int32), even, 3)
    assert equal.tokens.tolist() == [[1, 2, 3]]


def test_logits_of_a_large_vocabulary_do_not_fill_the_host() -> None:
    assert tokens_at_once(16_384, 151_936, "cpu") * 151_936 <= 2**28
    assert tokens_at_once(16_384, 16_384, "cpu") == tokens_at_once(16_384, 151_936, "cuda:1") == 16_384
    assert tokens_at_once(16_384, 2**40, "mps") == 1


def test_a_champion_that_elects_its_answers_teaches_texts_alone(
    micro: Callable[..., SearchSpace], student: Student, tmp_path: Path
) -> None:
    space = micro("alphabet=bytes")
    drawn = draw(space)
    items, plan = drawn.items["search"], plan_of(tmp_path, f"{BYTES}wrong: keep")
    with workbench(space, ":memory:", drawn=drawn) as bench:
        champion = uniform(bench.space, bench.pool).model_copy(update={"samples": 3})
        taught = Teacher(bench, champion, student, plan, tmp_path).teach(items)
        assert taught.lessons
        assert not taught.soft.total()
        assert (tmp_path / TEXTS_ONLY).exists()
        again = Teacher(bench, champion, student, plan, tmp_path).teach(items)
    assert [one.answer for one in again.lessons] == [one.answer for one in taught.lessons]


def test_distributions_stay_with_their_questions_when_more_are_answered_in_the_next_sitting(
    micro: Callable[..., SearchSpace], student: Student, tmp_path: Path
) -> None:
    space = micro("splits.search=20", "alphabet=bytes")
    drawn = draw(space)
    plan = plan_of(tmp_path, f"{BYTES}wrong: keep")
    with workbench(space, ":memory:", drawn=drawn) as bench:
        champion = uniform(bench.space, bench.pool)

        def taught(context: int, work: Path) -> list[Lesson]:
            own = replace(student)
            own.__dict__["context_length"] = context
            work.mkdir(exist_ok=True)
            return Teacher(bench, champion, own, plan, work).teach(drawn.items["search"]).lessons

        fewer, more = taught(15, tmp_path / "kept"), taught(99, tmp_path / "kept")
        whole = {one.question: one.soft for one in taught(99, tmp_path / "whole")}
    assert 0 < len(fewer) < len(more) == len(whole)
    soft = [one for one in more if one.soft is not None]
    assert soft
    for one in soft:
        there = whole[one.question]
        assert one.soft is not None
        assert there is not None
        assert (one.soft.tokens == there.tokens).all()


def test_a_killed_training_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    text = BYTES.replace("{model_type", "{attention_dropout: 0.2, model_type")
    plan = plan_of(tmp_path, text + "training: {steps: 12, batch: 4, keep_every: 5, batch_tokens: 12}")
    lessons = [Lesson("a", (1, 2 + n, 3), (4, 5 + n, 6)[: 1 + n % 3]) for n in range(9)]
    book = LessonBook(lessons, {"a": 1.0}, seed=1)
    works = [tmp_path / name for name in ("whole", "killed")]
    for work in works:
        work.mkdir()

    def trained(work: Path, after: Callable[[Trainer], None] = lambda trainer: None) -> dict[str, torch.Tensor]:
        own = read_student(plan, ())
        trainer = Trainer(own, plan, book, work)
        trainer.run(SILENT, lambda: after(trainer))
        return {name: one.clone() for name, one in own.model.state_dict().items()}

    class Killed(BaseException):
        pass

    def kill(trainer: Trainer) -> None:
        if trainer.step == 5:
            shutil.copy(works[1] / STATE, tmp_path / "before")
        if trainer.step == 8:
            raise Killed

    whole = trained(works[0])
    with pytest.raises(Killed):
        trained(works[1], kill)
    shutil.copy(tmp_path / "before", works[1] / STATE)  # whoever is killed keeps nothing
    again = trained(works[1])
    assert all(torch.equal(one, again[name]) for name, one in whole.items())
    assert not all(torch.equal(one, whole[name]) for name, one in read_student(plan, ()).model.state_dict().items())
    (works[1] / STATE).write_bytes(b"half")
    with pytest.raises(EvoswarmError, match=r"training\.pt: expected a state of training as it was kept"):
        trained(works[1])


def test_a_batch_depends_on_its_number_and_tasks_on_their_weights() -> None:
    lessons = [Lesson(task, (1,) * (1 + number), (2,)) for task in "ab" for number in range(5)]
    book = LessonBook(lessons, {"a": 3.0, "b": 1.0}, seed=3)
    assert book.batch(7, 50) == book.batch(7, 50) != book.batch(8, 50)
    drawn = [lesson for step in range(40) for lesson in book.batch(step, 50)]
    assert sum(lesson.task == "a" for lesson in drawn) / len(drawn) == pytest.approx(0.75, abs=0.04)
    lengths = list(map(len, book.batch(0, 50)))
    assert lengths == sorted(lengths)
    parts = list(chunks(book.batch(0, 50), 20))
    assert sum(map(len, parts)) == 50
    assert all(len(part) == 1 or len(part) * max(map(len, part)) <= 20 for part in parts)


def test_what_cannot_be_taught_is_counted(micro: Callable[..., SearchSpace], student: Student, tmp_path: Path) -> None:
    space = micro("splits.search=40", "alphabet=bytes")
    drawn = draw(space)
    items = list(drawn.items["search"])
    with workbench(space, ":memory:", drawn=drawn) as bench:
        champion = uniform(bench.space, bench.pool)
        short = replace(student)
        short.__dict__["context_length"] = 15
        for wrong in ("drop", "keep"):
            plan = plan_of(tmp_path, f"{BYTES}wrong: {wrong}\nsoft: 0")
            taught = Teacher(bench, champion, short, plan, tmp_path).teach(items)
            assert all(len(lesson) <= 15 and lesson.soft is None for lesson in taught.lessons)
            for task in ("spell", "sum"):
                told = (taught.failed, taught.wrong, taught.unfit, taught.by_task)
                assert sum(one[task] for one in told) == taught.asked[task] == 20
            assert (taught.wrong.total() > 0) is (wrong == "drop")
            assert taught.unfit["spell"] > 0
        short.__dict__["context_length"] = 2
        with pytest.raises(EvoswarmError, match=r"expected answers of the champion to teach, got none to 20 questions"):
            Teacher(bench, champion, short, plan, tmp_path).teach(items)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "got an empty file"),
        ("model: a\nconfig: {model_type: llama}", "config: expected no config beside model"),
        ("tokenizer: llama-a", "expected a model, or a tokenizer and a config of a new one, got no config"),
        ("tokenizer: llama-a\nconfig: {hidden_size: 8}", "expected a model_type in the config"),
        ("model: a\nquestion: 3", "question: .*did you mean 'questions'"),
        ("model: a\nsoft: 2", "soft: expected a number of at most 1, got 2"),
        ("model: a\ntraining: {steps: many}", "training.steps: expected a whole number, got 'many'"),
    ],
)
def test_a_plan_that_is_none(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(EvoswarmError, match=said):
        plan_of(tmp_path, text)


def test_a_student_that_cannot_be_made(tmp_path: Path) -> None:
    shutil.copytree(Path(alone("llama-a")["members"][0]["spec"].path.replace("zoo:", ZOO)), tmp_path / "model")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "model" / name).unlink()
    config = "config: {model_type: %s, hidden_size: 8, num_attention_heads: 2, vocab_size: %d}"
    for text, said in (
        (f"model: {tmp_path}/model", "expected a tokenizer in"),
        (f"tokenizer: {tmp_path}/model\n{config % ('llama', 9)}", "expected a tokenizer in"),
        (f"tokenizer: {tmp_path}/nowhere\n{config % ('llama', 9)}", "expected a directory with a model"),
        (
            f"tokenizer: zoo:llama-a\n{config % ('lama', 9)}",
            "model_type: expected a model_type that trans",
        ),
        (f"tokenizer: zoo:llama-a\n{config % ('llama', 9)}", "vocab_size: expected a vocabulary of at least"),
        (f"tokenizer: zoo:llama-a\n{config % ('vit', 900)}", "expected a config that makes a causal language model"),
    ):
        with pytest.raises(EvoswarmError, match=said):
            read_student(plan_of(tmp_path, text), ())


ZOO = f"{Path(__file__).parents[3]}/evoswarm/zoo/members/"
