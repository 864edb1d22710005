"""Does the default alphabet cost accuracy? The shipped spaces over the built-in pool, in ``auto`` and in ``bytes``.

Both searches of a case have one seed, one space and one budget; their champions answer the test items, which neither
has seen.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from scipy import stats

from evoswarm import SearchSpace, search
from evoswarm.evaluation.evaluation import scores_of, summarize
from evoswarm.experiment.files.places import LEDGER
from evoswarm.experiment.workbench import workbench
from evoswarm.policies import Policy
from evoswarm.statistics.paired import paired_standard_error
from tests.benchmarks.figures import ROOT, Goal, Reading, Readings, at_least
from tests.studies.study import Record, Study

SPACES = ("quickstart", "accuracy-cost", "tokens", "two-by-two-same", "two-by-two-cross", "large-pool")
SEEDS = range(5)
CASES = tuple(f"{name}-{seed}" for name in SPACES for seed in SEEDS)
SIDES = ("auto", "bytes")


def run(case: str, runs: Path) -> Record:
    """Search in both alphabets with one seed, and test the champions on the same fresh items."""
    name, _, seed = case.rpartition("-")
    spaces = {
        alphabet: SearchSpace.from_yaml(
            ROOT / "search_spaces" / f"{name}.yaml", (f"alphabet={alphabet}", "tracking.mlflow=false")
        )
        for alphabet in SIDES
    }
    champions: dict[str, Policy] = {}
    seconds: dict[str, float] = {}
    for alphabet, space in spaces.items():
        began = time.perf_counter()
        out = runs / alphabet / case
        champions[alphabet] = search(space, out=out, runs=runs, seed=int(seed), certify=False).champion
        seconds[alphabet] = round(time.perf_counter() - began, 1)
    with workbench(spaces["auto"], runs / LEDGER, splits=("test",)) as bench:
        items, weights = bench.items["test"], {one: task.weight for one, task in bench.tasks.items()}
        rows = bench.evaluator.evaluate([bench.bound(champions[alphabet]) for alphabet in SIDES], items)
        told = {alphabet: summarize(items, row, bench.tasks) for alphabet, row in zip(SIDES, rows, strict=True)}
    auto, plain = (scores_of(row) for row in rows)
    names = [item.task for item in items]
    accuracies = {alphabet: float(summary.accuracy or 0.0) for alphabet, summary in told.items()}
    return {
        **{
            alphabet: {
                "champion": champions[alphabet].digest,
                "words": champions[alphabet].words(),
                "alphabet": champions[alphabet].parameters().get("alphabet"),
                "accuracy": accuracies[alphabet],
                "by_task": dict(told[alphabet].by_task),
                "steps": sum(row.steps for row in column),
                "failures": told[alphabet].failures,
                "seconds": seconds[alphabet],
            }
            for alphabet, column in zip(SIDES, rows, strict=True)
        },
        "items": len(items),
        "points": 100 * (accuracies["auto"] - accuracies["bytes"]),
        "standard_error": 100 * paired_standard_error(auto, plain, names, weights),
    }


def figures(records: Mapping[str, Record]) -> Readings:
    """Points are means over seeds of ``auto`` less ``bytes``; intervals are over searches (Student's t, 95%)."""
    everything = [float(record["points"]) for record in records.values()]
    low, high = _interval(everything)
    found = {
        "alphabets_difference_points": Reading(
            statistics.fmean(everything), f"{low:+.2f} to {high:+.2f} over {len(everything)} pairs of searches"
        ),
        "alphabets_upper_bound_points": Reading(high, "auto loses nothing that these searches could show"),
    }
    for name in SPACES:
        rows = [record for case, record in records.items() if case.rpartition("-")[0] == name]
        found[f"alphabets_{name}_points"] = _of_space(rows) if rows else Reading(None, "not searched yet")
    steps = [float(row["auto"]["steps"]) / float(row["bytes"]["steps"]) for row in records.values()]
    note = f"steps of the champions' answers, auto over bytes; {min(steps):.2f} to {max(steps):.2f}"
    return {**found, "alphabets_steps_share": Reading(statistics.median(steps), note)}


def _of_space(rows: Sequence[Record]) -> Reading:
    points = [float(row["points"]) for row in rows]
    low, high = _interval(points)
    accuracies = {side: statistics.fmean(float(row[side]["accuracy"]) for row in rows) for side in SIDES}
    shown = ", ".join(f"{side} {accuracy:.3f}" for side, accuracy in accuracies.items())
    note = f"{low:+.2f} to {high:+.2f} over {len(rows)} seeds; {shown}; {rows[0]['items']} items"
    return Reading(statistics.fmean(points), note)


def _interval(points: Sequence[float]) -> tuple[float, float]:
    if len(points) < 2:
        return -math.inf, math.inf
    reach = float(stats.t.ppf(0.975, len(points) - 1)) * statistics.stdev(points) / math.sqrt(len(points))
    mean = statistics.fmean(points)
    return mean - reach, mean + reach


GOALS: dict[str, Goal | None] = {
    "alphabets_difference_points": at_least(-0.5),
    "alphabets_upper_bound_points": at_least(0.0),
    **dict.fromkeys((f"alphabets_{name}_points" for name in SPACES), None),
    "alphabets_steps_share": None,
}
STUDY = Study("alphabets", "Does alphabet auto cost accuracy on fresh items?", CASES, run, figures, GOALS)
