"""The judgement on search algorithms: champions of equally many evaluations, on items that nobody has seen."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evoswarm import Recipe, SearchSpace
from evoswarm.evaluation.evaluation import Summary
from evoswarm.experiment.files.places import LEDGER
from evoswarm.experiment.workbench import workbench
from evoswarm.run_directory import CHAMPION
from evoswarm.statistics.seeds import Estimate
from evoswarm.study.comparison.compare import compare
from evoswarm.study.comparison.result import BASELINE
from tests.benchmarks.figures import ROOT, Goal, Reading, Readings, at_least
from tests.studies.study import Record, Study

EVALUATIONS = {"quickstart": 24_000, "tokens": 19_200, "large-pool": 60_000}
"""What the shipped spaces spend on their own."""

SEEDS = range(100, 120)
"""Defaults were chosen on seeds 0 to 9."""

FRESH = 2000
WITHIN = -1.0  # points, of the best rival
ALGORITHMS = (BASELINE, "island", "random", "tpe", "cmaes", "nsga2")
"""Those that there were when it was judged; later ones stand in `half_budget`."""

_RIVALS = tuple(name for name in ALGORITHMS if name not in (BASELINE, "random"))


def judge(case: str, runs: Path) -> Record:
    """Search with every algorithm and one seed, then decode the champions on the fresh items."""
    name, _, seed = case.rpartition("-")
    space = _space(name)
    began = time.monotonic()
    root = runs / name
    compared = compare(space, list(ALGORITHMS), [int(seed)], EVALUATIONS[name], out=root, runs=runs)
    seconds = time.monotonic() - began
    champions = {a: Recipe.load(root / "searches" / f"{a}-seed{seed}" / CHAMPION) for a in ALGORITHMS}
    summaries = _fresh(space, champions, runs / LEDGER)
    return {
        "space": name,
        "seed": int(seed),
        "evaluations": EVALUATIONS[name],
        "items": space.splits.test,
        "search_seconds": round(seconds, 1),
        "algorithms": {
            one.algorithm: {
                "fresh": summaries[one.algorithm].objective("accuracy"),
                "by_task": dict(summaries[one.algorithm].by_task),
                "flops": summaries[one.algorithm].cost.flops,
                "final": one.final,
                "area": one.area,
                "selection": one.selection,
                "spent": one.evaluations[-1],
                "generations": len(one.evaluations),
                "seconds": one.seconds,
                "champion": one.champion,
            }
            for one in compared.searches
        },
    }


def _space(name: str) -> SearchSpace:
    overrides = (f"splits.test={FRESH}", "tracking.mlflow=false")
    return SearchSpace.from_yaml(ROOT / "search_spaces" / f"{name}.yaml", overrides)


def _fresh(space: SearchSpace, champions: Mapping[str, Recipe], ledger: Path) -> dict[str, Summary]:
    """Every champion on the same items: differences are paired."""
    with workbench(space, ledger, splits=["test"]) as bench:
        recipes = [bench.bound(recipe) for recipe in champions.values()]
        summaries = bench.evaluator.summaries(recipes, bench.items["test"])
    return dict(zip(champions, summaries, strict=True))


def figures(records: Mapping[str, Record]) -> Readings:
    """Per space: the archipelago less random search and less its best rival on fresh items, and what all reached."""
    found: Readings = {}
    for space in EVALUATIONS:
        rows = [record["algorithms"] for record in records.values() if record["space"] == space]
        if not rows:
            found |= {key: Reading(None, "no case yet") for key in _goals() if key.startswith(f"{space}_")}
            continue
        best = max(_RIVALS, key=lambda name: Estimate.of([row[name]["fresh"] for row in rows]).mean)
        found[f"{space}_less_random"] = _difference(rows, "random")
        found[f"{space}_less_best_rival"] = _difference(rows, best)
        for name in ALGORITHMS:
            found[f"{space}_{name}"] = _reached(rows, name)
    return found


def _difference(rows: list[dict[str, Any]], rival: str) -> Reading:
    """The archipelago less a rival on the fresh items, in points, over seeds."""
    points = [100 * (row[BASELINE]["fresh"] - row[rival]["fresh"]) for row in rows]
    estimate = Estimate.of(points)
    wins = sum(point > 0 for point in points)
    return Reading(round(estimate.mean, 2), f"points, {BASELINE} - {rival}: {_words(estimate)}; ahead on {wins} seeds")


def _reached(rows: list[dict[str, Any]], name: str) -> Reading:
    """Accuracy on the fresh items; area and final score on the search items beside it."""
    fresh, area, final = (Estimate.of([100 * row[name][key] for row in rows]) for key in ("fresh", "area", "final"))
    note = f"% on fresh items: {_words(fresh)}; area {area.mean:.1f}, final {final.mean:.1f} on search items"
    return Reading(round(fresh.mean, 2), note)


def _words(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return f"{estimate.mean:.2f}, 1 seed"
    return f"{estimate.mean:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"


def _goals() -> dict[str, Goal | None]:
    goals: dict[str, Goal | None] = {}
    for space in EVALUATIONS:
        goals[f"{space}_less_random"] = at_least(0.01)
        goals[f"{space}_less_best_rival"] = at_least(WITHIN)
        goals |= {f"{space}_{name}": None for name in ALGORITHMS}
    return goals


STUDY = Study(
    name="comparison",
    question="Does the archipelago find better recipes than its rivals with as many evaluations?",
    cases=tuple(f"{space}-{seed}" for seed in SEEDS for space in EVALUATIONS),
    run=judge,
    figures=figures,
    goals=_goals(),
)
