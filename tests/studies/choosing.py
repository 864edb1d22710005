"""How good is the choice of the champion? Real searches on the shipped spaces, and every finalist on fresh items.

Every case is one search with search and selection items of its own (questions are made on the fly, so another seed of
the sources gives others). Its finalists are then scored on items that no case ever uses for anything else, the same
ones for all cases of a space: the split of an item depends on its text alone, so a test item of one seed is no search
item of another. Scores are kept item by item: rules of choice are compared on the records, and nothing is decoded
again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evoswarm import SearchSpace, Swarm, search
from evoswarm.evaluation.ledger import Ledger
from evoswarm.experiment.estimating import SEEN, Expectation
from evoswarm.experiment.files.places import LEDGER
from evoswarm.experiment.result import SearchResult
from evoswarm.experiment.selection import Selection
from evoswarm.experiment.workbench import Workbench, workbench
from evoswarm.run_directory import INDIVIDUALS
from evoswarm.statistics.intervals import Vector
from tests.benchmarks.figures import ROOT, Reading, Readings, at_most
from tests.studies.choosing_rules import RULES, Contest, Outcome
from tests.studies.study import Record, Study

FAR_APART = 100_000
"""Between the seeds of two cases' items: reasoning-gym's item i of seed s is item i - 1 of seed s + 1."""

SETTINGS = {
    "quickstart": (),
    "tokens": (),
    "large-pool": ("evolution.generations=10",),
}
"""The shipped spaces; the large pool's search is cut short, as its default takes minutes."""

FRESH = 1000  # the first cases were measured on more of the same items, as their records say
SEEDS = range(220, 240)


KEYS = ("regret", "halved_regret", "below_uniform", "lead_error", "error")
UNIFORM = "uniform mix"
WITHOUT = " without "
"""In the names of what is left of a finalist from which members were dropped: no finalist of its own."""


class Cases:
    """The searches, with one loaded pool per space: what members have read for one case, the next need not read."""

    def __init__(self) -> None:
        self._swarms: dict[str, Swarm] = {}

    def run(self, case: str, runs: Path) -> Record:
        """Search, and score every finalist on the fresh items."""
        name, _, seed = case.rpartition("-")
        space, fresh = space_of(name, int(seed)), space_of(name, None)
        swarm = self._swarms.get(name)
        if swarm is None:
            swarm = self._swarms[name] = Swarm.load(space.pool, **space.decoding.model_dump())
        result = search(space, seed=int(seed), runs=runs, out=runs / case, swarm=swarm, certify=False)
        with workbench(space, runs / LEDGER, swarm=swarm, lent=True) as bench:
            population = _population(bench, result)
            found = _scores(bench, result)
        with workbench(fresh, runs / LEDGER, splits=("test",), swarm=swarm, lent=True) as bench:
            policies = [bench.bound(one.policy) for one in result.comparison]
            summaries = bench.evaluator.summaries(policies, bench.items["test"])
            found["fresh"] = [packed(one.scores) for one in summaries]
            tasks = [item.task for item in bench.items["test"]]
        selection = result.selection
        names = list(dict.fromkeys(tasks))
        items = {"search": found.pop("search_tasks"), "selection": found.pop("selection_tasks"), "fresh": tasks}
        return {
            "space": name,
            "seed": int(seed),
            "tasks": names,
            "items": {split: "".join(str(names.index(task)) for task in some) for split, some in items.items()},
            "population": population,
            "finalists": [
                {
                    "name": one.name,
                    "digest": one.policy.digest,
                    "origin": selection.origins.get(one.policy.digest, "plain"),
                    "estimate": _expected(selection, one.policy.digest),
                    "members": len(one.policy.specs),
                    "flops": one.flops,
                    **{split: found[split][place] for split in ("search", "selection", "fresh")},
                }
                for place, one in enumerate(result.comparison)
            ],
            "winner": selection.winner.policy.digest,
            "champion": selection.champion.policy.digest,
        }


def space_of(name: str, seed: int | None) -> SearchSpace:
    """A shipped space; with the items of a seed, or with those that all cases are measured on."""
    file = ROOT / "search_spaces" / f"{name}.yaml"
    common = ("tracking.mlflow=false", *SETTINGS[name])
    if seed is None:
        return SearchSpace.from_yaml(file, (*common, f"splits.test={FRESH}"))
    tasks = len(SearchSpace.from_yaml(file).tasks)
    own = tuple(f"tasks.{place}.seed={FAR_APART * seed}" for place in range(tasks))
    return SearchSpace.from_yaml(file, (*common, *own))


def packed(scores: Sequence[float]) -> str:
    """Scores of 0 and 1 in hexadecimal, the first in the highest bit of as many digits as are needed."""
    bits = "".join("1" if score == 1.0 else "0" for score in scores)
    if any(score not in (0.0, 1.0) for score in scores):
        raise ValueError("expected scores of 0 and 1, got others")
    return f"{int(bits, 2):0{-(-len(bits) // 4)}x}"


def unpacked(text: str, items: int) -> list[int]:
    """What ``packed`` made, as zeros and ones."""
    return [int(bit) for bit in f"{int(text, 16):0{items}b}"]


def _scores(bench: Workbench, result: SearchResult) -> dict[str, list[str]]:
    """The finalists on both splits of the search, and the tasks of its items."""
    policies = [bench.bound(one.policy) for one in result.comparison]
    found: dict[str, list[str]] = {}
    for split in SEEN:
        items = bench.items[split]
        found[split] = [packed(one.scores) for one in bench.evaluator.summaries(policies, items)]
        found[f"{split}_tasks"] = [item.task for item in items]
    return found


