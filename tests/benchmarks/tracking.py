"""What telling MLflow adds to a search: 20 generations of 4 islands of 16 over the built-in pool, with it and without.

    python -m tests.benchmarks --only mlflow_cpu_ratio

Every search is a process of its own and begins with an empty ledger and no store, so MLflow's import and the making of
its tables count too. Only CPU time is compared with a goal: what a machine does beside takes no part in it.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from evoswarm import search
from evoswarm.space import SearchSpace
from tests.benchmarks.figures import ROOT, Measurement, Options, Reading, Readings, at_most
from tests.benchmarks.quickstart import space

FULL = ("evolution.generations=20", "evolution.islands=4", "evolution.population=16")
SMALL = ("evolution.generations=2", "evolution.islands=2", "evolution.population=4", "splits.search=10")


def tracking(options: Options) -> Readings:
    """Pairs that alternate, two at most: a search takes minutes. What counts is the median of their ratios."""
    settings = SMALL if options.quick else FULL
    pairs = [(_measured("false", settings), _measured("true", settings)) for _ in range(min(options.pairs, 2))]
    found: Readings = {}
    for place, name in enumerate(("mlflow_cpu_ratio", "mlflow_wall_ratio")):
        ratios = sorted(told[place] / alone[place] for alone, told in pairs)
        alone, told = (statistics.median(one[side][place] for one in pairs) for side in (0, 1))
        note = f"{len(pairs)} pairs, {ratios[0]:.3f} to {ratios[-1]:.3f}; {told:.1f} s and {alone:.1f} s"
        found[name] = Reading(statistics.median(ratios), note)
    return found


def _measured(mlflow: str, settings: tuple[str, ...]) -> tuple[float, float]:
    """Seconds of CPU and by the clock that a search takes in a process of its own."""
    with tempfile.TemporaryDirectory() as runs:
        command = [sys.executable, "-m", "tests.benchmarks.tracking", runs, f"tracking.mlflow={mlflow}", *settings]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    cpu, wall = json.loads(done.stdout.splitlines()[-1])
    return float(cpu), float(wall)


def _search(asked: SearchSpace, runs: Path) -> tuple[float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    search(asked, runs=runs, certify=False)
    return time.process_time() - cpu, time.perf_counter() - wall


MEASUREMENTS = (Measurement({"mlflow_cpu_ratio": at_most(1.05), "mlflow_wall_ratio": None}, tracking),)


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps(_search(space(*sys.argv[2:]), Path(sys.argv[1]))))
