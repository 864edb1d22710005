"""Is it any use to fit mixes along right answers that a search wrote itself, where answers are free text?

Results here stand behind, or before, something that the scorer does not look at: the last of sorted numbers, the last
digit of a sum, a number with any word behind it, a word with any tens and hundreds before it. The right answer as the
task gives it ("7") is not what members write ("9,30,7"), so that founders are fitted to nothing. What is fitted in the
end is compared, on fresh items, with the uniform mix and with the best that evolution found.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path

from evoswarm import SearchSpace
from evoswarm.durable import write_file
from evoswarm.evaluation.candidate import Scored
from evoswarm.experiment.fitted import fits_of
from evoswarm.experiment.hearing import hear_again
from evoswarm.experiment.session import search
from evoswarm.experiment.workbench import workbench
from evoswarm.genomes.plain import singles, uniform
from evoswarm.policies import Policy
from evoswarm.run_directory import RunDirectory
from evoswarm.tasks.compact_forms import entries
from tests.benchmarks.figures import Reading, Readings, at_least
from tests.studies.gold import interval
from tests.studies.study import Record, Study

POOLS = {"quickstart": ("quickstart", 40), "large-pool": ("large-pool", 40), "few": ("quickstart", 16)}
"""By the name of a case, the shipped space whose members are asked, and how many search items there are."""

SCORED: Mapping[str, tuple[str, Callable[[str], str], str]] = {
    "last": ("number_sorting", lambda answer: answer.rpartition(",")[2], "{kind: regex, pattern: '([0-9]+)$'}"),
    "digit": ("chain_sum", lambda answer: answer[-1], "{kind: regex, pattern: '([0-9])$'}"),
    "number": ("pair", lambda answer: answer.split()[0], "{kind: numeric}"),
    "word": ("pair", lambda answer: answer.split()[0][-1] + " " + answer.split()[1], "{kind: contains}"),
}
"""By task, the family of its questions, what of a right answer is its result, and the scorer."""

CASES = tuple(f"{pool}-{seed}" for seed in range(300, 305) for pool in POOLS)
QUESTIONS, FAR_APART = 1500, 1_000_000
SPACE = """
name: heard
alphabet: bytes
pool:
{pool}
tasks:
{tasks}
splits: {{search: {search}, selection: 80, test: 800, shares: [0.1, 0.2, 0.7]}}
genome: {{samples: [1]}}
evolution: {{generations: 8, islands: 3, population: 10}}
tracking: {{mlflow: false}}
seed: {seed}
"""


def run(case: str, runs: Path) -> Record:
    """One search, and on fresh items whatever competed in its end."""
    name, _, seed = case.rpartition("-")
    shipped, count = POOLS[name]
    root = runs / case
    space = free_space(shipped, count, int(seed), root)
    result = search(space, runs=root, certify=False)
    with workbench(space, result.ledger, splits=("search", "test")) as bench:
        hear_again(bench, RunDirectory(result.directory))
        fits = fits_of(bench)
        fitted = {one.policy.digest for one in fits.mixes}
        contenders = result.selection.contenders
        policies = {
            "champion": result.champion,
            "fitted": _best([one for one in contenders if one.candidate.policy.digest in fitted]),
            "found": _best([one for one in contenders if one.candidate.policy.digest not in fitted]),
            "uniform": uniform(bench.space, bench.pool),
            **{f"single {number}": recipe for number, (_, recipe) in enumerate(singles(bench.space))},
        }
        summaries = bench.evaluator.summaries(list(policies.values()), bench.items["test"])
        items = sum(item.task in fits.untold for item in bench.items["search"])
    return {
        "untold": list(fits.untold),
        "heard": fits.heard,
        "items": items,
        **{who: summary.accuracy for who, summary in zip(policies, summaries, strict=True)},
    }


def _best(some: list[Scored]) -> Policy:
    """The most accurate on the selection items, of equals the cheapest."""
    return min(some, key=lambda one: (-one.accuracy, one.flops, one.policy.digest)).policy


def free_space(shipped: str, count: int, seed: int, root: Path) -> SearchSpace:
    """The members of a shipped space before questions of a seed, only the results of which are scored."""
    tasks = []
    for number, (name, (family, result, scorer)) in enumerate(SCORED.items()):
        file = root / f"{name}.jsonl"
        config = {"min_digits": 2} if family != "number_sorting" else {}
        asked = {one.prompt: one.answer for one in entries(family, config, FAR_APART * (10 * seed + number), QUESTIONS)}
        rows = [json.dumps({"asked": prompt, "result": result(answer)}) for prompt, answer in asked.items()]
        write_file(file, "\n".join(rows) + "\n")
        tasks.append(
            f"  - {{name: {name}, source: dataset, path: '{file}', prompt: '{{asked}}', answer: '{{result}}', "
            f"max_bytes: 16, scorer: {scorer}}}"
        )
    pool = SearchSpace.from_yaml(Path("search_spaces") / f"{shipped}.yaml").pool
    members = "\n".join(f"  - {json.dumps(one.model_dump(exclude_defaults=True))}" for one in pool)
    text = SPACE.format(pool=members, tasks="\n".join(tasks), search=count, seed=seed)
    return SearchSpace.from_text(text, "heard")


def figures(records: Mapping[str, Record]) -> Readings:
    """Points of accuracy over the uniform mix, and over the best that evolution found."""
    found: Readings = {}
    for rival in ("uniform", "found"):
        points = {case: 100 * (row["fitted"] - row[rival]) for case, row in records.items()}
        pools = ", ".join(f"{pool} {_mean(points, pool):+.1f}" for pool in POOLS if any(pool in one for one in points))
        found[f"heard_over_{rival}_points"] = Reading(
            statistics.fmean(points.values()), f"{interval(list(points.values()))}; {pools}"
        )
    for who in ("fitted", "found", "uniform", "champion"):
        found[f"heard_{who}_accuracy"] = Reading(statistics.fmean(row[who] for row in records.values()), "fresh items")
    heard, items = (sum(row[what] for row in records.values()) for what in ("heard", "items"))
    tasks = sum(len(row["untold"]) for row in records.values())
    found["heard_share"] = Reading(heard / items, f"of {items} items of {tasks} tasks, {len(SCORED)} in each search")
    return found


def _mean(points: Mapping[str, float], pool: str) -> float:
    return statistics.fmean(value for case, value in points.items() if case.startswith(pool))


STUDY = Study(
    name="heard",
    question="Where answers are free text, is it any use to fit mixes along right ones that the search wrote itself?",
    cases=CASES,
    run=run,
    figures=figures,
    goals={
        "heard_over_uniform_points": at_least(0.0),
        "heard_over_found_points": at_least(-0.3),
        **dict.fromkeys(
            (*(f"heard_{who}_accuracy" for who in ("fitted", "found", "uniform", "champion")), "heard_share")
        ),
    },
)
