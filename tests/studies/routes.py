"""What routes of mixes add: on a pool whose members each know some families, and on two shipped spaces.

Every case searches with routes and without, over one ledger, so what both decode is decoded once, and compares on test
items that nothing was chosen by: the champion with routes, the one without, the uniform mix, the best fitted mix, the
best fitted mix of each family joined by task, and R4, the best router over single members.

``fresh`` cases need the bank of fresh members: ``python -m tests.studies.fresh_members --out runs/studies/bank --only
pool-a``.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from evoswarm.experiment.fitted import fits_of
from evoswarm.experiment.session import search
from evoswarm.experiment.workbench import Workbench, workbench
from evoswarm.genomes.plain import uniform
from evoswarm.policies import Policy
from evoswarm.policies.partition import Partition
from evoswarm.space import SearchSpace
from evoswarm.statistics.intervals import difference_of, strata
from evoswarm.tasks.task import weights_of
from tests.benchmarks.figures import Goal, Reading, Readings, at_least
from tests.studies.study import Record, Study

APART = 1_000_000  # between the questions of two cases
FIRST = 20  # on earlier seeds routes were developed
FRESH, QUICK, LARGE = 6, 3, 2  # cases of each kind
MEMBERS = {"llama": "llama", "qwen3": "qwen3", "gemma3": "gemma3", "neox": "gpt-neox", "gpt2": "gpt2"}
FAMILIES = {
    "spelling": ("spell_backward", 12),
    "gcd": ("gcd", 12),
    "sorting": ("number_sorting", 16),
    "bits": ("count_bits", 12),
    "letters": ("letter_counting", 12),
}
SPACE = """
name: routes-fresh-{seed}
seed: {seed}
pool:
{pool}
tasks:
{tasks}
splits: {{search: 150, selection: 200, test: 500}}
genome: {{samples: [1]}}
evolution: {{generations: 8, islands: 3, population: 10}}
tracking: {{mlflow: false}}
"""
SHIPPED = {"quickstart": "quickstart.yaml", "large": "large-pool.yaml"}
GOALS: dict[str, Goal | None] = {
    "fresh_ahead_of_fits_by_family": at_least(-0.004),
    "fresh_ahead_of_mixes": at_least(-0.003),
    "fresh_ahead_of_r4": None,
    "routed": None,
    "shipped_ahead_of_r4": at_least(1.0),
    "shipped_ahead_of_mixes": at_least(-0.003),
}


def run(case: str, runs: Path) -> Record:
    """Both searches and the comparison of a case."""
    kind, _, seed = case.rpartition("-")
    space = _fresh(int(seed), runs.parent / "bank") if kind == "fresh" else _shipped(kind, int(seed))
    began = time.monotonic()
    root = runs / case  # a ledger of its own: questions of finite families come back, and are opened once a ledger
    result = search(space, out=root / "routes", runs=root)
    if result.certificate is None:
        raise RuntimeError(f"{case}: expected a certificate, got none: {result.refusal}")
    without = space.model_copy(update={"champion": space.champion.model_copy(update={"routes": 0})})
    plain = search(without, out=root / "mix", runs=root, certify=False)
    with workbench(space, root / "ledger.sqlite", splits=("search", "test")) as bench:
        policies = {
            "champion": result.champion,
            "mix": plain.champion,
            "uniform": uniform(bench.space, bench.pool),
            "fitted": fits_of(bench).mixes[0].policy,
            "fitted_by_family": _by_family(bench),
        }
        compared = _compared(bench, policies)
    return {
        "seconds": round(time.monotonic() - began, 1),
        "kind": result.champion.kind,
        "words": result.champion.words(),
        "expected": None if result.selection.estimate is None else result.selection.estimate.accuracy,
        "r4": next(one for one in result.certificate.rivals if one.key == "R4").difference.model_dump(),
        **compared,
    }


def _fresh(seed: int, bank: Path) -> SearchSpace:
    pool = [
        f"  - {{name: {name}, path: '{bank / f'pool-a-{made}'}'{', chat_template: true' if name == 'qwen3' else ''}}}"
        for name, made in MEMBERS.items()
    ]
    tasks = [
        f"  - {{name: {name}, source: reasoning_gym, family: {family}, max_bytes: {most}, seed: {APART * (seed + 1)}}}"
        for name, (family, most) in FAMILIES.items()
    ]
    text = SPACE.format(seed=seed, pool="\n".join(pool), tasks="\n".join(tasks))
    return SearchSpace.from_text(text, "routes fresh")


def _shipped(kind: str, seed: int) -> SearchSpace:
    """A shipped space with questions of its own."""
    space = SearchSpace.from_yaml(Path("search_spaces") / SHIPPED[kind])
    tasks = tuple(task.model_copy(update={"seed": APART * (seed + 100)}) for task in space.tasks)
    tracking = space.tracking.model_copy(update={"mlflow": False})
    return space.model_copy(update={"tasks": tasks, "seed": seed, "tracking": tracking})


def _by_family(bench: Workbench) -> Policy:
    """The best fitted mix of every task, joined."""
    tasks = tuple(bench.tasks)
    best = [fits_of(bench, [one for one in bench.items["search"] if one.task == task]).mixes[0] for task in tasks]
    return Partition(tasks=tasks).route(best[0].policy, [one.policy for one in best])


def _compared(bench: Workbench, policies: Mapping[str, Policy]) -> Record:
    """Accuracies on the test items, and how far the champion is ahead of the others, with 95% intervals."""
    items = bench.items["test"]
    summaries = bench.evaluator.summaries([bench.bound(one) for one in policies.values()], items)
    scores = {name: summary.scores for name, summary in zip(policies, summaries, strict=True)}
    parts = strata([item.task for item in items], weights_of(bench.tasks))
    ahead = {name: difference_of(scores["champion"], row, parts) for name, row in scores.items() if name != "champion"}
    return {
        "items": len(items),
        "accuracy": {name: summary.accuracy for name, summary in zip(policies, summaries, strict=True)},
        "by_task": {name: dict(summary.by_task) for name, summary in zip(policies, summaries, strict=True)},
        "ahead": {name: {"mean": one.mean, "low": one.lower(), "high": one.upper()} for name, one in ahead.items()},
    }


def figures(records: Mapping[str, Record]) -> Readings:
    """How far champions with routes are ahead, pool by pool."""
    fresh = [record for case, record in records.items() if case.startswith("fresh-")]
    shipped = [record for case, record in records.items() if not case.startswith("fresh-")]
    return {
        "fresh_ahead_of_fits_by_family": _ahead(fresh, "fitted_by_family"),
        "fresh_ahead_of_mixes": _ahead(fresh, "mix"),
        "fresh_ahead_of_r4": _mean([one["r4"]["mean"] for one in fresh], "all cases"),
        "routed": _mean([float(one["kind"] == "route") for one in records.values()], "share of the champions"),
        "shipped_ahead_of_r4": _mean(
            [float(one["r4"]["low"] > 0) for one in shipped], "share whose interval is above 0"
        ),
        "shipped_ahead_of_mixes": _ahead(shipped, "mix"),
    }


def _ahead(records: Sequence[Record], other: str) -> Reading:
    return _mean([one["ahead"][other]["mean"] for one in records], f"champion less {other}")


def _mean(values: Sequence[float], note: str) -> Reading:
    """A mean with its standard error over cases."""
    if not values:
        return Reading(None, "no case")
    count, mean = len(values), sum(values) / len(values)
    error = (sum((value - mean) ** 2 for value in values) / max(1, count - 1) / count) ** 0.5
    return Reading(mean, f"{note}; {count} cases, standard error {error:.4f}")


STUDY = Study(
    name="routes",
    question="what do routes of mixes add?",
    cases=(
        *(f"fresh-{seed}" for seed in range(FIRST, FIRST + FRESH)),
        *(f"quickstart-{seed}" for seed in range(FIRST, FIRST + QUICK)),
        *(f"large-{seed}" for seed in range(FIRST, FIRST + LARGE)),
    ),
    run=run,
    figures=figures,
    goals=GOALS,
)
