"""Does the default reach what NSGA-II reaches, with half the evaluations? Champions judged on items nobody has seen.

A case is one algorithm, space and seed: a search with all evaluations and one with half of them. The second asks for
what the first asked for at its beginning, so it decodes little anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from evoswarm import Recipe, SearchSpace
from evoswarm.experiment.files.places import LEDGER
from evoswarm.experiment.session import search
from evoswarm.experiment.workbench import load_swarm, workbench
from evoswarm.space import IslandOverrides
from evoswarm.statistics.seeds import Estimate
from evoswarm.study.comparison.compare import variant
from tests.benchmarks.figures import ROOT, Goal, Reading, Readings, at_least
from tests.studies.comparison import EVALUATIONS
from tests.studies.study import Record, Study

SEEDS = range(200, 205)
"""Nothing was tuned on them: defaults were chosen on seeds 0 to 9, and judged on 100 to 119 before."""

FRESH = 1000
DEFAULT, RIVAL, MIXED = "archipelago", "nsga2", "mixed"
ALGORITHMS = (DEFAULT, RIVAL, "catcma", MIXED, "particles", "tpe", "cmaes", "island", "random")
"""In the order in which they are run. ``mixed`` is the default with CatCMA on its last island."""

SHARES = {"full": 1.0, "half": 0.5}


def judge(case: str, runs: Path) -> Record:
    """Search with all and with half of the evaluations, then decode both champions on the fresh items."""
    name, seed, algorithm = case.rsplit("-", 2)
    space, ledger = _space(name), runs / LEDGER
    swarm = _swarm(name)
    found, champions = {}, {}
    for budget, share in SHARES.items():
        evaluations = round(share * EVALUATIONS[name])
        searched = variant(_spaced(space, algorithm), DEFAULT if algorithm == MIXED else algorithm, evaluations)
        out = runs / name / f"{algorithm}-{budget}-seed{seed}"
        result = search(searched, seed=int(seed), runs=runs, out=out, swarm=swarm, certify=False)
        champions[budget] = result.champion
        found[budget] = {
            "evaluations": evaluations,
            "selection": result.accuracy,
            "champion": result.champion.digest,
            "seconds": round(result.seconds, 1),
        }
    for budget, (fresh, flops) in _fresh(space, champions, ledger, swarm).items():
        found[budget] |= {"fresh": fresh, "flops": flops}
    return {"space": name, "seed": int(seed), "algorithm": algorithm, "items": FRESH, "budgets": found}


def _space(name: str) -> SearchSpace:
    overrides = (f"splits.test={FRESH}", "tracking.mlflow=false")
    return SearchSpace.from_yaml(ROOT / "search_spaces" / f"{name}.yaml", overrides)


def _spaced(space: SearchSpace, algorithm: str) -> SearchSpace:
    """The space; with CatCMA on its last island where islands are mixed."""
    if algorithm != MIXED:
        return space
    given = space.evolution.islands
    islands = (IslandOverrides(),) * given if isinstance(given, int) else given
    islands = (*islands[:-1], islands[-1].model_copy(update={"algorithm": "catcma"}))
    return space.model_copy(update={"evolution": space.evolution.model_copy(update={"islands": islands})})


@lru_cache(maxsize=1)
def _swarm(name: str) -> Any:
    """The loaded pool of a space: cases of one space follow one another."""
    return load_swarm(_space(name))


def _fresh(
    space: SearchSpace, champions: Mapping[str, Any], ledger: Path, swarm: Any
) -> dict[str, tuple[float, float]]:
    """Accuracy and FLOPs of every champion on the same items: differences are paired."""
    with workbench(space, ledger, splits=["test"], swarm=swarm) as bench:
        recipes: list[Recipe] = [bench.bound(recipe) for recipe in champions.values()]
        rows = bench.evaluator.summaries(recipes, bench.items["test"])
    return {budget: (row.objective("accuracy"), row.cost.flops) for budget, row in zip(champions, rows, strict=True)}


def figures(records: Mapping[str, Record]) -> Readings:
    """Per space: the default with half the evaluations less NSGA-II with all, and what everybody reached."""
    found: Readings = {}
    for space in EVALUATIONS:
        reached = _reached(records, space)
        pairs = [reached[RIVAL, "full"], reached[DEFAULT, "half"]]
        seeds = sorted(set(pairs[0]) & set(pairs[1]))
        points = [100 * (pairs[1][seed] - pairs[0][seed]) for seed in seeds]
        found[f"{space}_half_less_rival"] = _reading(points, f"points, {DEFAULT} with half - {RIVAL} with all")
        for algorithm in ALGORITHMS:
            for budget in SHARES:
                values = [100 * value for value in reached[algorithm, budget].values()]
                found[f"{space}_{algorithm}_{budget}"] = _reading(values, "% on fresh items")
    return found


def _reached(records: Mapping[str, Record], space: str) -> dict[tuple[str, str], dict[int, float]]:
    """Accuracy on the fresh items by seed, of every algorithm and budget."""
    reached: dict[tuple[str, str], dict[int, float]] = {(a, b): {} for a in ALGORITHMS for b in SHARES}
    for record in records.values():
        if record["space"] == space:
            for budget, one in record["budgets"].items():
                reached[record["algorithm"], budget][record["seed"]] = one["fresh"]
    return reached


def _reading(values: list[float], what: str) -> Reading:
    if not values:
        return Reading(None, "no case yet")
    estimate = Estimate.of(values)
    if estimate.low is None or estimate.high is None:
        return Reading(round(estimate.mean, 2), f"{what}; 1 seed")
    spread = f"[{estimate.low:.2f}, {estimate.high:.2f}]"
    return Reading(round(estimate.mean, 2), f"{what}: {estimate.mean:.2f} {spread}, {len(values)} seeds")


def _goals() -> dict[str, Goal | None]:
    goals: dict[str, Goal | None] = {f"{space}_half_less_rival": at_least(0.0) for space in EVALUATIONS}
    return goals | {f"{s}_{a}_{b}": None for s in EVALUATIONS for a in ALGORITHMS for b in SHARES}


STUDY = Study(
    name="half-budget",
    question="Does the default reach with half the evaluations what NSGA-II reaches with all?",
    cases=tuple(f"{s}-{seed}-{a}" for a in ALGORITHMS for s in EVALUATIONS for seed in SEEDS),
    run=judge,
    figures=figures,
    goals=_goals(),
)
