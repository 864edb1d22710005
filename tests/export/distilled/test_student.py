"""A student: what its folder is for others, what its card says, and that a kill changes nothing of it."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from evoswarm.answering.answers import answer
from evoswarm.decoding.member.files import identified
from evoswarm.errors import EvoswarmError, MemberError
from evoswarm.experiment.progress import Progress, Stage, StageStep
from evoswarm.export.distilled.card import share_in_words
from evoswarm.export.distilled.comparing import student_policy
from evoswarm.export.distilled.making import DistillingInterrupted
from evoswarm.export.target import ExportError
from evoswarm.member_spec import MemberSpec
from evoswarm.policies import load_policy
from evoswarm.statistics.kept import KeptShare
from tests.export.distilled.conftest import Distilled, distilled


def figures(folder: Path) -> dict[str, object]:
    return dict(json.loads((folder / "distilled.json").read_text()))


def test_plain_transformers_answers_as_the_student_does_as_a_member(made: Distilled, items: list[str]) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, tokenizer = (one.from_pretrained(made.folder) for one in (AutoModelForCausalLM, AutoTokenizer))
    spec = identified(MemberSpec(name="student", path=str(made.folder)), made.folder)
    member = answer(student_policy(spec, load_policy(made.run)), items, max_bytes=12)
    said = []
    for question in items:
        ids = tokenizer(question, return_tensors="pt")
        written = model.generate(**ids, max_new_tokens=12)[0, ids["input_ids"].shape[1] :]
        said.append(tokenizer.decode(written, skip_special_tokens=True))
    assert len(items) == 100
    whole = [one.text for one in member]
    cut = [text.encode()[: len(known.encode())].decode() for text, known in zip(said, whole, strict=True)]
    assert cut == whole  # evoswarm stops at twelve bytes, generate at twelve tokens
    assert any(whole)


def test_the_card_tells_what_was_compared_and_on_what(made: Distilled) -> None:
    from huggingface_hub import ModelCard

    found, text = figures(made.folder), (made.folder / "README.md").read_text()
    compared = found["compared"]
    assert isinstance(compared, dict)
    assert (compared["split"], compared["items"]) == ("test", 6)
    for who in ("student", "champion", "member"):
        assert set(compared[who]["by_task"]) == {"spell", "sum"}
        assert f"{compared[who]['mean']:.1%} ({compared[who]['low']:.1%} to {compared[who]['high']:.1%})" in text
    data = ModelCard.load(made.folder / "README.md").data
    assert [one.dataset_type for one in data.eval_results or []] == ["evoswarm-test-spell", "evoswarm-test-sum"]
    assert "opened for the champion before" in text
    assert text.partition("## Terms")[2].strip().startswith("It learned from answers of ")
    code = text.split("```python\n")[1].split("```")[0].replace('"student"', repr(str(made.folder)))
    exec(code, {})
    assert any("best single member" in line for line in made.lines)
    questions = found["questions"]
    assert isinstance(questions, dict)
    assert {name: row["taught"] for name, row in questions.items()} == {"spell": 24, "sum": 24}
    assert all(row["soft"] == 24 for row in questions.values())  # one tokenizer, shared by champion and student


def test_that_a_student_answered_test_items_is_on_record(made: Distilled) -> None:
    lines = [json.loads(line) for line in (made.run / "openings.jsonl").read_text().splitlines()]
    assert [line["how"] for line in lines] == ["certificate", "distilled"]
    assert lines[0]["questions"] == lines[1]["questions"]
    assert lines[0]["champions"] != lines[1]["champions"]


def test_closed_test_items_stay_closed(
    copied: Callable[[str], Path], made: Distilled, plan_file: Path, tmp_path: Path
) -> None:
    run = copied("closed")
    for openings in (*run.parent.rglob("openings.jsonl"), run.parent / "ledger.sqlite"):  # of runs beside it, too
        openings.unlink(missing_ok=True)
    distilled(run, tmp_path / "out", plan_file)
    compared = figures(tmp_path / "out")["compared"]
    assert isinstance(compared, dict)
    assert compared["split"] == "selection"
    assert "are closed, and stay so" in (tmp_path / "out/README.md").read_text()
    assert not (run / "openings.jsonl").exists()
    assert (tmp_path / "out/model.safetensors").read_bytes() == (made.folder / "model.safetensors").read_bytes()


def test_ctrl_c_keeps_the_work_and_the_same_command_comes_to_the_same_weights(
    copied: Callable[[str], Path], made: Distilled, plan_file: Path, tmp_path: Path
) -> None:
    run, out = copied("stopped"), tmp_path / "out"

    def at_asking(step: StageStep) -> None:
        if step.words == "asking the champion":
            signal.raise_signal(signal.SIGINT)

    def at_training(stage: Stage) -> None:
        if stage.words.startswith("training"):
            signal.raise_signal(signal.SIGINT)

    for progress in (Progress(step=at_asking), Progress(stage=at_training)):
        with pytest.raises(DistillingInterrupted, match=r"out\.distilling"):
            distilled(run, out, plan_file, progress)
        assert [path.name for path in tmp_path.iterdir()] == ["out.distilling"]
    other = plan_file.with_name("other.yaml")
    other.write_text(plan_file.read_text().replace("steps: 30", "steps: 31"))
    with pytest.raises(EvoswarmError, match=r"out\.distilling: expected the work on this student.*plan differ"):
        distilled(run, out, other)

    def at_comparing(stage: Stage) -> None:
        if stage.words.startswith("comparing"):
            (out / "theirs").mkdir(parents=True)

    with pytest.raises(ExportError, match="stays free meanwhile"):
        distilled(run, out, plan_file, Progress(stage=at_comparing))
    (out / "theirs").rmdir()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "out.distilling"], "hours of work are not lost"
    distilled(run, out, plan_file)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (out / "model.safetensors").read_bytes() == (made.folder / "model.safetensors").read_bytes()


def test_a_device_that_is_not_there_is_known_before_anybody_is_asked(
    made: Distilled, plan_file: Path, tmp_path: Path
) -> None:
    plan = tmp_path / "gpu.yaml"
    plan.write_text(plan_file.read_text().replace("training: {", "training: {device: 'cuda:99', "))
    with pytest.raises(MemberError, match="cuda:99"):
        distilled(made.run, tmp_path / "out", plan)
    assert list(tmp_path.iterdir()) == [plan]


def test_a_share_of_what_may_be_no_gain_says_so() -> None:
    assert share_in_words(KeptShare(0.5, 0.41, 0.6)) == "50% (41% to 60%)"
    assert share_in_words(KeptShare(3.0)) == "300% (that gain may be none at all)"
