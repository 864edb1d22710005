"""Whether the certificate's intervals and verdict err as rarely as they say: thousands of searches, drawn not decoded.

A simulated search has hundreds of recipes. Every recipe has an ability on every task, every item a difficulty, and a
recipe solves an item with the chance that both give (Rasch 1960). Recipes crowd together below a plateau, as those of
an evolved population do. The best twenty on the search items are tested on the selection items, and the most accurate
there is the champion; a thrifty search would take the cheapest that it does not clearly beat: the rules of
``evoswarm.experiment.selection`` where nothing but the selection items is known (what a search chooses by is tried in
``choosing_simulated``). True accuracies are integrals over all difficulties, so it is known whether an
interval covers them, and what thrift costs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import brentq

from evoswarm.certificate.verdict import decide
from evoswarm.experiment.finalists import FINALISTS
from evoswarm.statistics.intervals import Stratum, Vector, difference_of, mean_of, strata
from tests.benchmarks.figures import Reading, Readings, at_most
from tests.studies.study import Record, Study

TASKS = 5
RECIPES = 300
SEARCH, SELECTION, TEST = 200, 200, 1000
MARGIN, FAR, SAVING = 0.03, 0.15, 0.05
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(61)


def parts_of(items: int) -> tuple[Stratum, ...]:
    """The strata of so many items, the tasks taking turns."""
    names = [f"task{item % TASKS}" for item in range(items)]
    return strata(names, dict.fromkeys(names, 1.0))


PARTS = {items: parts_of(items) for items in {SEARCH, SELECTION, TEST}}


@dataclass(frozen=True)
class Simulated:
    """A search that was drawn.

    Attributes:
        search: scores ``[recipes, items]`` of all recipes.
        selection: scores ``[finalists, items]``.
        flops: of all recipes.
        champion: which recipe.
        test: its scores on the test items.
        truth: its true accuracy.
        thrifty: which recipe a thrifty search would take.
        thrifty_truth: its true accuracy.
        best: the recipe that is best on the search items: the champion of a search without the other two splits.
        best_truth: its true accuracy.
    """

    search: Vector
    selection: Vector
    flops: Vector
    champion: int
    test: Vector
    truth: float
    thrifty: int
    thrifty_truth: float
    best: int
    best_truth: float


def draw_search(generator: np.random.Generator, recipes: int = RECIPES) -> Simulated:
    """Draw a population, run the selection rule, open the test items."""
    spread = generator.uniform(1.0, 3.0, TASKS)  # of the difficulties of a task's items
    plateau = generator.uniform(0.0, 4.0)
    below = generator.exponential(1.0, recipes) * (generator.random(recipes) < 0.5)  # half of them are on it
    abilities = plateau - below[:, None] + generator.normal(0.0, 0.3, (recipes, TASKS))
    flops = generator.lognormal(0.0, 0.5, recipes)
    search = draw_scores(generator, abilities, spread, SEARCH)
    finalists = np.argsort(-search.mean(axis=1), kind="stable")[:FINALISTS]
    selection = draw_scores(generator, abilities[finalists], spread, SELECTION)
    champion = int(finalists[choose(selection, flops[finalists], None)])
    thrifty = int(finalists[choose(selection, flops[finalists], SAVING)])
    test = draw_scores(generator, abilities[[champion]], spread, TEST)[0]
    best = int(finalists[0])
    truth, thrifty_truth, best_truth = (accuracy(abilities[recipe], spread) for recipe in (champion, thrifty, best))
    return Simulated(search, selection, flops, champion, test, truth, thrifty, thrifty_truth, best, best_truth)


def draw_scores(generator: np.random.Generator, abilities: Vector, spread: Vector, items: int) -> Vector:
    """Zeros and ones ``[recipes, items]`` on new items, the same for all recipes.

    Args:
        generator: of the draws.
        abilities: ``[recipes, tasks]``.
        spread: of the difficulties, by task.
        items: how many, the tasks taking turns.
    """
    task = np.arange(items) % TASKS
    difficulty = generator.normal(0.0, 1.0, items) * spread[task]
    chance = 1.0 / (1.0 + np.exp(difficulty - abilities[:, task]))
    scores: Vector = (generator.random(chance.shape) < chance).astype(np.float64)
    return scores


def accuracy(abilities: Vector, spread: Vector) -> float:
    """The true accuracy of a recipe: its mean chance over all difficulties, by quadrature, and over the tasks."""
    chance = 1.0 / (1.0 + np.exp(spread[:, None] * _NODES - abilities[:, None]))
    return float((chance @ _WEIGHTS / _WEIGHTS.sum()).mean())


def choose(scores: Vector, flops: Vector, saving: float | None) -> int:
    """The best, or the cheapest within one paired standard error of it that saves enough; over tasks of equal weight.

    Args:
        scores: ``[finalists, items]``, the tasks taking turns.
        flops: of the finalists.
        saving: the least share of FLOPs that is enough; None always takes the best.
    """
    means = scores.mean(axis=1)
    best = min(range(len(means)), key=lambda index: (-means[index], flops[index]))
    if saving is None:
        return best
    variance = np.zeros(len(means))
    for task in range(TASKS):
        differences = scores[best, task::TASKS] - scores[:, task::TASKS]
        variance += differences.var(axis=1, ddof=1) / differences.shape[1] / TASKS**2
    near = np.flatnonzero((means[best] - means <= np.sqrt(variance)) & (flops <= (1 - saving) * flops[best]))
    return int(min(near, key=lambda index: (flops[index], -means[index]), default=best))


def coverage(searches: int, seed: int) -> Record:
    """How often an interval covers the truth: of the champion on test items, and of the best one on search items."""
    generator = np.random.default_rng(seed)
    covered = {"test": 0, "search": 0, "champion_on_search": 0}
    curse = ahead = dearer = 0.0
    for _ in range(searches):
        one = draw_search(generator)
        for name, scores, truth in (
            ("test", one.test, one.truth),
            ("search", one.search[one.best], one.best_truth),
            ("champion_on_search", one.search[one.champion], one.truth),
        ):
            sample = mean_of(scores, PARTS[len(scores)])  # type: ignore[arg-type]
            covered[name] += sample.lower() <= truth <= sample.upper()
        curse += float(one.search[one.best].mean()) - one.best_truth
        ahead += one.truth - one.thrifty_truth
        dearer += math.log(one.flops[one.champion] / one.flops[one.thrifty])
    shares = {name: count / searches for name, count in covered.items()}
    thrift = {"accurate_less_thrifty": ahead / searches, "log_flops_ratio": dearer / searches}
    return {"searches": searches, **shares, "best_on_search_less_truth": curse / searches, **thrift}


def verdicts(searches: int, seed: int, gain: float) -> Record:
    """How often each verdict is given where the champion's true gain over one rival is known, and large over three.

    The champion of every simulated search plays against rivals of its own abilities, shifted so that the true
    difference is the asked one.
    """
    generator = np.random.default_rng(seed)
    outcomes: dict[str, int] = {"adds value": 0, "no value": 0, "undecided": 0}
    for _ in range(searches):
        spread = generator.uniform(1.0, 3.0, TASKS)
        champion = generator.uniform(0.0, 4.0) + generator.normal(0.0, 0.5, TASKS)
        close, far = (champion - shift_for(champion, spread, wanted) for wanted in (gain, FAR))
        scores = draw_scores(generator, np.stack([champion, close, far, far, far]), spread, TEST)
        differences = {f"R{number}": difference_of(scores[0], scores[number], PARTS[TEST]) for number in range(1, 5)}
        outcomes[decide(differences, 2, TEST, MARGIN).outcome] += 1
    return {"searches": searches, "gain": gain, **{name: count / searches for name, count in outcomes.items()}}


def shift_for(abilities: Vector, spread: Vector, gain: float) -> float:
    """By how much abilities must be lowered for a true loss of accuracy."""
    wanted = accuracy(abilities, spread) - gain
    return float(brentq(lambda shift: accuracy(abilities - shift, spread) - wanted, 0.0, 20.0)) if gain else 0.0


def _run(case: str, runs: Path) -> Record:
    kind, _, block = case.rpartition("-")
    if kind == "coverage":
        return coverage(500, 1000 + int(block))
    gain = {"no-gain": 0.0, "margin-gain": MARGIN}[kind]
    return verdicts(2000, 2000 + int(block) + round(1e6 * gain), gain)


def _mean(records: Mapping[str, Record], kind: str, key: str) -> tuple[float | None, int]:
    """Over all records of a kind that have it (those of earlier versions lack some), and of how many searches."""
    chosen = [record for case, record in records.items() if case.startswith(f"{kind}-") and key in record]
    count = sum(record["searches"] for record in chosen)
    return (sum(record[key] * record["searches"] for record in chosen) / count if count else None), count


def _figures(records: Mapping[str, Record]) -> Readings:
    test, count = _mean(records, "coverage", "test")
    search, _ = _mean(records, "coverage", "search")
    champion, _ = _mean(records, "coverage", "champion_on_search")
    curse, _ = _mean(records, "coverage", "best_on_search_less_truth")
    ahead, _ = _mean(records, "coverage", "accurate_less_thrifty")
    dearer, _ = _mean(records, "coverage", "log_flops_ratio")
    false_gain, drawn = _mean(records, "no-gain", "adds value")
    false_none, more = _mean(records, "margin-gain", "no value")
    return {
        "test_coverage": Reading(test, f"of the 95% interval on {TEST} test items, {count} searches"),
        "test_coverage_off": Reading(None if test is None else abs(test - 0.95), "its distance from 95%"),
        "search_coverage": Reading(search, f"of the same interval of the best recipe on the {SEARCH} search items"),
        "search_promise": Reading(curse, "the best score on the search items, less that recipe's true accuracy"),
        "champion_on_search_coverage": Reading(champion, "of the champion's interval on the search items"),
        "accurate_less_thrifty": Reading(ahead, "true accuracy of the champion less that of the thrifty choice"),
        "flops_ratio": Reading(None if dearer is None else math.exp(dearer), "its FLOPs, geometric mean of the ratio"),
        "false_adds_value": Reading(false_gain, f"without a true gain over one rival, {drawn} verdicts"),
        "false_no_value": Reading(false_none, f"with a true gain of {MARGIN} over one rival, {more} verdicts"),
    }


STUDY = Study(
    name="simulated",
    question="Do the certificate's interval and verdict err as rarely as they say?",
    cases=(
        *(f"coverage-{block}" for block in range(4)),
        *(f"no-gain-{block}" for block in range(5)),
        *(f"margin-gain-{block}" for block in range(5)),
    ),
    run=_run,
    figures=_figures,
    goals={
        "test_coverage": None,
        "test_coverage_off": at_most(0.015),
        "search_coverage": at_most(0.9),
        "search_promise": None,
        "champion_on_search_coverage": None,
        "accurate_less_thrifty": None,
        "flops_ratio": None,
        "false_adds_value": at_most(0.025),
        "false_no_value": at_most(0.025),
    },
)
