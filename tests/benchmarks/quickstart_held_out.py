"""Does the quickstart's champion beat its members on items that nobody has seen?

For each seed: run the quickstart's search, then open the test split for its champion and decode every single member
on the same 1,000 items. Prints a table and writes ``quickstart_held_out.json`` beside this file.

    python tests/benchmarks/quickstart_held_out.py --seeds 5
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from datetime import date
from pathlib import Path
from typing import Any

from evoswarm import SearchSpace, Summary, evaluate, search
from evoswarm.experiment.workbench import workbench
from evoswarm.genomes.plain import single, uniform
from evoswarm.policies import Policy, Recipe

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).with_suffix(".json")


def main() -> None:
    """Run the seeds and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--space", type=Path, default=ROOT / "search_spaces" / "quickstart.yaml")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "held-out")
    arguments = parser.parse_args()
    space = SearchSpace.from_yaml(arguments.space)
    champions: dict[int, tuple[Policy, float]] = {}
    for seed in range(arguments.seeds):
        began = time.perf_counter()
        result = search(space, seed=seed, runs=arguments.runs, out=arguments.runs / f"seed-{seed}", certify=False)
        champions[seed] = (result.champion, time.perf_counter() - began)
    figures = held_out(space, champions, arguments.runs)
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    show(figures)


def held_out(space: SearchSpace, champions: dict[int, tuple[Policy, float]], runs: Path) -> dict[str, Any]:
    """Open the test split for every champion, and decode every single member and the uniform mix on it."""

    def opened(policy: Policy) -> Summary:
        return evaluate(policy, space, "test", runs=runs, open_test=True, force=True).summary

    with workbench(space, ":memory:", splits=()) as bench:
        known = bench.asked
    members = [opened(single(known, spec)) for spec in known.pool]
    own = [opened(policy) for policy, _ in champions.values()]
    mix = opened(uniform(known, known.pool))
    best_by_task = {task: max(one.by_task[task] for one in members) for task in members[0].by_task}
    best_single = max(accuracy(one) for one in members)
    best_per_task = sum(best_by_task.values()) / len(best_by_task)
    return {
        "date": date.today().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}",
        "test_items": space.splits.test,
        "best_single_member": best_single,
        "best_member_per_task": best_per_task,
        "uniform_mix": accuracy(mix),
        "members": {
            spec.name: {"accuracy": accuracy(one), **one.by_task} for spec, one in zip(space.pool, members, strict=True)
        },
        "champions": [
            {
                "seed": seed,
                "accuracy": accuracy(one),
                "over_best_single": accuracy(one) - best_single,
                "over_best_per_task": accuracy(one) - best_per_task,
                "search_seconds": round(seconds, 1),
                "by_task": dict(one.by_task),
                **told(policy),
            }
            for (seed, (policy, seconds)), one in zip(champions.items(), own, strict=True)
        ],
    }


def told(policy: Policy) -> dict[str, Any]:
    """Who is in a champion, and the rule of a mix; of anything else its kind."""
    rule = policy.fusion.rule if isinstance(policy, Recipe) else policy.kind
    return {"members": [spec.name for spec in policy.specs], "rule": rule}


def accuracy(summary: Summary) -> float:
    """A summary's accuracy; there is always one here."""
    return summary.objective("accuracy")


def show(figures: dict[str, Any]) -> None:
    """Print the table."""
    print(f"{figures['test_items']} test items, {figures['date']}, {figures['machine']}")
    print(f"best single member      {figures['best_single_member']:.3f}")
    print(f"best member per task    {figures['best_member_per_task']:.3f}")
    print(f"uniform mix of all      {figures['uniform_mix']:.3f}")
    for row in figures["champions"]:
        print(
            f"champion of seed {row['seed']}      {row['accuracy']:.3f}"
            f"   {100 * row['over_best_single']:+.1f} points over the best single,"
            f" {100 * row['over_best_per_task']:+.1f} over the best per task"
            f"   ({row['rule']} of {', '.join(row['members'])}; {row['search_seconds']} s)"
        )


if __name__ == "__main__":
    main()
