"""Does racing find as good a champion for less? Forty searches with racing, without, and without on fewer items.

Every seed has items of its own. Were they the same for all seeds, what a few search items happen to favour would look
like an effect of racing, and no standard error over seeds would tell.
"""

from __future__ import annotations

import math
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scipy import stats

from evoswarm import Policy, SearchSpace, Swarm, search
from evoswarm.evaluation.evaluation import scores_of, summarize
from evoswarm.experiment.figures import GenerationFigures
from evoswarm.experiment.files.places import LEDGER
from evoswarm.experiment.progress import Progress
from evoswarm.experiment.workbench import workbench
from evoswarm.statistics.paired import paired_standard_error
from tests.benchmarks.figures import Reading, Readings, at_least, at_most
from tests.studies.study import Record, Study

CASES = tuple(f"seed-{seed}" for seed in range(40, 80))
"""Settings were chosen on seeds from 100 on; seeds 0-39 were used before, with other settings."""

FAR_APART = 100_000
"""Between the seeds of two cases' items: reasoning-gym's item i of seed s is item i - 1 of seed s + 1."""

RACING = "racing={rungs: [12, 32]}"

SPACE = """
name: racing
pool:
  - {name: llama-a, path: "zoo:llama-a"}
  - {name: gemma3-f, path: "zoo:gemma3-f"}
  - {name: neox-e, path: "zoo:neox-e"}
tasks:
  - {name: sums, source: reasoning_gym, family: chain_sum, max_bytes: 12}
  - {name: gcd, source: reasoning_gym, family: gcd, max_bytes: 12}
  - {name: sorting, source: reasoning_gym, family: number_sorting, max_bytes: 16}
  - {name: pair, source: reasoning_gym, family: pair, max_bytes: 16}
splits: {search: 64, selection: 40, test: 2000}
genome: {samples: [1]}
evolution: {generations: 12, islands: 4, population: 12}
tracking: {mlflow: false}
"""
"""Three members and four tasks. No member is good at more than two of them, and no mix at all four.

Some 550 distinct recipes, of which 20 become finalists: it is the search split that has to tell them apart. A shorter
search (192 recipes, chosen among on 100 selection items) found as good champions on half the search items as on all:
with finalists a tenth of all recipes, the selection split mends what few search items spoil.
"""


@dataclass(frozen=True)
class Side:
    """One search.

    Attributes:
        champion: it found.
        evaluations: (recipe, item) pairs that it asked for, the choice of the champion included.
        searching: of these, on the search split.
        rows: that the members really forwarded.
        seconds: from an empty ledger, with a swarm that has read nothing.
    """

    champion: Policy
    evaluations: int
    searching: int
    rows: int
    seconds: float

    def record(self, accuracy: float) -> Record:
        """As JSON data."""
        return {
            "champion": self.champion.digest,
            "accuracy": accuracy,
            "evaluations": self.evaluations,
            "searching": self.searching,
            "rows": self.rows,
            "seconds": self.seconds,
        }


def run(case: str, runs: Path) -> Record:
    """Search three times with one seed, and test the champions on fresh items.

    Every search has a ledger and a swarm of its own: what one has read would make the next one faster. Which of the
    first two comes first changes from seed to seed.
    """
    runs.mkdir(parents=True, exist_ok=True)
    file = runs / "space.yaml"
    file.write_text(SPACE, encoding="utf-8")
    seed = int(case.removeprefix("seed-"))
    own = tuple(f"tasks.{place}.seed={FAR_APART * seed}" for place in range(len(SearchSpace.from_yaml(file).tasks)))
    plain_space = SearchSpace.from_yaml(file, own)
    spaces = {"racing": SearchSpace.from_yaml(file, (*own, RACING)), "plain": plain_space}
    order = sorted(spaces, reverse=bool(seed % 2))
    sides = {name: _side(spaces[name], seed) for name in order}
    share = sides["racing"].searching / sides["plain"].searching
    items = max(len(plain_space.tasks), round(share * plain_space.splits.search))
    sides["fewer"] = _side(SearchSpace.from_yaml(file, (*own, f"splits.search={items}")), seed)
    record, differences = _test(plain_space, sides, runs)
    return {"fewer_items": items, **record, "differences": differences}


