"""What telling MLflow adds to a search: 20 generations of 4 islands of 16 over the built-in pool.

    python -m tests.benchmarks --only mlflow_cpu_ratio

The search is a process of its own and begins with an empty ledger and no store. MLflow is told by a thread of its own,
whose CPU time is compared with that of all else in the same process: two searches, one with MLflow and one without,
differ by more than that where a machine does other work.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from evoswarm import search
from evoswarm.space import SearchSpace
from evoswarm.tracking import Tracker, store, tracker
from tests.benchmarks.figures import ROOT, Measurement, Options, Reading, Readings, at_most
from tests.benchmarks.quickstart import space

FULL = ("evolution.generations=20", "evolution.islands=4", "evolution.population=16")
SMALL = ("evolution.generations=2", "evolution.islands=2", "evolution.population=4", "splits.search=10")


def tracking(options: Options) -> Readings:
    """One search; MLflow's import and the making of its tables, once a process, are shown apart."""
    with tempfile.TemporaryDirectory() as runs:
        command = [sys.executable, "-m", "tests.benchmarks.tracking", runs, *(SMALL if options.quick else FULL)]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    spent = json.loads(done.stdout.splitlines()[-1])
    rest, beginning = spent["process"] - spent["thread"], spent["connect"]
    told = spent["thread"] - beginning
    return {
        "mlflow_cpu_ratio": Reading(
            1 + spent["thread"] / rest,
            f"CPU: {rest:.1f} s the search, {beginning:.1f} s import and tables, {told:.1f} s told",
        ),
        "mlflow_told_ratio": Reading(1 + told / rest, "likewise, without import and tables"),
        "mlflow_waited_seconds": Reading(spent["waited"], "by the clock, for the last to be told"),
    }


def _search(asked: SearchSpace, runs: Path) -> dict[str, float]:
    """Seconds: CPU of the process, of the thread that tells MLflow and of its beginning; the wait for it at the end."""
    spent: dict[str, float] = {}

    def timed(name: str, act: Callable[..., Any], clock: Callable[[], float]) -> Callable[..., Any]:
        def acting(*arguments: Any) -> Any:
            before = clock()
            try:
                return act(*arguments)
            finally:
                spent[name] = spent.get(name, 0.0) + clock() - before

        return acting

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tracker, "_work", timed("thread", Tracker._work, time.thread_time))
        patch.setattr(tracker, "connect", timed("connect", store.connect, time.thread_time))
        patch.setattr(Tracker, "close", timed("waited", Tracker.close, time.perf_counter))
        before = time.process_time()
        search(asked, runs=runs, certify=False)
        spent["process"] = time.process_time() - before
    return spent


MEASUREMENTS = (
    Measurement(
        {"mlflow_cpu_ratio": at_most(1.05), "mlflow_told_ratio": at_most(1.05), "mlflow_waited_seconds": None}, tracking
    ),
)


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps(_search(space("tracking.mlflow=true", *sys.argv[2:]), Path(sys.argv[1]))))
