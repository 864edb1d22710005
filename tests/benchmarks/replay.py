"""A finished search run again from its ledger: nothing is decoded, and how much faster that is."""

from __future__ import annotations

import shutil
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

from evoswarm import SearchSpace, search
from evoswarm.evaluation.ledger import Ledger
from evoswarm.experiment.files.places import LEDGER
from evoswarm.experiment.result import FRONT
from evoswarm.run_directory import CERTIFICATE, CHAMPION, INDIVIDUALS
from tests.benchmarks.figures import Measurement, Options, Reading, Readings, at_least, exactly, seconds
from tests.benchmarks.quickstart import SPACE, space

REPLAYS = 3
OTHERS = ("tokens", "accuracy-cost", "large-pool")


def replay(options: Options) -> Readings:
    """A search from an empty ledger, then from the one it left, with a new run directory; imports do not count."""
    small = ["splits.search=20", "splits.selection=10", "splits.test=20", "evolution.generations=2"]
    settings = ("tracking.mlflow=false", *(small if options.quick else ()))
    repeats = options.size(REPLAYS, 1)
    with tempfile.TemporaryDirectory() as directory:
        runs = Path(directory)
        warm = space("tracking.mlflow=false", "evolution.generations=1", "splits={search: 5, selection: 5, test: 5}")
        search(warm, runs=runs / "warm")  # what is imported late is imported now
        searched = _again(space(*settings), runs / "search", repeats, certify=False)
        certified = _again(space(*settings), runs / "certify", repeats, certify=True)
        others = {}
        for name in () if options.quick else OTHERS:
            other = SearchSpace.from_yaml(SPACE.with_name(f"{name}.yaml"), settings)
            others[_key(name)] = _again(other, runs / name, repeats, certify=False).reading
    return {
        "replay_speedup": searched.reading,
        "replay_speedup_certified": certified.reading,
        **others,
        "replay_decoded": Reading(float(searched.fresh + certified.fresh), "evaluations, certificate included"),
        "replay_identical": Reading(
            searched.alike and certified.alike, "lineage, front, champion and certificate, to the byte"
        ),
    }


@dataclass(frozen=True)
class Replays:
    """A search and its replays.

    Attributes:
        reading: how many times as fast they are.
        fresh: evaluations that they added to the ledger.
        alike: whether they left the same files.
    """

    reading: Reading
    fresh: int
    alike: bool


def _again(searched: SearchSpace, runs: Path, repeats: int, *, certify: bool) -> Replays:
    def go() -> None:
        search(searched, runs=runs, certify=certify)

    first = seconds(go)
    run, known = runs / f"{searched.name}-seed{searched.seed}", _known(runs)
    before = _outcome(run)
    again, alike = [], True
    for _ in range(repeats):
        shutil.rmtree(run)
        again.append(seconds(go))
        alike = alike and _outcome(run) == before
    median = statistics.median(again)
    note = f"{first:.1f} s and {median:.2f} s, the median of {repeats}; {known:,} evaluations"
    return Replays(Reading(first / median, note), _known(runs) - known, alike)


def _key(name: str) -> str:
    return f"replay_speedup_{name.replace('-', '_')}"


def _known(runs: Path) -> int:
    """Evaluations in the ledger: whatever is decoded enters it."""
    with Ledger(runs / LEDGER) as ledger:
        return ledger.count()


def _outcome(run: Path) -> dict[str, bytes]:
    names = (INDIVIDUALS, FRONT, CHAMPION, CERTIFICATE)
    return {name: (run / name).read_bytes() for name in names if (run / name).exists()}


MEASUREMENTS = (
    Measurement(
        {
            "replay_speedup": at_least(30),
            "replay_speedup_certified": None,
            **{_key(name): None for name in OTHERS},
            "replay_decoded": exactly(0),
            "replay_identical": exactly(True),
        },
        replay,
    ),
)
