"""A student of a few thousand parameters, trained for thirty steps on the champion of the micro search."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from evoswarm.experiment.progress import SILENT, Progress
from evoswarm.experiment.result import SearchResult
from evoswarm.export.exporting import checked_source, export
from evoswarm.export.target import Options
from evoswarm.export.targets import TARGETS

PLAN = """
tokenizer: llama-a  # of the run's pool
config:
  model_type: llama
  hidden_size: 12
  intermediate_size: 16
  num_hidden_layers: 1
  num_attention_heads: 2
  max_position_embeddings: 64
  attention_dropout: 0.1  # drawn again by whoever goes on
  tie_word_embeddings: true
questions: 24
wrong: keep
weights: {sum: 2}
training: {steps: 30, batch: 6, keep_every: 7, batch_tokens: 60}
"""


@dataclass(frozen=True)
class Distilled:
    """A student that was made.

    Attributes:
        run: a copy of a finished run, whose openings may grow.
        folder: of the student.
        plan: its file.
        lines: what the export said.
    """

    run: Path
    folder: Path
    plan: Path
    lines: list[str]


def distilled(run: Path, out: Path, plan: Path | str, progress: Progress = SILENT) -> list[str]:
    """What ``evoswarm export RUN --to distilled OUT --student PLAN`` does."""
    options = Options(out, progress=progress, student=str(plan))
    return export(checked_source(run, TARGETS["distilled"], options), TARGETS["distilled"], options)


@pytest.fixture(scope="session")
def copied(finished: SearchResult, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Copies of the finished run with its ledger: students put openings on record there."""

    def copy(name: str) -> Path:
        root = tmp_path_factory.mktemp(name) / "runs"
        shutil.copytree(finished.directory.parent, root)
        return root / finished.directory.name

    return copy


@pytest.fixture(scope="session")
def plan_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The student's plan."""
    file = tmp_path_factory.mktemp("plans") / "tiny.yaml"
    file.write_text(PLAN, encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def made(copied: Callable[[str], Path], plan_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Distilled:
    """The student, made in one go."""
    run, out = copied("whole"), tmp_path_factory.mktemp("students") / "student"
    return Distilled(run, out, plan_file, distilled(run, out, plan_file))
