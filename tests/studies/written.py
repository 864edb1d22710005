"""Are right answers what members write? Where they are short and exact they should be, where they are free text not.

A task counts as free text where nobody writes 5% of its right answers as they are given (`evoswarm.gold.written`). How
far that is from both sides: on the search items of the shipped spaces, and on 50 items of each task of
`tests.studies.heard`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from evoswarm import SearchSpace
from evoswarm.experiment.workbench import workbench
from evoswarm.genomes.plain import uniform
from evoswarm.gold.forms import gold_texts
from evoswarm.gold.rows import read_rows
from evoswarm.gold.written import LEAST_WRITTEN, who_writes
from tests.benchmarks.figures import ROOT, Reading, Readings, at_least, at_most
from tests.studies.heard import free_space
from tests.studies.study import Record, Study

SHIPPED = ("quickstart", "accuracy-cost", "tokens", "two-by-two-same", "two-by-two-cross", "large-pool")
FREE = {"free-quickstart": "quickstart", "free-large-pool": "large-pool"}
ITEMS, SEED = 200, 399


def run(case: str, runs: Path) -> Record:
    """Of every task, the share of its right answers that whoever writes most of them writes."""
    if case in FREE:
        space = free_space(FREE[case], ITEMS, SEED, runs / case)
    else:
        space = SearchSpace.from_yaml(ROOT / "search_spaces" / f"{case}.yaml")
    with workbench(space, ":memory:", splits=("search",)) as bench:
        whole = uniform(bench.space, bench.pool)
        texts = gold_texts(bench.swarm, whole, dict.fromkeys(bench.items["search"]), bench.tasks)
        rows = read_rows(bench.swarm, whole, texts or [], bench.tasks)
    if rows is None:
        raise RuntimeError(f"{case}: expected right answers as texts, got none")
    owners, written = np.array([item.task for item in rows.items]), who_writes(rows, whole)
    return {task: float(written[:, owners == task].mean(1).max()) for task in dict.fromkeys(owners.tolist())}


def figures(records: Mapping[str, Record]) -> Readings:
    """The least share where answers are exact, and the greatest where they are free text."""
    found: Readings = {}
    sides = (("exact", min, SHIPPED), ("free", max, tuple(FREE)))
    for side, extreme, cases in sides:
        shares = {f"{case} {task}": share for case in cases for task, share in records.get(case, {}).items()}
        if shares:
            where = extreme(shares, key=lambda one: shares[one])
            found[f"written_{side}"] = Reading(shares[where], f"{where}, of {len(shares)} tasks")
    return found


STUDY = Study(
    name="written",
    question="What share of right answers does whoever writes most of them write as they are given?",
    cases=(*SHIPPED, *FREE),
    run=run,
    figures=figures,
    goals={"written_exact": at_least(2 * LEAST_WRITTEN), "written_free": at_most(LEAST_WRITTEN)},
)
