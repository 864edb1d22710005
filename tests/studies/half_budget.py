"""Does the default reach what NSGA-II reaches, with half the evaluations? Champions judged on items nobody has seen.

A case is one contender, space and seed: a search with all evaluations and one with half of them. The second asks for
what the first asked for at its beginning, so it decodes little anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from evoswarm import Recipe, SearchSpace
from evoswarm.experiment.files.places import LEDGER
from evoswarm.experiment.session import search
from evoswarm.experiment.workbench import load_swarm, workbench
from evoswarm.space import IslandOverrides
from evoswarm.space.gold_settings import GoldSettings
from evoswarm.statistics.seeds import Estimate
from evoswarm.study.comparison.compare import variant
from tests.benchmarks.figures import ROOT, Goal, Reading, Readings, at_least
from tests.studies.comparison import EVALUATIONS
from tests.studies.study import Record, Study

SEEDS = range(200, 205)
"""Nothing was tuned on them: defaults were chosen on seeds 0 to 9, and judged on 100 to 119 before."""

FRESH = 1000
OFF, DEFAULT = GoldSettings(founders=False), GoldSettings()
ALL = GoldSettings(founders=True, refine=0.25, screen=4, order=True)


@dataclass(frozen=True)
class Contender:
    """Who searches.

    Attributes:
        algorithm: of the search.
        gold: what it makes of right answers.
        last_island: the algorithm of its last island; None is genetic.
    """

    algorithm: str
    gold: GoldSettings = DEFAULT
    last_island: str | None = None

    def space(self, space: SearchSpace) -> SearchSpace:
        """A space as it searches it."""
        given = space.evolution.islands
        islands = (IslandOverrides(),) * given if isinstance(given, int) else given
        changed: dict[str, Any] = {"gold": self.gold}
        if self.last_island is not None:
            last = islands[-1].model_copy(update={"algorithm": self.last_island})
            changed["islands"] = (*islands[:-1], last)
        return space.model_copy(update={"evolution": space.evolution.model_copy(update=changed)})


CONTENDERS = {
    "archipelago": Contender("archipelago"),
    "nsga2": Contender("nsga2", OFF),
    "nsga2_founders": Contender("nsga2"),
    "unfounded": Contender("archipelago", OFF),
    "mixed": Contender("archipelago", last_island="catcma"),
    "catcma": Contender("catcma"),
    "particles": Contender("particles"),
    "gold": Contender("archipelago", ALL),
    "tpe": Contender("tpe"),
    "cmaes": Contender("cmaes"),
    "island": Contender("island"),
    "random": Contender("random"),
}
"""In the order in which they are run. All begin with the uniform mixes and single members, and all but ``nsga2``
(Optuna's as it is) and ``unfounded`` with mixes fitted to right answers; ``gold`` refines, screens and orders by these,
too."""

DEFAULTS, RIVAL = ("archipelago", "gold"), "nsga2"

SHARES = {"full": 1.0, "half": 0.5}


def judge(case: str, runs: Path) -> Record:
    """Search with all and with half of the evaluations, then decode both champions on the fresh items."""
    name, seed, algorithm = case.rsplit("-", 2)
    space, ledger = _space(name), runs / LEDGER
    swarm, contender = _swarm(name), CONTENDERS[algorithm]
    found, champions = {}, {}
    for budget, share in SHARES.items():
        evaluations = round(share * EVALUATIONS[name])
        searched = variant(contender.space(space), contender.algorithm, evaluations)
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
        for default in DEFAULTS:
            ours, theirs = reached[default, "half"], reached[RIVAL, "full"]
            points = [100 * (ours[seed] - theirs[seed]) for seed in sorted(set(ours) & set(theirs))]
            what = f"points, {default} with half - {RIVAL} with all"
            found[f"{space}_{default}_half_less_rival"] = _reading(points, what)
        for algorithm in CONTENDERS:
            for budget in SHARES:
                values = [100 * value for value in reached[algorithm, budget].values()]
                found[f"{space}_{algorithm}_{budget}"] = _reading(values, "% on fresh items")
    return found


def _reached(records: Mapping[str, Record], space: str) -> dict[tuple[str, str], dict[int, float]]:
    """Accuracy on the fresh items by seed, of every algorithm and budget."""
    reached: dict[tuple[str, str], dict[int, float]] = {(a, b): {} for a in CONTENDERS for b in SHARES}
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
    goals: dict[str, Goal | None] = {f"{s}_{a}_half_less_rival": at_least(0.0) for s in EVALUATIONS for a in DEFAULTS}
    return goals | {f"{s}_{a}_{b}": None for s in EVALUATIONS for a in CONTENDERS for b in SHARES}


STUDY = Study(
    name="half-budget",
    question="Does the default reach with half the evaluations what NSGA-II reaches with all?",
    cases=tuple(f"{s}-{seed}-{a}" for a in CONTENDERS for s in EVALUATIONS for seed in SEEDS),
    run=judge,
    figures=figures,
    goals=_goals(),
)
