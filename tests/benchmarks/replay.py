"""A finished search run again from its ledger: nothing is decoded, and how much faster that is."""

from __future__ import annotations

import shutil
import statistics
import tempfile
from pathlib import Path

from evoswarm import SearchSpace, Swarm, search
from evoswarm.experiment.result import FRONT
from evoswarm.run_directory import CHAMPION, INDIVIDUALS
from tests.benchmarks.figures import Measurement, Options, Reading, Readings, at_least, exactly, seconds
from tests.benchmarks.quickstart import space

REPLAYS = 3


def replay(options: Options) -> Readings:
    """The quickstart's search from an empty ledger, then from the one it left, with a new run directory.

    Both load the pool; neither counts the imports. Certificates are left out: they decode and are replayed alike.
    """
    small = ["splits.search=20", "splits.selection=10", "evolution.generations=2"] if options.quick else []
    searched = space("tracking.mlflow=false", *small)
    with tempfile.TemporaryDirectory() as directory:
        runs = Path(directory)
        warm = space("tracking.mlflow=false", "evolution.generations=1", "splits={search: 5, selection: 5, test: 5}")
        _search(warm, runs / "warm")  # what is imported late is imported now
        rows: list[int] = []
        first = seconds(lambda: rows.append(_search(searched, runs)))
        run = runs / f"{searched.name}-seed{searched.seed}"
        before = _outcome(run)
        again, alike = [], True
        for _ in range(options.size(REPLAYS, 1)):
            shutil.rmtree(run)
            again.append(seconds(lambda: rows.append(_search(searched, runs))))
            alike = alike and _outcome(run) == before
    median = statistics.median(again)
    return {
        "replay_speedup": Reading(first / median, f"{first:.1f} s and {median:.2f} s, the median of {len(again)}"),
        "replay_rows_forwarded": Reading(float(sum(rows[1:])), f"the search forwarded {rows[0]} rows"),
        "replay_identical": Reading(alike, "lineage, front and champion, to the byte"),
    }


def _search(searched: SearchSpace, runs: Path) -> int:
    """Load the pool and search; the rows that were forwarded."""
    swarm = Swarm.load(searched.pool, **searched.decoding.model_dump())
    search(searched, runs=runs, swarm=swarm, certify=False)
    return swarm.counters.rows_forwarded


def _outcome(run: Path) -> list[bytes]:
    return [(run / name).read_bytes() for name in (INDIVIDUALS, FRONT, CHAMPION)]


MEASUREMENTS = (
    Measurement(
        {"replay_speedup": at_least(30), "replay_rows_forwarded": exactly(0), "replay_identical": exactly(True)}, replay
    ),
)
