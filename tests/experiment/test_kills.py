"""Nothing is lost, doubled or changed, wherever a search is killed."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from evoswarm.tracking.search_log import OF_CHAMPION
from tests.experiment.deaths import KINDS
from tests.experiment.killing import KILLING
from tests.forked import Forked

SEEDS = range(5)  # one of each kind


@pytest.fixture(scope="module")
def killed(space_file: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the searches left that were killed, and the two that ran at once."""
    directory = tmp_path_factory.mktemp("kills") / "searches"
    arguments = [str(space_file), str(directory), "--set", "tracking.mlflow=true", "--together", "--seeds"]
    done = Forked(KILLING, *arguments, *SEEDS, environment={**os.environ, "MLFLOW_TRACKING_URI": ""})
    told, said = done.communicate(timeout=600)
    assert done.returncode == 0, said
    found: dict[str, Any] = json.loads(told)
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_a_search_that_is_killed_and_run_again_leaves_what_an_undisturbed_one_leaves(
    killed: dict[str, Any], seed: int
) -> None:
    case = killed["cases"][str(seed)]
    assert case["point"][0] == KINDS[seed]
    assert case["died"], case
    assert case["differ"] == [], case


def test_every_kind_of_write_happens_often(killed: dict[str, Any]) -> None:
    assert all(killed["counts"][kind] >= 9 for kind in KINDS), killed["counts"]


def test_mlflow_has_one_point_per_generation_and_one_set_of_runs(killed: dict[str, Any]) -> None:
    left = killed["left"]
    points = [tuple(point) for point in left["mlflow micro-seed0: points"]]
    names = {name for name, _ in points}
    assert {"accuracy/best", "speed/prefix_reuse", "islands/best_1", "work/decoded"} <= names
    outcome = {name for name in names if name.startswith(OF_CHAMPION)}
    assert "rivals/gain_over_R1" in outcome
    assert Counter(points) == Counter(
        [(name, step) for name in names - outcome for step in range(3)] + [(name, 0) for name in outcome]
    )
    runs = [(name, parent) for name, parent, _ in left["mlflow runs"]]
    assert len(runs) == len(set(runs))
    assert runs.count(("micro-seed0", None)) == runs.count(("champion of micro-seed0", "micro-seed0")) == 1
    assert {status for _, _, status in left["mlflow runs"]} == {"FINISHED"}


def test_two_searches_at_once_on_one_ledger_end_as_if_each_were_alone(killed: dict[str, Any]) -> None:
    assert killed["together"] == []
