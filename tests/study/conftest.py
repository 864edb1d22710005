"""Studies of the micro space."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evoswarm.decoding.swarm import Swarm
from evoswarm.study.hyperparameters.question import StudyQuestion, read_question
from evoswarm.study.hyperparameters.record import TrialRecord

STUDY = """
name: small
space: {space}
set: [evolution.generations=2, evolution.islands=1, {override}]
settings:
{settings}
trials: {trials}
"""

Ask = Callable[..., StudyQuestion]


@pytest.fixture(scope="session")
def study_file(space_file: Path) -> Callable[..., Path]:
    """Writes a study of the micro space."""

    def write(settings: str, trials: int = 4, more: str = "", override: str = "splits.test=6") -> Path:
        indented = "".join(f"  {line.strip()}\n" for line in settings.strip().splitlines())
        text = STUDY.format(space=space_file, settings=indented.rstrip(), trials=trials, override=override) + more
        file = space_file.parent / f"study-{hashlib.sha256(text.encode()).hexdigest()[:8]}.yaml"
        file.write_text(text, encoding="utf-8")
        return file

    return write


@pytest.fixture(scope="session")
def ask(study_file: Callable[..., Path]) -> Ask:
    """Reads a study of the micro space."""

    def read(*arguments: Any) -> StudyQuestion:
        return read_question(study_file(*arguments))

    return read


@pytest.fixture(scope="session")
def swarm(ask: Ask) -> Swarm:
    """The members of the micro space, loaded once for all studies of one process."""
    return Swarm.load(ask("evolution.stagnation: {choices: [50]}").space.pool)


def trial(number: int, parameters: dict[str, Any], *scores: float, state: str = "complete") -> TrialRecord:
    """A record of a trial that never ran."""
    return TrialRecord(
        number=number,
        parameters=parameters,
        values=parameters,
        scores=scores,
        seconds=1.0,
        pruned=(len(scores), 0) if state == "pruned" else None,
        failure="it could not be searched" if state == "failed" else None,
    )
