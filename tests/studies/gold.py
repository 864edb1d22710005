"""What are gold paths good for in a search? Founders, refinement, screening and the finer order, each measured apart.

Every case is a space with items of its own and a seed; its searches differ in ``evolution.gold`` alone. They are short
(150 or 192 recipes): a long search of these small pools ends near the top whatever it does. Recipes are scored
along right answers, which is what decoding comes to, item by item (tests/gold/test_scores.py), in a tenth of the time.
"""

from __future__ import annotations

import math
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import stats

from evoswarm import SearchSpace
from evoswarm.evaluation.evaluation import item_weights
from evoswarm.experiment.algorithms import algorithm_of
from evoswarm.experiment.calibrating import CALIBRATION_ITEMS, calibrate, genomes_for
from evoswarm.experiment.finalists import FINALISTS
from evoswarm.experiment.fitted import fits_of
from evoswarm.experiment.fitting import fitted_founders
from evoswarm.experiment.guiding import guide_of
from evoswarm.experiment.workbench import Workbench, workbench
from evoswarm.genomes.mix.thresholds import Calibration
from evoswarm.genomes.plain import singles, uniform
from evoswarm.gold.rows import GoldRows
from evoswarm.gold.scores import scores_along
from evoswarm.policies import Recipe
from evoswarm.run_directory import RunDirectory
from evoswarm.tasks.task import SplitName
from tests.benchmarks.figures import Reading, Readings
from tests.studies.study import Record, Study

SPACES = {
    "quickstart": ("evolution.generations=5",),
    "tokens": ("evolution.generations=5", "genome.samples=[1]"),
    "large-pool": ("evolution.generations=3",),
}
"""By name, what is changed in the space: shorter, and greedy where answers may be drawn."""

USES = {
    "off": "founders: false, refine: 0, screen: 1, order: false",
    "founders": "founders: true, refine: 0, screen: 1, order: false",
    "refine": "founders: false, refine: 0.25, screen: 1, order: false",
    "screen": "founders: false, refine: 0, screen: 4, order: false",
    "order": "founders: false, refine: 0, screen: 1, order: true",
    "all": "founders: true, refine: 0.25, screen: 4, order: true",
}
"""By name, the settings of ``evolution.gold``."""

CASES = tuple(f"{space}-{seed}" for seed in range(200, 206) for space in SPACES)
FAR_APART = 100_000
"""Between the seeds of two cases' items: reasoning-gym's item i of seed s is item i - 1 of seed s + 1."""

FOUND = 5
"""Policies that look best on the search items when a search ends: their mean accuracy says what it found."""


def run(case: str, runs: Path) -> Record:
    """One search per use; on fresh items, its champion, the best on search items, and plain mixes beside them."""
    name, _, number = case.rpartition("-")
    seed = int(number)
    file = Path("search_spaces") / f"{name}.yaml"
    tasks = len(SearchSpace.from_yaml(file).tasks)
    own = tuple(f"tasks.{place}.seed={FAR_APART * seed}" for place in range(tasks))
    common = (*own, "splits.test=600", *SPACES[name], f"seed={seed}")
    with workbench(SearchSpace.from_yaml(file, common), ":memory:", splits=("search", "selection", "test")) as bench:
        items = bench.items["search"][:CALIBRATION_ITEMS]
        calibration = calibrate(bench, items, bench.space.alphabets[0])
        record: Record = _plain(bench)
        for use, settings in USES.items():
            space = SearchSpace.from_yaml(file, (*common, f"evolution.gold={{{settings}}}"))
            evolution = bench.space.evolution.model_copy(update={"gold": space.evolution.gold})
            searching = replace(bench, space=bench.space.model_copy(update={"evolution": evolution}))
            record[use] = _searched(searching, calibration)
    return record


