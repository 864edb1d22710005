"""Which rule chooses well? Searches that are drawn: recipes evolve on items, and their true accuracies are known.

An item has a margin for every member: how far the member is from being wrong on it. Margins share the item's difficulty
and differ in what each member knows of each task. A recipe mixes them by weights, after its own temperatures, and is
right where the mix is above what its flaws cost (a wrong rule, a bad threshold: two genes that are best at 0). So
recipes that are alike err alike, as mixed models do. A population evolves by tournaments on the search items, so what
is found there is flattered as in a real search. Mutations are as wide as makes finalists differ in about as many
answers as those of the shipped spaces do.

Pools are of three kinds: members that are equally good (the uniform mix is nearly the best there is), specialists, and
pools with a member that is a burden.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evoswarm.experiment.estimating import Estimator, Expectation, Scores, SeenItems
from evoswarm.experiment.finalists import FINALISTS
from evoswarm.statistics.intervals import Vector
from evoswarm.statistics.paired import paired_standard_error
from tests.benchmarks.figures import Goal, Reading, Readings, at_most
from tests.studies.study import Record, Study

KINDS = ("alike", "specialists", "burdened")
SIZES = {"default": (96, 200), "small": (48, 64), "large": (384, 400)}
"""Search and selection items."""

SEARCHES = {"default": 70, "small": 40, "large": 40}
"""Of every kind of pool: 210 with the splits that spaces have by default."""

TRUTH = 20_000
"""Fresh items on which true accuracies are measured."""

GENERATIONS, POPULATION, SAVING = 8, 30, 0.05
_WEIGHTS, _SHARPNESS, _FLAWS = 0.3, 0.15, 0.12  # how wide mutations are


@dataclass(frozen=True)
class Pool:
    """Members that were drawn.

    Attributes:
        able: what each knows of each task ``[members, tasks]``.
        own: standard deviation of what is each member's alone ``[members]``.
        shared: that of what all have in common.
        scale: how loud each is ``[members]``.
    """

    able: Vector
    own: Vector
    shared: float
    scale: Vector

    def items(self, rng: np.random.Generator, count: int) -> Vector:
        """Margins ``[members, items]`` of new items, the tasks taking turns."""
        members, tasks = self.able.shape
        margins = self.able[:, np.arange(count) % tasks] + rng.normal(0, self.shared, count)
        margins = margins + rng.normal(0, 1, (members, count)) * self.own[:, None]
        scaled: Vector = margins * self.scale[:, None]
        return scaled


@dataclass(frozen=True)
class Drawn:
    """A search that was drawn.

    Attributes:
        tasks: how many, taking turns.
        population: scores of all recipes on the search items.
        scores: of the finalists, by split; the first is the uniform mix, then the members, then those that were bred.
        bred: how many were.
        flops: of the finalists.
        truth: their true accuracies.
    """

    tasks: int
    population: Vector
    scores: Mapping[str, Vector]
    bred: int
    flops: Vector
    truth: Vector

    def estimates(self) -> list[Expectation]:
        """Of the finalists, as evoswarm makes them."""
        names = {
            split: [f"t{place % self.tasks}" for place in range(rows.shape[1])] for split, rows in self.scores.items()
        }
        seen = SeenItems(names, {f"t{task}": 1.0 for task in range(self.tasks)}, self.population)  # type: ignore[arg-type]
        rows: list[Scores] = [
            {"search": one, "selection": other}  # type: ignore[dict-item]
            for one, other in zip(self.scores["search"], self.scores["selection"], strict=True)
        ]
        ranked = [place >= len(rows) - self.bred for place in range(len(rows))]
        estimator = Estimator(seen, rows[0], list(zip(ranked, rows, strict=True))[1:])  # type: ignore[arg-type]
        return [estimator.of(row, ranked=one) for row, one in zip(rows, ranked, strict=True)]


def draw_pool(rng: np.random.Generator, kind: str) -> Pool:
    """Three to six members and as many tasks."""
    members, tasks = int(rng.integers(3, 7)), int(rng.integers(3, 7))
    if kind == "alike":
        able = rng.normal(0, 0.12, (members, 1)) + rng.normal(0, 0.2, (members, tasks)) + rng.uniform(0.2, 1.2)
    elif kind == "specialists":
        able = rng.normal(-0.8, 1.2, (members, tasks)) + rng.uniform(0, 0.8)
    else:
        able = rng.normal(0, 0.3, (members, 1)) + rng.normal(0, 0.5, (members, tasks)) + rng.uniform(0, 1)
        able[-1] -= rng.uniform(0.5, 2.0)
    loud = 0.15 if kind == "alike" else 0.4
    return Pool(able, rng.uniform(0.7, 1.3, members), float(rng.uniform(0.5, 1.0)), rng.lognormal(0, loud, members))


def answers(recipes: Vector, margins: Vector) -> Vector:
    """Zeros and ones ``[recipes, items]``.

    Args:
        recipes: ``[recipes, 2 * members + 2]``: weights, sharpness, flaws.
        margins: ``[members, items]``.
    """
    members = len(margins)
    weights = recipes[:, :members] / recipes[:, :members].sum(axis=1, keepdims=True)
    heard = np.tanh(recipes[:, members : 2 * members, None] * margins)
    right = np.einsum("rm,rmi->ri", weights, heard) > (recipes[:, 2 * members :] ** 2).sum(axis=1)[:, None]
    scores: Vector = right.astype(np.float64)
    return scores


def plain_recipes(members: int) -> Vector:
    """The uniform mix, then every member alone."""
    weights = np.vstack([np.ones(members), np.eye(members)])
    return np.hstack([weights, np.ones_like(weights), np.zeros((members + 1, 2))])


def evolve(rng: np.random.Generator, margins: Vector) -> tuple[Vector, Vector]:
    """All recipes that were scored, and their scores on the search items; the plain ones come first."""
    members = len(margins)
    plain = plain_recipes(members)
    count = POPULATION - len(plain)
    weights = (rng.random((count, members)) < 0.6) * rng.lognormal(0, 1, (count, members))
    weights += 1e-6 + np.eye(members)[rng.integers(members, size=count)]
    others = np.hstack([weights, rng.lognormal(0, 0.5, (count, members)), rng.normal(0, 0.4, (count, 2))])
    living = np.vstack([plain, others])
    recipes, scores = [living], [answers(living, margins)]
    fitness = scores[0].mean(axis=1)
    for _ in range(GENERATIONS - 1):
        rivals = rng.integers(len(living), size=(2 * POPULATION, 3))
        parents = rivals[np.arange(len(rivals)), np.argmax(fitness[rivals], axis=1)].reshape(2, POPULATION)
        children = _children(rng, living[parents[0]], living[parents[1]], members)
        recipes.append(children)
        scores.append(answers(children, margins))
        living, fitness = np.vstack([living, children]), np.concatenate([fitness, scores[-1].mean(axis=1)])
        best = np.argsort(-fitness, kind="stable")[:POPULATION]
        living, fitness = living[best], fitness[best]
    return np.vstack(recipes), np.vstack(scores)


def _children(rng: np.random.Generator, first: Vector, second: Vector, members: int) -> Vector:
    """A member's genes cross as one block; two genes change on average."""
    count = len(first)
    block = rng.random((count, members)) < 0.5
    mask = np.hstack([block, block, rng.random((count, 2)) < 0.5])
    made = np.where(mask, first, second)
    changed = rng.random(made.shape) < 2 / made.shape[1]
    factors = np.hstack([rng.lognormal(0, _WEIGHTS, block.shape), rng.lognormal(0, _SHARPNESS, block.shape)])
    varied = np.hstack([made[:, : 2 * members] * factors, made[:, 2 * members :] + rng.normal(0, _FLAWS, (count, 2))])
    made = np.where(changed, varied, made)
    flipped = rng.random((count, members)) < 0.1
    flipped &= ~(flipped & (np.arange(members) == made[:, :members].argmax(axis=1)[:, None]))  # somebody stays
    weights = np.where(flipped, np.where(made[:, :members] > 1e-3, 1e-6, 1.0), made[:, :members])
    return np.hstack([np.maximum(weights, 1e-6), made[:, members:]])


