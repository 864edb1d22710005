"""Commands as they are typed, in an empty directory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from evoswarm.cli import run


class Outcome:
    """What a command did."""

    def __init__(self, code: int, out: str, error: str) -> None:
        self.code, self.out, self.error = code, out, error


Command = Callable[..., Outcome]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command in an empty directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def call(*arguments: object) -> Outcome:
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call


def refused(outcome: Outcome, *words: str) -> None:
    """Behind what was told until then one or two lines on stderr, exit code 2, no traceback, and the words in it."""
    assert outcome.code == 2
    assert "Traceback" not in outcome.error
    sentence = last_words(outcome.error)
    assert sentence.startswith("error: ")
    assert len(sentence.splitlines()) <= 2
    for word in words:
        assert word in sentence


def last_words(error: str) -> str:
    """What standard error ends with: the sentence of an error, if there is one, else the last line."""
    lines = error.strip().splitlines()
    begins = [number for number, line in enumerate(lines) if line.startswith("error: ")]
    return "\n".join(lines[begins[-1] if begins else -1 :])


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
