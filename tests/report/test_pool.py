"""Who is right where others fail, recounted; and whose numbers are told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from evoswarm.experiment.result import SearchResult
from evoswarm.report.run_files import RunFiles
from evoswarm.report.sections.pool import pool
from evoswarm.run_directory import ALONE, FRONT
from tests.report.answered_run import MEMBERS, answered, answered_run, step


def told(run: RunFiles) -> dict[str, Any]:
    found = pool(run)
    assert found is not None
    return found


def run_with(folder: Path, alone: Mapping[str, Sequence[float | None]], tasks: list[str]) -> RunFiles:
    items = [answered(number, [step(b"6")], task=task) for number, task in enumerate(tasks, start=1)]
    return answered_run(folder, items, alone)


def test_errors_are_correlated_as_numpy_says(tmp_path: Path) -> None:
    rng = Random(1)
    alone = {
        name: [float(rng.random() < share) for _ in range(40)]
        for name, share in zip(MEMBERS, (0.3, 0.5, 0.8), strict=True)
    }
    split = told(run_with(tmp_path, alone, ["sums"] * 40))["splits"]["test"]
    wrong = 1 - np.array([alone[name] for name in MEMBERS])
    assert split["phi"] == pytest.approx(np.corrcoef(wrong), abs=1e-4)
    assert split["failures"] == wrong.sum(axis=1).tolist()
    assert split["rescues"] == (wrong @ (1 - wrong).T).tolist()
    assert split["unique"] == [int(((wrong.sum(axis=0) == 2) & (own == 0)).sum()) for own in wrong]
    assert split["nobody"] == int((wrong.sum(axis=0) == 3).sum()) > 0
    assert split["everybody"] == int((wrong.sum(axis=0) == 0).sum()) > 0


def test_who_is_always_wrong_correlates_with_nobody_and_is_rescued_by_others(tmp_path: Path) -> None:
    alone: dict[str, list[float | None]] = {"adder": [0.0, None], "speller": [1.0, 0.0], "sorter": [0.5, 0.49]}
    split = told(run_with(tmp_path, alone, ["sums", "sums"]))["splits"]["test"]
    assert split["phi"][0] == [None, None, None]
    assert split["phi"][1][2] == 1.0
    assert split["rescues"][0] == [0, 1, 1]
    assert split["between"] == ["sums"]


def test_tasks_weigh_alike_however_many_items_they_have(tmp_path: Path) -> None:
    alone = {"adder": [1.0, 1.0, 1.0, 0.0], "speller": [0.0, 0.0, 0.0, 0.5], "sorter": [0.0] * 4}
    split = told(run_with(tmp_path, alone, ["sums", "sums", "sums", "words"]))["splits"]["test"]
    assert [one["accuracy"] for one in split["profiles"][:3]] == [0.5, 0.25, 0.0]
    assert split["best"] == 0
    assert split["oracle"]["accuracy"] == 0.75
    assert split["profiles"][1]["by_task"] == {"sums": 0.0, "words": 0.5}


def test_selection_numbers_are_the_fronts(finished: SearchResult) -> None:
    found = told(RunFiles(finished.directory))
    contenders = json.loads((finished.directory / FRONT).read_text(encoding="utf-8"))["contenders"]
    accuracy = {one["name"]: one["accuracy"] for one in contenders}
    profiles = found["splits"]["selection"]["profiles"]
    assert [one["name"] for one in profiles] == [*found["members"], "champion", "uniform mix"]
    assert {one["source"] for one in profiles} == {"front"}
    assert {one["name"]: one["accuracy"] for one in profiles[:2]} == {
        name: accuracy[f"member {name}"] for name in found["members"]
    }


def test_the_certificates_own_ceiling_is_quoted(finished: SearchResult) -> None:
    run = RunFiles(finished.directory)
    split = told(run)["splits"]["test"]
    ceiling = next(one for one in run.certificate.ceilings if one.key == "oracle_router")
    assert split["oracle"]["certificate"]["mean"] == ceiling.score.mean
    assert split["oracle"]["certificate"]["items"] == split["of"] == 6
    assert split["profiles"][2]["source"] == "certificate"


def test_a_run_without_scores_item_by_item_shows_the_first_look(finished: SearchResult, tmp_path: Path) -> None:
    shutil.copytree(finished.directory, tmp_path / "earlier", ignore=shutil.ignore_patterns(ALONE))
    run = RunFiles(tmp_path / "earlier")
    found = told(run)
    assert found["splits"] == {}
    assert found["first_look"]["items"] == (run.first_look or {})["items"]
    assert set(found["first_look"]["accuracy"][0]) == {"spell", "sum"}
