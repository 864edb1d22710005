"""Processes of a study: whoever runs one again that was killed waits for them, and Ctrl-C is the study's affair."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evoswarm.durable import locked
from evoswarm.errors import RunError
from evoswarm.study.hyperparameters import workers
from evoswarm.study.hyperparameters.question import read_question
from evoswarm.study.hyperparameters.record import TrialOutcome
from evoswarm.study.hyperparameters.trial import TrialJob


def test_a_study_waits_for_the_processes_of_one_that_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "_ORPHAN_SECONDS", 0.1)
    workers.await_orphans(tmp_path)  # there never were any
    with locked(tmp_path / f"{workers._LOCK}0"):
        pass
    with (
        locked(tmp_path / f"{workers._LOCK}1"),
        pytest.raises(RunError, match="processes of the study that was killed to have ended, got one still at work"),
    ):
        workers.await_orphans(tmp_path)
    workers.await_orphans(tmp_path)


def _pressed_before_anything(*arguments: Any) -> None:
    """Ctrl-C comes to a process while it is imported what the process is told first."""
    os.kill(os.getpid(), signal.SIGINT)
    workers._initialize(*arguments)


def _how_it_takes_ctrl_c(job: TrialJob) -> TrialOutcome:
    ignored = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    heard = signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    return TrialOutcome(failure=f"{ignored=} {heard=}")


def test_ctrl_c_ends_no_process_that_is_still_beginning(
    study_file: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A search that it begins later can hear of it all the same, and so can whoever has started it."""
    monkeypatch.setattr(workers, "_initialize", _pressed_before_anything)
    monkeypatch.setattr(workers, "_work", _how_it_takes_ctrl_c)
    jobs, outcomes = iter([TrialJob("one", {}, (0,))]), list[TrialOutcome]()
    question = read_question(study_file("evolution.stagnation: {choices: [50]}"))
    with workers.Workers(question, tmp_path, tmp_path, 1) as some:
        some.run(lambda: next(jobs, None), lambda job, outcome: outcomes.append(outcome))
    assert [one.failure for one in outcomes] == ["ignored=True heard=True"]
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    assert capfd.readouterr().err == ""
