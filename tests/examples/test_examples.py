"""The examples run as they stand, in an empty directory, and say what they are there to show."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SHOWN = {
    "search_from_python": r"generation 1: best accuracy .*(leads|alone).*held-out questions: .*runs/first-search-seed0",
    "mix_by_hand": r"together: '132 regit'.*calculator: '132 (?!regit).*speller: '(?!132)\d+ regit'",
    "compare_recipes": r"mixture: 0\.\d+ of 120 .*product less mixture: [+-]0\.\d+ \([+-]0\.\d+ to [+-]0\.\d+\)",
    "own_questions": r"0\.[5-9]\d of 40 questions, [\d,]{7,} FLOPs each",
    "own_scorer": r"0\.\d\d points of 1, over 40 questions",
}


@pytest.mark.parametrize("name", SHOWN)
def test_an_example_runs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(sys, "argv", [name])
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    assert re.search(SHOWN[name], capsys.readouterr().out, re.DOTALL)


def test_every_example_is_run_and_listed() -> None:
    scripts = {path.stem for path in EXAMPLES.glob("*.py")}
    assert scripts == SHOWN.keys()
    assert scripts == set(re.findall(r"^\| `(\w+)\.py`", (EXAMPLES / "README.md").read_text("utf-8"), re.MULTILINE))
