"""Ctrl-C in the last moment of one search ends a command of many, and what was done is not done again."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from evoswarm.cli import run
from evoswarm.decoding.swarm import Swarm
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.study.hyperparameters.pruning import PairedPruner
from evoswarm.study.hyperparameters.session import StudyInterrupted, study
from tests.conftest import MICRO
from tests.study.conftest import Ask

ONE_SEARCH = "everything is kept in {}, and its result is shown when the same command is run again\n"


def no_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Evaluator, "_decode", lambda *_: pytest.fail("something was decoded"))


@pytest.mark.usefixtures("late_ctrl_c")
def test_of_a_comparison(
    space_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["compare", str(space_file), "--algorithms", "random", "--seeds", "0,1", "--evaluations", "36"]
    assert run([*command, "--out", "out"]) == 130
    assert ONE_SEARCH.format("out/searches/random-seed0") in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out" / "searches").iterdir()] == ["random-seed0"]
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    no_decoding(monkeypatch)
    assert run([*command[:-4], "--seeds", "0", "--evaluations", "36", "--out", "out"]) == 0


@pytest.mark.usefixtures("late_ctrl_c")
def test_of_a_study(
    study_file: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    file = study_file("evolution.mutation: {low: 0.5, high: 1}", 2)
    assert run(["study", str(file)]) == 130
    words = "interrupted: everything is kept in runs/studies/small, and the study goes on from there"
    assert words in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "runs" / "studies" / "small").glob("trials/*/*")] == ["seed0"]


@pytest.mark.usefixtures("late_ctrl_c")
def test_of_a_two_by_two(
    pool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    small = MICRO.format(pool=pool).replace("generations: 3, islands: 2", "generations: 1, islands: 1")
    Path("a.yaml").write_text(small)
    Path("b.yaml").write_text(small.replace("name: micro", "name: other").replace("/llama-a", "/llama-b", 1))
    assert run(["two-by-two", "a.yaml", "b.yaml", "--seeds", "2"]) == 130
    said = capsys.readouterr().err
    assert ONE_SEARCH.format("runs/two-by-two/micro-seed0") in said
    assert "evolving votes" not in said


def test_of_a_trial_that_is_given_up_in_the_same_moment(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swarm: Swarm
) -> None:
    def give_up(*_: object) -> bool:
        signal.raise_signal(signal.SIGINT)
        return True

    monkeypatch.setattr(PairedPruner, "prune", give_up)
    with pytest.raises(StudyInterrupted):
        study(ask("evolution.mutation: {low: 0.5, high: 1}", 2), runs=tmp_path, swarm=swarm)
    assert len(list((tmp_path / "studies" / "small").glob("trials/*/*"))) == 1
