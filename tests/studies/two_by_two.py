"""Does mixing gain more over voting across architectures? The shipped study over the built-in pool, seed by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from evoswarm.space import SearchSpace
from evoswarm.study.two_by_two.searches import SeedResult, search_both
from evoswarm.study.two_by_two.values import PoolRow, ValueInterval, compare
from tests.benchmarks.figures import ROOT, Goal, Reading, Readings
from tests.studies.study import Record, Study

SEEDS = 10
POOLS = ("same", "cross")
GOALS: dict[str, Goal | None] = dict.fromkeys(
    ("same_mixing", "same_voting", "same_value", "cross_mixing", "cross_voting", "cross_value", "difference")
)


def space(pool: str) -> SearchSpace:
    """One half of the shipped study."""
    return SearchSpace.from_yaml(ROOT / "search_spaces" / f"two-by-two-{pool}.yaml")


def run(case: str, runs: Path) -> Record:
    """Both pools on one seed."""
    seed = int(case.removeprefix("seed-"))
    return {pool: search_both(space(pool), seed, runs=runs).to_dict() for pool in POOLS}


def figures(records: Mapping[str, Record]) -> Readings:
    """The table, a figure a line; values and differences are accuracies."""
    same, cross = ([SeedResult.from_dict(record[pool]) for record in records.values()] for pool in POOLS)
    found = compare(same, cross)
    readings = {**_readings("same", found.same), **_readings("cross", found.cross)}
    note = f"{_words(found.difference)}; {_seeds(found.difference_by_seed)}; {found.sentence}"
    return {**readings, "difference": Reading(found.difference.value, note)}


def _readings(pool: str, row: PoolRow) -> Readings:
    costs = [f"{evaluations:.0f} evaluations, {flops / 1e6:.1f} MFLOPs an item" for evaluations, flops in _sides(row)]
    tasks = ", ".join(f"{task} {100 * gain:+.1f}" for task, gain in row.by_task.items())
    return {
        f"{pool}_mixing": Reading(row.mixing, f"{' + '.join(row.members)}; {costs[0]}"),
        f"{pool}_voting": Reading(row.voting, f"the same members; {costs[1]}"),
        f"{pool}_value": Reading(row.value.value, f"{_words(row.value)}; {_seeds(row.by_seed)}; {tasks}"),
    }


def _sides(row: PoolRow) -> list[tuple[float, float]]:
    return list(zip(row.evaluations, row.flops, strict=True))


def _seeds(values: Sequence[float]) -> str:
    return f"seeds {100 * min(values):+.1f} to {100 * max(values):+.1f}"


def _words(interval: ValueInterval) -> str:
    return f"points {interval.points}"


STUDY = Study(
    name="two-by-two",
    question="does mixing gain more over voting when the architectures differ?",
    cases=tuple(f"seed-{seed}" for seed in range(SEEDS)),
    run=run,
    figures=figures,
    goals=GOALS,
)