def draw_search(rng: np.random.Generator, kind: str, search: int, selection: int, truth: int = TRUTH) -> Drawn:
    """Draw a pool and items, evolve, and score the finalists on all of them."""
    pool = draw_pool(rng, kind)
    members, tasks = pool.able.shape
    items = {
        name: pool.items(rng, count - count % tasks)
        for name, count in (("search", search), ("selection", selection), ("truth", truth))
    }
    recipes, population = evolve(rng, items["search"])
    plain = plain_recipes(members)
    ranked = recipes[np.argsort(-population.mean(axis=1), kind="stable")]
    known = {row.tobytes() for row in plain}
    distinct = {row.tobytes(): row for row in ranked if row.tobytes() not in known}
    finalists = np.vstack([plain, *list(distinct.values())[:FINALISTS]])
    flops = (finalists[:, :members] > 1e-3).sum(axis=1) + rng.uniform(0, 0.1, len(finalists))
    scores = {split: answers(finalists, items[split]) for split in ("search", "selection")}
    true = answers(finalists, items["truth"]).mean(axis=1)
    return Drawn(tasks, population, scores, len(finalists) - len(plain), flops, true)


Choices = dict[str, tuple[int, float]]
"""By rule: the finalist that it takes, and the accuracy that it expects of it."""


