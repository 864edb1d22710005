"""Processes of a study that was killed: whoever runs it again waits for them, and says so where they do not end."""

from __future__ import annotations

from pathlib import Path

import pytest

from evoswarm.durable import locked
from evoswarm.errors import RunError
from evoswarm.study.hyperparameters import workers


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
