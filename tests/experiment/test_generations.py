"""What the journal says of every generation, whether MLflow is told or not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evoswarm.canonical import canonical_json
from evoswarm.cli.telling.events import GenerationEvent
from evoswarm.experiment.figures import GenerationFigures
from evoswarm.experiment.progress import Progress
from evoswarm.experiment.result import SearchResult
from evoswarm.experiment.session import search
from evoswarm.run_directory import INDIVIDUALS, JOURNAL
from evoswarm.space import SearchSpace

Micro = Callable[..., SearchSpace]


def journalled(run: Path) -> list[dict[str, Any]]:
    """The entries of generations."""
    events = [json.loads(line) for line in (run / JOURNAL).read_text().splitlines()]
    return [event for event in events if event["event"] == "generation"]


def test_every_generation_is_journalled_with_its_figures(finished: SearchResult) -> None:
    entries = journalled(finished.directory)
    assert [entry["generation"] for entry in entries] == [0, 1, 2]
    stamps = [entry["stamp"] for entry in entries]
    assert stamps == sorted(stamps)
    for entry in entries:
        figures = entry["figures"]
        assert figures["generation"] == entry["generation"]
        GenerationEvent.model_validate({**figures, "generation": figures["generation"] + 1})
        for island in figures["islands"]:
            parts = ("worst", "lower_quartile", "median", "upper_quartile", "best")
            spread = [island[part]["accuracy"] for part in parts]
            assert spread == sorted(spread)
            assert spread[0] <= island["mean"]["accuracy"] <= spread[-1]


def test_the_front_of_every_generation_is_that_of_the_lineage(finished: SearchResult) -> None:
    rows = [json.loads(line) for line in (finished.directory / INDIVIDUALS).read_text().splitlines()]
    worst = max(row["cost"]["flops"] for row in rows if row["generation"] == 0)
    sizes, before = [], 0.0
    for entry in journalled(finished.directory):
        born = [row for row in rows if row["generation"] <= entry["generation"]]
        points = {(row["accuracy"], row["cost"]["flops"]) for row in born}
        front = [(a, f) for a, f in points if not any(b >= a and g <= f and (b, g) != (a, f) for b, g in points)]
        share = 0.0
        for accuracy, flops in sorted(front, reverse=True):
            higher = max((a for a, f in front if f < flops), default=0.0)
            share += (accuracy - higher) * (1 - min(flops, worst) / worst)
        told = entry["figures"]["front"]
        assert told["objectives"] == ["accuracy", "flops"]
        assert told["size"] == len(front)
        most, least = max(front), min(front, key=lambda point: point[1])
        assert [(end["accuracy"], end["flops"]) for end in told["ends"]] == [most, least]
        assert told["hypervolume"] == pytest.approx(share)
        assert told["hypervolume"] >= before
        before = told["hypervolume"]
        sizes.append(told["size"])
    assert max(sizes) > 1


def test_an_entry_stays_and_one_of_an_earlier_version_gets_its_figures(
    micro: Micro, finished: SearchResult, tmp_path: Path
) -> None:
    shutil.copytree(finished.directory.parent, tmp_path / "runs")
    run = tmp_path / "runs" / finished.directory.name
    lines = []
    for line in (run / JOURNAL).read_text().splitlines():
        event = json.loads(line)
        if event["event"] == "generation" and event["generation"] == 1:  # as it was written for MLflow
            del event["figures"]
            event["metrics"] = {"generation": 1, "best": 0.5}
        lines.append(canonical_json(event) + "\n")
    (run / JOURNAL).write_text("".join(lines))
    told: list[GenerationFigures] = []
    more = search(
        micro("evolution.generations=4"),
        runs=tmp_path / "runs",
        certify=False,
        progress=Progress(generation=told.append, foretelling=False),
    )
    assert more.directory == run
    assert (run / JOURNAL).read_text().startswith("".join(lines))
    entries = journalled(run)
    assert [entry["generation"] for entry in entries] == [0, 1, 2, 1, 3]
    assert [entry["figures"] for entry in entries[-2:]] == [told[1].as_dict(), told[3].as_dict()]
    assert entries[-2]["figures"]["replayed"]
