"""What commands say first, and that nothing slow is imported before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evoswarm.cli.telling.start import Start
from evoswarm.experiment.files.beginning import Beginning
from evoswarm.experiment.result import SearchResult
from evoswarm.space.differences import Change
from tests.cli.conftest import Command, last_words, python

FIRST = """
import json, sys
from evoswarm.cli import run

class Enough(BaseException):
    pass

class Stream:
    encoding = "utf-8"
    def __init__(self, name): self.name, self.lines = name, []
    def isatty(self): return False
    def flush(self): pass
    def write(self, text):
        self.lines.append(text)
        if text.startswith(f"{self.name}: "):
            raise Enough

slow = {"torch", "transformers", "mlflow", "datasets", "sympy", "reasoning_gym", "pandas", "lm_eval"}
for arguments in json.loads(sys.argv[1]):
    sys.stderr = Stream(arguments[0])
    try:
        run(arguments)
    except Enough:
        pass
    found, sys.stderr = sys.stderr.lines[-1], sys.__stderr__
    print(found.splitlines()[0])
    print(sorted(slow & set(sys.modules)))
"""


def test_every_long_command_says_what_it_is_about_before_anything_slow_is_imported(
    finished: SearchResult, space_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    space, run = str(space_file), str(finished.directory)
    Path("ask.jsonl").write_text('{"prompt": "rev stone="}\n{"prompt": "1+2="}\n')
    Path("other.yaml").write_text(space_file.read_text().replace("name: micro", "name: other").replace("b}", "b }"))
    study = f"name: small\nspace: {space}\nsettings:\n  evolution.mutation: {{low: 0.5, high: 1}}\n"
    Path("study.yaml").write_text(study)
    commands = {
        f"search: space micro ({space}), seed 3, in runs/micro-seed3 (new)": ["search", space, "--seed", "3"],
        f"plan: space micro ({space}), seed 0": ["plan", space],
        f"certify: the champion of {run}, a search of space micro": ["certify", run],
        f"evaluate: {run} on the search split of space micro ({space})": [
            *("evaluate", run, "--space", space, "--split", "search")
        ],
        f"generate: 2 questions for {run}": ["generate", run, "--prompts", "ask.jsonl"],
        f"study: small (study.yaml), of space micro, in {Path('runs/studies/small')}": ["study", "study.yaml"],
        f"compare: 2 searches of 90 evaluations over space micro ({space}), in runs/compare-micro": [
            *("compare", space, "--evaluations", "90", "--seeds", "0", "--algorithms", "random,archipelago")
        ],
        f"two-by-two: {space} and other.yaml, 5 seeds each": ["two-by-two", space, "other.yaml"],
    }
    done = python(FIRST, json.dumps(list(commands.values())))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [line for first in commands for line in (first, "[]")]


def test_how_a_search_begins_in_words() -> None:
    def lines(**run: Any) -> list[str]:
        beginning = Beginning("micro", 0, Path("runs/micro-seed0-2"), **run)
        return Start("search", "space micro (m.yaml), seed 0", "micro", beginning, 8).lines()

    first = "search: space micro (m.yaml), seed 0, in runs/micro-seed0-2"
    before = Path("runs/micro-seed0")
    assert lines() == [f"{first} (new)"]
    assert lines(continues=True) == [f"{first} (continues before its first generation)"]
    assert lines(continues=True, generations=3, individuals=1200) == [
        f"{first} (continues behind generation 3 of 8, 1,200 recipes scored)"
    ]
    changes = (Change("noise_seed", "0", "3"), Change("pool.1.path", '"a"', ""))
    assert lines(before=before, changes=changes) == [
        f"{first} (new)",
        '  a new run, as the space has changed since runs/micro-seed0: noise_seed: 0 -> 3, pool.1.path: "a" -> nothing',
    ]
    assert lines(before=before)[1].startswith("  a new run, as runs/micro-seed0 ")


def test_what_has_changed_is_said_where_it_is_refused(
    command: Command, space_file: Path, finished: SearchResult
) -> None:
    outcome = command("search", space_file, "--set", "noise_seed=3", "--out", finished.directory)
    assert outcome.code == 2
    assert last_words(outcome.error).endswith("its pool, tasks or settings differ: noise_seed: 0 -> 3")