def _side(space: SearchSpace, seed: int) -> Side:
    swarm = Swarm.load(space.pool, **space.decoding.model_dump())
    generations: list[GenerationFigures] = []
    with tempfile.TemporaryDirectory() as directory:
        began = time.perf_counter()
        result = search(
            space,
            runs=directory,
            seed=seed,
            swarm=swarm,
            certify=False,
            progress=Progress(generation=generations.append),
        )
        took = time.perf_counter() - began
    searching = generations[-1].evaluations
    return Side(result.champion, result.evaluations, searching, swarm.counters.rows_forwarded, took)


def _test(
    space: SearchSpace, sides: Mapping[str, Side], runs: Path
) -> tuple[dict[str, Record], dict[str, dict[str, float]]]:
    """All champions on the test items of the case; racing's differences to the others, in points."""
    with workbench(space, runs / LEDGER, splits=("test",)) as bench:
        items, weights = bench.items["test"], {name: task.weight for name, task in bench.tasks.items()}
        names = [item.task for item in items]
        rows = bench.evaluator.evaluate([bench.bound(side.champion) for side in sides.values()], items)
        scores = {name: scores_of(one) for name, one in zip(sides, rows, strict=True)}
        record = {
            name: sides[name].record(_accuracy(summarize(items, one, bench.tasks).accuracy))
            for name, one in zip(sides, rows, strict=True)
        }
        differences = {
            name: {
                "points": 100 * (record["racing"]["accuracy"] - record[name]["accuracy"]),
                "standard_error": 100 * paired_standard_error(scores["racing"], scores[name], names, weights),
            }
            for name in ("plain", "fewer")
        }
    return record, differences


def _accuracy(accuracy: float | None) -> float:
    if accuracy is None:
        raise ValueError("expected a champion that answers every item, got a failure")
    return accuracy


def figures(records: Mapping[str, Record]) -> Readings:
    """Shares are medians over seeds of racing over no racing; points are means over seeds."""
    rows = list(records.values())
    plain, fewer = (_points(rows, name) for name in ("plain", "fewer"))
    spread = _error(plain)
    lower = statistics.fmean(plain) - float(stats.t.ppf(0.95, max(1, len(plain) - 1))) * spread
    items = statistics.median(row["fewer_items"] for row in rows)
    accuracies = {
        name: statistics.fmean(row[name]["accuracy"] for row in rows) for name in ("racing", "plain", "fewer")
    }
    shown = ", ".join(f"{name} {accuracy:.3f}" for name, accuracy in accuracies.items())
    return {
        "racing_evaluations_share": _share(rows, "evaluations", "the choice of the champion included"),
        "racing_searching_share": _share(rows, "searching", "on the search split alone"),
        "racing_difference_points": Reading(statistics.fmean(plain), f"standard error {spread:.2f}; means {shown}"),
        "racing_lower_bound_points": Reading(lower, f"one-sided 95% over {len(rows)} seeds (Student's t)"),
        "racing_above_fewer_items_points": Reading(
            statistics.fmean(fewer), f"standard error {_error(fewer):.2f}; without racing on {items:g} items (median)"
        ),
        "racing_rows_share": _share(rows, "rows", "rows that members forwarded, calibration included"),
        "racing_seconds_share": _share(rows, "seconds", "whole searches, from empty ledgers and memories"),
    }


def _points(rows: Sequence[Record], other: str) -> list[float]:
    return [float(row["differences"][other]["points"]) for row in rows]


def _error(points: Sequence[float]) -> float:
    return statistics.stdev(points) / math.sqrt(len(points)) if len(points) > 1 else math.inf


def _share(rows: Sequence[Record], key: str, note: str) -> Reading:
    shares = sorted(_ratio(row, key) for row in rows)
    return Reading(statistics.median(shares), f"{note}; {shares[0]:.2f} to {shares[-1]:.2f}")


def _ratio(row: Mapping[str, Any], key: str) -> float:
    return float(row["racing"][key]) / float(row["plain"][key])


STUDY = Study(
    name="racing",
    question="Does racing find as good a champion with fewer evaluations, and a better one than fewer items do?",
    cases=CASES,
    run=run,
    figures=figures,
    goals={
        "racing_evaluations_share": at_most(0.60),
        "racing_searching_share": None,
        "racing_difference_points": at_least(-0.5),
        "racing_lower_bound_points": at_least(-1.5),
        "racing_above_fewer_items_points": at_least(0.001),
        "racing_rows_share": None,
        "racing_seconds_share": None,
    },
)
