"""Over a hundred wrong inputs, over all commands: refused clearly, before the models' libraries are imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from evoswarm.cli.commands import app
from tests.cli.conftest import last_words
from tests.cli.wrong_inputs import WRONG, Wrong
from tests.cli.wrong_worker import GOOD

ROOT = Path(__file__).parents[2]
LONGEST = 600  # characters of a sentence


@pytest.fixture(scope="module")
def typed() -> dict[str, dict[str, Any]]:
    """What became of each, by name: all in one fresh process."""
    unset = {"NO_SUCH_VARIABLE_HERE", "EVOSWARM_LEDGER", "MLFLOW_TRACKING_URI", "COLUMNS"}
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    done = subprocess.run(
        [sys.executable, "-m", "tests.cli.wrong_worker"],
        cwd=ROOT,
        env={**environment, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {row.pop("name"): row for row in rows}


def test_there_are_a_hundred_and_every_command_has_some() -> None:
    commands = {info.name for info in app.registered_commands} | {"zoo"}
    assert len(WRONG) >= 100
    assert {case.command.split()[0] for case in WRONG.values()} - {"serch"} == commands


def test_the_good_files_are_good(typed: dict[str, dict[str, Any]]) -> None:
    assert typed[GOOD]["code"] == 0, typed[GOOD]


@pytest.mark.parametrize(("name", "case"), WRONG.items(), ids=WRONG)
def test_it_is_refused_at_once_and_clearly(name: str, case: Wrong, typed: dict[str, dict[str, Any]]) -> None:
    if name not in typed:
        pytest.skip("root may read and write everything")
    one = typed[name]
    assert one["code"] == 2, one
    assert "Traceback" not in one["said"]
    sentence = last_words(one["said"])
    assert sentence.startswith("error: ")
    assert len(sentence.splitlines()) <= 2
    assert len(sentence) <= LONGEST
    for needle in case.needles:
        assert needle in sentence
    assert one["heavy"] == [], "libraries of models were imported before it was refused"
    assert one["written"] == [], "something was written"