def choices(one: Drawn) -> Choices:
    """What each rule makes of the same search."""
    estimates, flops = one.estimates(), one.flops
    selection = one.scores["selection"].mean(axis=1)
    both = np.hstack([one.scores["search"], one.scores["selection"]]).mean(axis=1)
    unshrunk = both[0] + np.asarray([known.lead for known in estimates])
    group = towards_the_group(one, both)
    chosen = min(range(len(flops)), key=lambda place: estimates[place].order(flops[place]))
    found = {"expected": (chosen, estimates[chosen].accuracy)}
    for name, values in (("selection", selection), ("both", both), ("unshrunk", unshrunk), ("group", group)):
        best = best_of(values, flops)
        found[name] = (best, float(values[best]))
    cheap = thrifty(one, selection)
    return {**found, "thrifty": (cheap, float(selection[cheap]))}


def best_of(values: Vector, flops: Vector) -> int:
    """The highest; of equals the cheapest."""
    return min(range(len(values)), key=lambda place: (-round(float(values[place]), 9), flops[place]))


def towards_the_group(one: Drawn, both: Vector) -> Vector:
    """Those that were bred, shrunk towards their own mean on the selection items (Efron & Morris 1973).

    All by one factor: 1 - (k - 3) / (k - 1) times what chance makes of their spread over the spread that was seen.
    """
    bred = slice(len(both) - one.bred, None)
    rows = np.hstack([one.scores["search"], one.scores["selection"]])[bred]
    apart = both[bred] - both[bred].mean()
    residual = rows - rows.mean(axis=0)
    residual = residual - residual.mean(axis=1, keepdims=True)
    chance = float((residual**2).sum()) / (rows.shape[1] - 1) / rows.shape[1]
    seen = float((apart**2).sum())
    factor = max(0.0, 1 - (one.bred - 3) / (one.bred - 1) * chance / seen) if seen else 0.0
    level = both[0] + one.scores["selection"][bred].mean() - one.scores["selection"][0].mean()
    estimates = both.copy()
    estimates[bred] = level + factor * apart
    return estimates


def thrifty(one: Drawn, selection: Vector) -> int:
    """The cheapest within one standard error of the best on the selection items, if it saves enough."""
    rows, flops = one.scores["selection"], one.flops
    best = best_of(selection, flops)
    tasks = [f"t{place % one.tasks}" for place in range(rows.shape[1])]
    weights = dict.fromkeys(tasks, 1.0)
    near = [
        place
        for place in range(len(flops))
        if flops[place] <= (1 - SAVING) * flops[best]
        and selection[best] - selection[place]
        <= paired_standard_error(list(rows[best]), list(rows[place]), tasks, weights)
    ]
    return min(near, key=lambda place: (flops[place], -selection[place]), default=best)