def _searched(bench: Workbench, calibration: Calibration) -> dict[str, float]:
    """What one search finds; its champion is the finalist most accurate on the selection items."""
    use = bench.space.evolution.gold
    made = fitted_founders(bench, lambda alphabet: calibration) if use.founders else []
    founders = {one.name: one.policy for one in made}
    genomes = genomes_for(bench, lambda alphabet: calibration, founders)
    scored: dict[str, float] = {}
    recipes: dict[str, Recipe] = {}
    with tempfile.TemporaryDirectory() as directory:
        journal = RunDirectory(directory)
        algorithm = algorithm_of(bench.space, genomes, guide_of(bench, genomes, journal))
        for _ in range(bench.space.evolution.generations):
            born = algorithm.ask()
            fresh = {one.key: genomes.express(one.genome) for one in born if one.key not in recipes}
            recipes |= fresh
            scored |= dict(zip(fresh, _accuracies(bench, "search", list(fresh.values())), strict=True))
            algorithm.tell([one.scored([scored[one.key]]) for one in born])
        journal.close()
    best = [recipes[key] for key in sorted(recipes, key=lambda key: -scored[key])[:FINALISTS]]
    finalists = [*best, *_simple(bench)]
    chosen = _accuracies(bench, "selection", finalists)
    champion = finalists[int(np.argmax(chosen))]
    found = _accuracies(bench, "test", [champion, *best[:FOUND]])
    return {"champion": found[0], "found": statistics.fmean(found[1:])}


def _plain(bench: Workbench) -> dict[str, float]:
    """Accuracies of the uniform mix, the best member and the best fit on the test items."""
    fit = fits_of(bench).mixes[0].policy
    assert isinstance(fit, Recipe)
    alone = [recipe for _, recipe in singles(bench.space)]
    mix, best, *others = _accuracies(bench, "test", [uniform(bench.space, bench.pool), fit, *alone])
    return {"uniform": mix, "fitted": best, "single": max(others)}


def _simple(bench: Workbench) -> list[Recipe]:
    return [recipe for _, recipe in singles(bench.space)] + [uniform(bench.space, bench.pool)]


def _accuracies(bench: Workbench, split: SplitName, recipes: Sequence[Recipe]) -> list[float]:
    rows = bench.gold(split)
    if rows is None or len(rows.items) < len(bench.items[split]):
        raise ValueError(f"expected a right text of every {split} item, got {rows and len(rows.items)}")
    if not recipes:
        return []
    found: list[float] = (scores_along(recipes, rows).right @ _weights(rows)).tolist()
    return found


def _weights(rows: GoldRows) -> np.ndarray:
    return np.array(item_weights(rows.items, rows.tasks))


def figures(records: Mapping[str, Record]) -> Readings:
    """Points of accuracy over the same search without, by space and over all; what is plain beside them."""
    found: Readings = {}
    for use in USES:
        for what in ("champion", "found"):
            rows = {case: 100 * (row[use][what] - row["off"][what]) for case, row in records.items()}
            if use != "off":
                parts = ", ".join(f"{name} {_mean(rows, name)}" for name in SPACES)
                found[f"gold_{use}_{what}_points"] = Reading(
                    statistics.fmean(rows.values()), f"{interval(list(rows.values()))}; {parts}"
                )
    for name in ("uniform", "single", "fitted"):
        found[f"gold_{name}_accuracy"] = Reading(
            statistics.fmean(row[name] for row in records.values()),
            ", ".join(f"{space} {_share(records, space, name)}" for space in SPACES),
        )
    found["gold_off_accuracy"] = Reading(
        statistics.fmean(row["off"]["champion"] for row in records.values()), "champions of searches without"
    )
    return found


def _mean(rows: Mapping[str, float], space: str) -> str:
    own = [value for case, value in rows.items() if case.startswith(space)]
    return f"{statistics.fmean(own):+.2f}" if own else "-"


def _share(records: Mapping[str, Record], space: str, name: str) -> str:
    own = [row[name] for case, row in records.items() if case.startswith(space)]
    return f"{statistics.fmean(own):.3f}" if own else "-"


def interval(values: Sequence[float]) -> str:
    """95% of the mean, by Student's t."""
    if len(values) < 2:
        return "one case"
    half = float(stats.t.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / math.sqrt(len(values))
    mean = statistics.fmean(values)
    return f"95% from {mean - half:+.2f} to {mean + half:+.2f} over {len(values)} searches"


STUDY = Study(
    name="gold",
    question="What do founders, refinement, screening and the finer order add to a short search?",
    cases=CASES,
    run=run,
    figures=figures,
    goals={
        **{f"gold_{use}_{what}_points": None for use in USES if use != "off" for what in ("champion", "found")},
        **dict.fromkeys(("gold_uniform_accuracy", "gold_single_accuracy", "gold_fitted_accuracy", "gold_off_accuracy")),
    },
)
