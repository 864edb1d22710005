"""Searches killed at a seeded durable write and run again: does anything differ from a search that nobody killed?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from evoswarm.zoo.catalogue import member_path
from tests.benchmarks.figures import ROOT, Reading, Readings, exactly
from tests.conftest import MICRO
from tests.experiment.deaths import KINDS
from tests.studies.study import Record, Study

SEEDS = {"micro": tuple(range(20)), "quickstart": (0, 2, 5)}  # of the quickstart: ledger, individuals, the store


def run(case: str, runs: Path) -> Record:
    """Kill one search, run it again, compare; the undisturbed one is searched once for all cases."""
    name, seed = case.rsplit("-", 1)
    directory = runs.resolve() / name
    directory.mkdir(parents=True, exist_ok=True)
    file = ROOT / "search_spaces" / "quickstart.yaml"
    if name == "micro":
        file = directory / "micro.yaml"
        file.write_text(MICRO.format(pool=member_path("llama-a").parent), encoding="utf-8")
    arguments = [str(file), str(directory / "searches"), "--set", "tracking.mlflow=true", "--seeds", str(int(seed))]
    done = subprocess.run(
        [sys.executable, "-m", "tests.experiment.killing", *arguments, "--kinds", *KINDS, "store"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "MLFLOW_TRACKING_URI": ""},
    )
    record: Record = json.loads(done.stdout)["cases"][str(int(seed))]
    return record


def figures(records: Mapping[str, Record]) -> Readings:
    """How many were killed, and of how many something differed."""
    differ = {case: record["differ"] for case, record in records.items() if record["differ"]}
    kinds = Counter(record["point"][0] for record in records.values())
    alive = sum(not record["died"] for record in records.values())
    what = "; ".join(f"{case}: {', '.join(names)}" for case, names in differ.items())
    where = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
    return {
        "kills": Reading(len(records) - alive, f"at writes of: {where}"),
        "kills_not_killed": Reading(alive, "searches that ended before the write came"),
        "kills_differ": Reading(len(differ), what or "files, ledger, MLflow's points, runs and artifacts are the same"),
    }


STUDY = Study(
    name="kills",
    question="does a search that is killed and run again leave what an undisturbed one leaves?",
    cases=tuple(f"{name}-{seed:02d}" for name, seeds in SEEDS.items() for seed in seeds),
    run=run,
    figures=figures,
    goals={"kills": None, "kills_not_killed": exactly(0), "kills_differ": exactly(0)},
)
