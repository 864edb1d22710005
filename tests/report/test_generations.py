"""Generations in figures: those that were journalled, or, of runs of earlier versions, of who was evaluated in them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from statistics import median

import pytest

from evoswarm.experiment.result import SearchResult
from evoswarm.report.run_files import RunFiles
from evoswarm.report.sections.generations import generations


def test_figures_are_those_of_the_journal(finished: SearchResult) -> None:
    run = RunFiles(finished.directory)
    found = generations(run)
    assert found is not None
    assert found["source"] == "figures"
    assert found["generation"] == [0, 1, 2]
    for island, told in enumerate(found["islands"]):
        for number, figures in enumerate(run.generations):
            journalled = next(one for one in figures["islands"] if one["island"] == island)
            for name in ("best", "median", "lower_quartile", "upper_quartile"):
                assert told["accuracy"][name][number] == pytest.approx(journalled[name]["accuracy"], rel=1e-5)
    assert found["evaluations"] == [figures["new_evaluations"] for figures in run.generations]


def test_of_earlier_versions_they_are_of_who_was_evaluated(finished: SearchResult, tmp_path: Path) -> None:
    run = tmp_path / "old"
    run.mkdir()
    for name in ("space.yaml", "individuals.jsonl"):
        shutil.copy(finished.directory / name, run)
    found = generations(RunFiles(run))
    assert found is not None
    assert found["source"] == "individuals"
    rows = [json.loads(line) for line in (run / "individuals.jsonl").read_text().splitlines()]
    for island, told in enumerate(found["islands"]):
        for number in found["generation"]:
            own = [
                row["objectives"][0]
                for row in rows
                if (row["island"], row["generation"]) == (island, number) and row["migrated_from"] is None
            ]
            assert told["accuracy"]["best"][number] == pytest.approx(max(own), rel=1e-5)
            assert told["accuracy"]["median"][number] == pytest.approx(median(own), rel=1e-5)
            low, high = (told["accuracy"][name][number] for name in ("lower_quartile", "upper_quartile"))
            assert min(own) <= low <= high <= max(own) + 1e-6