def _population(bench: Workbench, result: SearchResult) -> dict[str, str]:
    """What every recipe of the search did on the search items, by the beginning of its digest."""
    lines = (result.directory / INDIVIDUALS).read_text("utf-8").splitlines()
    digests = [bench.evaluator.item_digest(item, bench.space.prompt_format) for item in bench.items["search"]]
    ledger: Ledger = bench.evaluator.ledger
    population: dict[str, str] = {}
    for row in map(json.loads, lines):
        key = row["key"]
        if key[:12] in population or row["failure"] is not None:
            continue
        contexts: Mapping[str, tuple[int, str]] = ledger.contexts(key, digests)
        context = max(contexts, key=lambda one: contexts[one][0])
        rows = ledger.read(key, context, digests)
        population[key[:12]] = packed([0.0 if one is None else float(one[0] or 0.0) for one in rows])
    return population


def contest_of(record: Record) -> Contest:
    """The finalists of a record, as rules of choice see them."""
    names = record["tasks"]
    tasks: dict[str, list[str]] = {
        split: [names[int(digit)] for digit in digits] for split, digits in record["items"].items()
    }
    known = [one for one in record["finalists"] if WITHOUT not in one["name"] and _matters(one)]
    known.sort(key=lambda one: (one["origin"] != "plain", one["name"] != UNIFORM))
    rows = {split: np.asarray([unpacked(one[split], len(tasks[split])) for one in known], float) for split in tasks}
    population = [unpacked(text, len(tasks["search"])) for text in record["population"].values()]
    fresh = np.asarray(tasks["fresh"])
    half = np.zeros(len(fresh), bool)
    for task in names:
        half[np.flatnonzero(fresh == task)[::2]] = True
    return Contest(
        {split: tasks[split] for split in SEEN},
        np.asarray(population, float),
        {split: rows[split] for split in SEEN},
        np.asarray([one["origin"] == "evolved" for one in known]),
        np.asarray([one["flops"] for one in known]),
        _means(rows["fresh"], fresh, names),
        np.asarray([one["origin"] == "fitted" for one in known]),
        {place: _given(one["estimate"]) for place, one in enumerate(known) if one["origin"] == "composed"},
        known[0]["estimate"] is None,
        (_means(rows["fresh"][:, half], fresh[half], names), _means(rows["fresh"][:, ~half], fresh[~half], names)),
    )


def _expected(selection: Selection, digest: str) -> Record | None:
    """What is expected of a contender; None of who may not win."""
    known = selection.estimates.get(digest)
    return None if known is None else known.as_dict()


def _given(estimate: Record) -> Expectation:
    """What a search expected of a composed route: its scores alone do not say it, as it was chosen by them."""
    return Expectation(**estimate, differs=True, ranked=0.0)


def _matters(one: Record) -> bool:
    """Whether a contender may win, or is what the others are measured from."""
    return one["estimate"] is not None or one["name"] == UNIFORM


def _means(scores: Vector, tasks: NDArray[np.str_], names: Sequence[str]) -> Vector:
    """Mean over tasks of the tasks' means ``[finalists]``."""
    found: Vector = np.mean([scores[:, tasks == task].mean(axis=1) for task in names], axis=0)
    return found


def figures(records: Mapping[str, Record]) -> Readings:
    """Means over all searches, and what each space comes to."""
    found: Readings = {}
    rows = {case: contest_of(record).row() for case, record in records.items()}
    spaces = {name: [row for case, row in rows.items() if case.startswith(f"{name}-")] for name in SETTINGS}
    for rule, words in RULES.items():
        one = Outcome.of(list(rows.values()), rule)
        apart = ", ".join(f"{name} {Outcome.of(some, rule).regret:.2f}" for name, some in spaces.items() if some)
        note = f"points, standard error {one.spread:.2f}, {len(rows)} searches; {apart}; {words}"
        found[f"{rule}_regret"] = Reading(round(one.regret, 2), note)
        note = "points, the best finalist found on one half of the fresh items and measured on the other"
        found[f"{rule}_halved_regret"] = Reading(round(one.halved, 2), note)
        found[f"{rule}_below_uniform"] = Reading(round(one.below, 3), "share of champions below the uniform mix")
        note = "points that champions' leads over the uniform mix are expected to be, less what they are"
        found[f"{rule}_lead_error"] = Reading(round(one.lead_error, 2), note)
        note = f"the same of accuracies: fresh items are harder, {FRESH} distinct ones having few of the commonest"
        found[f"{rule}_error"] = Reading(round(one.error, 2), note)
    covered = float(np.mean([row["covered"] for row in rows.values()]))
    found["covered"] = Reading(round(covered, 3), "accuracies within the 95% interval of what is expected")
    return found


_CASES = Cases()

STUDY = Study(
    name="choosing",
    question="How far is the champion below the best finalist, and is it ever below the uniform mix?",
    cases=tuple(f"{name}-{seed}" for seed in SEEDS for name in SETTINGS),
    run=_CASES.run,
    figures=figures,
    goals={
        **{f"{rule}_{key}": None for rule in RULES for key in KEYS},
        "covered": None,
        "expected_halved_regret": at_most(0.4),
        "expected_below_uniform": at_most(0.05),
    },
)