def run(case: str, runs: Path) -> Record:
    """All searches of one kind of pool and one size of splits."""
    kind, _, size = case.partition("-")
    rng = np.random.default_rng([KINDS.index(kind), list(SIZES).index(size)])
    rows: dict[str, list[tuple[float, bool, float]]] = {}
    covered, apart = [], []
    for _ in range(SEARCHES[size]):
        one = draw_search(rng, kind, *SIZES[size])
        for rule, (place, expected) in choices(one).items():
            own, best, uniform = one.truth[place], one.truth.max(), one.truth[0]
            rows.setdefault(rule, []).append((100 * (best - own), bool(own < uniform), 100 * (expected - own)))
        known = one.estimates()
        place = min(range(len(known)), key=lambda number: known[number].order(one.flops[number]))
        covered.append(known[place].low <= one.truth[place] <= known[place].high)
        apart.append(100 * (one.truth.max() - one.truth[0]))
    return {
        "searches": SEARCHES[size],
        "best_less_uniform": float(np.mean(apart)),
        "covered": float(np.mean(covered)),
        "rules": {
            rule: {
                "regret": float(np.mean([row[0] for row in found])),
                "regret_squares": float(np.mean([row[0] ** 2 for row in found])),
                "below_uniform": float(np.mean([row[1] for row in found])),
                "error": float(np.mean([row[2] for row in found])),
            }
            for rule, found in rows.items()
        },
    }


RULES = {
    "expected": "evoswarm's: all items, less optimism, shrunk towards the uniform mix",
    "selection": "the most accurate on the selection items",
    "both": "the most accurate on the items of both splits",
    "unshrunk": "the greatest lead over the uniform mix less optimism, not shrunk",
    "group": "all bred ones shrunk towards their mean by one factor",
    "thrifty": "the cheapest near the best",
}


def figures(records: Mapping[str, Record]) -> Readings:
    """Means over all kinds of pools, by size of splits."""
    found: Readings = {}
    for size in SIZES:
        rows = [record for case, record in records.items() if case.endswith(f"-{size}")]
        searches = sum(row["searches"] for row in rows)
        for rule, words in RULES.items():
            means = {key: _mean(rows, rule, key) for key in ("regret", "regret_squares", "below_uniform", "error")}
            spread = math.sqrt(max(0.0, means["regret_squares"] - means["regret"] ** 2) / max(1, searches))
            by_kind = ", ".join(f"{100 * row['rules'][rule]['below_uniform']:.0f}%" for row in rows)
            found[f"{size}_{rule}_regret"] = Reading(
                round(means["regret"], 3), f"points, standard error {spread:.2f}, {searches} searches; {words}"
            )
            found[f"{size}_{rule}_below_uniform"] = Reading(
                round(means["below_uniform"], 4), f"share of champions; by kind of pool {by_kind}"
            )
            found[f"{size}_{rule}_error"] = Reading(
                round(means["error"], 3), "points that the champion is expected to score, less what it does"
            )
        covered = sum(row["covered"] * row["searches"] for row in rows) / searches if rows else None
        found[f"{size}_covered"] = Reading(covered, "true accuracies within the expectation's 95% interval")
    return found


def _mean(rows: list[Record], rule: str, key: str) -> float:
    searches = sum(row["searches"] for row in rows)
    return sum(row["rules"][rule][key] * row["searches"] for row in rows) / searches if rows else math.nan


def _goals() -> dict[str, Goal | None]:
    goals: dict[str, Goal | None] = {}
    for size in SIZES:
        for rule in RULES:
            goals |= {f"{size}_{rule}_{key}": None for key in ("regret", "below_uniform", "error")}
        goals[f"{size}_covered"] = None
    goals["default_expected_regret"] = at_most(0.4)
    goals["default_expected_below_uniform"] = at_most(0.05)
    return goals


STUDY = Study(
    name="choosing-simulated",
    question="Which rule chooses the champion well, where true accuracies are known?",
    cases=tuple(f"{kind}-{size}" for size in SIZES for kind in KINDS),
    run=run,
    figures=figures,
    goals=_goals(),
)
