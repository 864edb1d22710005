"""Files that are spoilt by chance are read or refused in a sentence: no traceback, nothing hangs, nothing eats memory.

`make studies` runs thousands of such cases (``tests/studies/fuzz.py``); these are the first.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import pytest

from evoswarm.cli import run
from tests.fuzz import runner
from tests.fuzz.kinds import KINDS, ROTA, kind_of, make_case
from tests.fuzz.material import make_material
from tests.fuzz.mutations import spoil_bytes, spoil_data
from tests.fuzz.runner import FAULTS, counts, run_cases

CASES = 150


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory, _one_thread: None) -> Path:
    return make_material(tmp_path_factory.mktemp("fuzz") / "material")


def test_a_hundred_and_fifty_spoilt_files_are_read_or_refused_in_a_sentence(material: Path) -> None:
    outcomes = list(run_cases(range(CASES), material))
    faults = [str(outcome) for outcome in outcomes if outcome.verdict in FAULTS]
    assert not faults, "\n".join(faults)
    by_kind = counts(outcomes)
    assert set(by_kind) == set(KINDS)
    assert all(set(verdicts) <= {"accepted", "refused"} for verdicts in by_kind.values())
    refused = [outcome for outcome in outcomes if outcome.verdict == "refused"]
    assert len(refused) > CASES / 3, "or files are hardly spoilt"
    assert sum(outcome.named for outcome in refused) > 0.8 * len(refused), "a sentence names the file"
    assert all(outcome.said.startswith("error: ") for outcome in refused if outcome.command == "check")


def test_what_is_spoilt_was_good(material: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(material)
    for name in ("space.yaml", "study.yaml"):
        assert run(["check", name]) == 0
    for name in ("rows.json", "rows.csv", "rows.parquet"):
        assert run(["check", "space.yaml", "--set", f"tasks.1.path={name}"]) == 0
    for name in ("recipe.json", "own.json"):
        assert run(["generate", name, "--prompts", "prompts.jsonl", "--out", str(tmp_path / name)]) == 0


def test_a_case_is_the_same_every_time(material: Path, tmp_path: Path) -> None:
    for number in range(len(ROTA)):
        made = []
        for turn in ("one", "other"):
            folder = tmp_path / f"{number}-{turn}"
            folder.mkdir()
            case = make_case(number, material, folder)
            made.append((case.spoilt, [[part.replace(str(folder), "") for part in one] for one in case.commands]))
        assert made[0] == made[1]
    shares = Counter(kind_of(number) for number in range(10 * len(ROTA)))
    assert shares == {kind: 10 * share for kind, (_, share) in KINDS.items()}


def test_spoiling_changes_something_nearly_always() -> None:
    content, data = b'{"a": [1, 2, {"b": "text"}]}\n', {"a": [1, 2, {"b": "text"}], "c": 0.5}
    other = sum(spoil_bytes(content, Random(seed))[0] != content for seed in range(200))
    assert other > 170
    changed = {repr(spoil_data({**data, "a": [1, 2, {"b": "text"}]}, Random(seed))[0]) for seed in range(200)}
    assert len(changed - {repr(data)}) > 60


PLANTED = """
import evoswarm.cli.running, pathlib
right, calls = evoswarm.cli.running.run_command, pathlib.Path(__file__).with_name("calls")
def fail():
    raise TypeError("a bug")
def eat():
    bytearray(1 << 40)
def hang():
    while True: pass
def die():
    __import__("os").abort()
def run_command(arguments):
    turn = len(calls.read_text())
    calls.write_text("." * (turn + 1))
    faults = [fail, eat, hang, die]
    return faults[turn]() if turn < len(faults) else right(arguments)
evoswarm.cli.running.run_command = run_command
"""


def test_the_runner_sees_faults_and_goes_on(material: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Commands that do what none must, in workers like any other: Python imports what makes them so at its start."""
    (tmp_path / "sitecustomize.py").write_text(PLANTED, encoding="utf-8")
    (tmp_path / "calls").write_text("", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{runner.ROOT}")
    monkeypatch.setattr(runner, "MOST_SECONDS", 2.0)
    outcomes = list(run_cases([0] * 5, material))
    assert [outcome.verdict for outcome in outcomes[:4]] == ["traceback", "hungry", "hang", "died"]
    assert outcomes[4].verdict in ("accepted", "refused")
