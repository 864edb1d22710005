"""What people are told while a command is at work."""

from __future__ import annotations

import pytest

from evoswarm.cli.narrator import CLEAR, Narrator
from evoswarm.evaluation.advance import Advance

FAR = Advance(120, 3672, 10.0)
TOLD = "120 of 3,672 answers decoded, about 4 min 56 s left"


def test_in_a_file_every_line_stays(capsys: pytest.CaptureFixture[str]) -> None:
    with Narrator() as narrator:
        narrator.progress.stage("tuning")
        narrator.progress.decoding(Advance(0, 3672, 3.0))
        narrator.progress.decoding(FAR)
    assert capsys.readouterr().out == f"tuning ...\n  0 of 3,672 answers decoded\n  {TOLD}\n"


def test_on_a_terminal_one_line_is_written_over(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    with Narrator() as narrator:
        narrator.progress.decoding(FAR)
        narrator.progress.decoding(FAR)
        narrator.progress.stage("opening")
        narrator.progress.decoding(FAR)
    cut = f"  {TOLD}"[:39]
    assert capsys.readouterr().out == f"{CLEAR}{cut}{CLEAR}{cut}{CLEAR}opening ...\n{CLEAR}{cut}{CLEAR}"
