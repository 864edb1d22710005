"""A finished search run again from its ledger: nothing is decoded, and how much faster that is."""

from __future__ import annotations

import shutil
import statistics
import tempfile
from pathlib import Path

from evoswarm import SearchSpace, search
from evoswarm.evaluation.ledger import Ledger
from evoswarm.experiment.result import FRONT
from evoswarm.experiment.workbench import LEDGER
from evoswarm.run_directory import CHAMPION, INDIVIDUALS
from tests.benchmarks.figures import Measurement, Options, Reading, Readings, at_least, exactly, seconds
from tests.benchmarks.quickstart import space

REPLAYS = 3


def replay(options: Options) -> Readings:
    """The quickstart's search from an empty ledger, then from the one it left, with a new run directory.

    Imports do not count. Certificates are left out: they decode and are replayed alike.
    """
    small = ["splits.search=20", "splits.selection=10", "evolution.generations=2"] if options.quick else []
    searched = space("tracking.mlflow=false", *small)
    with tempfile.TemporaryDirectory() as directory:
        runs = Path(directory)
        warm = space("tracking.mlflow=false", "evolution.generations=1", "splits={search: 5, selection: 5, test: 5}")
        _search(warm, runs / "warm")  # what is imported late is imported now
        first = seconds(lambda: _search(searched, runs))
        run, known = runs / f"{searched.name}-seed{searched.seed}", _known(runs)
        before = _outcome(run)
        again, alike = [], True
        for _ in range(options.size(REPLAYS, 1)):
            shutil.rmtree(run)
            again.append(seconds(lambda: _search(searched, runs)))
            alike = alike and _outcome(run) == before
        fresh = _known(runs) - known
    median = statistics.median(again)
    return {
        "replay_speedup": Reading(first / median, f"{first:.1f} s and {median:.2f} s, the median of {len(again)}"),
        "replay_decoded": Reading(float(fresh), f"evaluations; the search decoded {known:,}"),
        "replay_identical": Reading(alike, "lineage, front and champion, to the byte"),
    }


def _search(searched: SearchSpace, runs: Path) -> None:
    search(searched, runs=runs, certify=False)


def _known(runs: Path) -> int:
    """Evaluations in the ledger: whatever is decoded enters it."""
    with Ledger(runs / LEDGER) as ledger:
        return ledger.count()


def _outcome(run: Path) -> list[bytes]:
    return [(run / name).read_bytes() for name in (INDIVIDUALS, FRONT, CHAMPION)]


MEASUREMENTS = (
    Measurement(
        {"replay_speedup": at_least(30), "replay_decoded": exactly(0), "replay_identical": exactly(True)}, replay
    ),
)
