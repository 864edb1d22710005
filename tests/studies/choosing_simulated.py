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

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evoswarm.experiment.estimating import SEEN
from evoswarm.experiment.finalists import FINALISTS
from evoswarm.statistics.intervals import Vector
from evoswarm.tasks.task import SplitName
from tests.benchmarks.figures import Goal, Reading, Readings, at_most
from tests.studies.choosing_rules import RULES, Contest, Outcome
from tests.studies.study import Record, Study

KINDS = ("alike", "specialists", "burdened")
SIZES = {"default": (96, 200), "small": (48, 64), "large": (384, 400)}
"""Search and selection items."""

SEARCHES = {"default": 200, "small": 40, "large": 40}
"""Of every kind of pool: 600 with the splits that spaces have by default."""

TRUTH = 20_000
"""Fresh items on which true accuracies are measured."""

GENERATIONS, POPULATION = 8, 30
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


def draw_search(rng: np.random.Generator, kind: str, search: int, selection: int, truth: int = TRUTH) -> Contest:
    """Draw a pool and items, evolve, and score the finalists on all of them."""
    pool = draw_pool(rng, kind)
    members, tasks = pool.able.shape
    counts: dict[SplitName, int] = {"search": search, "selection": selection, "test": truth}
    items = {split: pool.items(rng, count - count % tasks) for split, count in counts.items()}
    recipes, population = evolve(rng, items["search"])
    plain = plain_recipes(members)
    known = {row.tobytes() for row in plain}
    ranked = recipes[np.argsort(-population.mean(axis=1), kind="stable")]
    distinct = {row.tobytes(): row for row in ranked if row.tobytes() not in known}
    finalists = np.vstack([plain, *list(distinct.values())[:FINALISTS]])
    scores = {split: answers(finalists, margins) for split, margins in items.items()}
    return Contest(
        {split: [f"t{place % tasks}" for place in range(items[split].shape[1])] for split in SEEN},
        population,
        {split: scores[split] for split in SEEN},
        np.arange(len(finalists)) >= len(plain),
        (finalists[:, :members] > 1e-3).sum(axis=1) + rng.uniform(0, 0.1, len(finalists)),
        scores["test"].mean(axis=1),
    )


def run(case: str, runs: Path) -> Record:
    """All searches of one kind of pool and one size of splits."""
    kind, _, size = case.partition("-")
    rng = np.random.default_rng([KINDS.index(kind), list(SIZES).index(size)])
    return {"searches": [draw_search(rng, kind, *SIZES[size]).row() for _ in range(SEARCHES[size])]}


def figures(records: Mapping[str, Record]) -> Readings:
    """Means over all kinds of pools, by size of splits."""
    found: Readings = {}
    for size in SIZES:
        by_kind = [records[case]["searches"] for kind in KINDS if (case := f"{kind}-{size}") in records]
        rows = [row for some in by_kind for row in some]
        for rule, words in RULES.items() if rows else ():
            one, apart = Outcome.of(rows, rule), [Outcome.of(some, rule) for some in by_kind]
            regrets = ", ".join(f"{kind.regret:.2f}" for kind in apart)
            shares = ", ".join(f"{kind.below:.0%}" for kind in apart)
            note = f"points, standard error {one.spread:.2f}, {len(rows)} searches; by kind of pool {regrets}; {words}"
            found[f"{size}_{rule}_regret"] = Reading(round(one.regret, 2), note)
            note = f"share of champions below the uniform mix; by kind of pool {shares}"
            found[f"{size}_{rule}_below_uniform"] = Reading(round(one.below, 3), note)
            note = "points that champions are expected to score, less what they do"
            found[f"{size}_{rule}_error"] = Reading(round(one.error, 2), note)
        covered = float(np.mean([row["covered"] for row in rows])) if rows else None
        found[f"{size}_covered"] = Reading(covered, "true accuracies within the 95% interval of what is expected")
    return found


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
