"""Does what a plan foretells come true in real searches? Pools of the study ``prediction``, searched and certified.

There the gain of mixes is followed along right answers; here a search is played to its end on questions of its own.
What its champion gains on the test items over the best member (R1), and over the better of some routers (R4), stands
beside what a plan of the same space foretold from 64 search items.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from evoswarm.experiment.outlook.prediction.gathering import look_ahead
from evoswarm.experiment.session import search
from evoswarm.experiment.workbench import workbench
from tests.benchmarks.figures import Goal, Reading, Readings
from tests.studies.along_gold import space_of
from tests.studies.prediction import Draw
from tests.studies.study import Record, Study

POOLS = 12
SEED = 700_000_000
ITEMS = 64
TEST = 100
"""Items of every family that both are judged on: the smallest has no more."""

RIVALS = {"member": "R1", "router": "R4"}
SETTINGS = """
splits: {{search: 70, selection: 60, test: {test}}}
evolution: {{generations: 5, islands: 2, population: 10}}
tracking: {{mlflow: false}}
"""
GOALS: dict[str, Goal | None] = dict.fromkeys(("searches", "member_within", "router_within", "member_off"))


def run(case: str, runs: Path) -> Record:
    """Foretell and search a pool, with a ledger of its own: families are finite, so questions come back."""
    draw = Draw.of(case)
    space = space_of(
        draw.members, list(draw.places), SEED, runs.parent / "bank", SETTINGS.format(test=TEST * len(draw.places))
    )
    with workbench(space, ":memory:") as bench:
        prospect = look_ahead(bench, ITEMS)
    result = search(space, out=runs / case / "run", runs=runs / case)
    if prospect is None or result.certificate is None:
        raise RuntimeError(f"{case}: expected a forecast and a certificate, got none: {result.refusal}")
    found = {rival.key: rival.difference.model_dump() for rival in result.certificate.rivals}
    return {
        "members": list(draw.members),
        "families": list(draw.places),
        "prospect": prospect.as_dict(),
        "found": {rival: found[key] for rival, key in RIVALS.items()},
        "outcome": result.certificate.verdict.outcome,
    }


def figures(records: Mapping[str, Record]) -> Readings:
    """How often the interval held what the search found."""
    found: Readings = {"searches": Reading(len(records))}
    for rival in RIVALS:
        pairs = [(record["prospect"][f"over_{rival}"], record["found"][rival]["mean"]) for record in records.values()]
        within = [one["low"] <= gain <= one["high"] for one, gain in pairs]
        found[f"{rival}_within"] = Reading(sum(within) / len(within), f"{sum(within)} of {len(within)}")
    off = [100 * abs(r["prospect"]["over_member"]["gain"] - r["found"]["member"]["mean"]) for r in records.values()]
    found["member_off"] = Reading(float(np.mean(off)), "points, mean")
    return found


STUDY = Study(
    name="foretold",
    question="does what a plan foretells come true in real searches?",
    cases=tuple(f"judge-{number}" for number in range(POOLS)),
    run=run,
    figures=figures,
    goals=GOALS,
)
