"""What does a small student keep of the quickstart's champion, on its four plain tasks?

The quickstart is searched and certified with 4,000 test items instead of 1,000; its champion then teaches the student
of ``search_spaces/students/quickstart.yaml``; student, champion and best single member answer the test items of the
four tasks. Figures are told of those beyond the shipped quickstart's 1,000 too: nobody has looked at them while the
student's settings were chosen. Whoever is stopped or killed goes on by the same command. Writes ``distilled.json``
beside this file.

    python -m tests.benchmarks.distilled
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import torch

from evoswarm import SearchSpace, search
from evoswarm.experiment.drawn import draw
from evoswarm.experiment.files.finished_run import read_run
from evoswarm.experiment.files.places import ledger_file
from evoswarm.experiment.openings.guard import Guard, book_of
from evoswarm.experiment.progress import Progress
from evoswarm.experiment.workbench import workbench
from evoswarm.export.distilled.comparing import StudentComparison, compare
from evoswarm.export.exporting import checked_source, export
from evoswarm.export.target import Options
from evoswarm.export.targets import TARGETS
from evoswarm.member_spec import MemberSpec
from evoswarm.statistics.intervals import mean_of, strata
from evoswarm.statistics.kept import kept_share
from evoswarm.tasks.task import Item, weights_of
from tests.benchmarks.figures import ROOT

RESULTS = Path(__file__).with_suffix(".json")
SPACES = ROOT / "search_spaces"
TEST_ITEMS = 4000


def main() -> None:
    """Search, distil, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--place", type=Path, default=ROOT / "runs" / "distilled", help="where run and student go")
    parser.add_argument("--student", type=Path, default=SPACES / "students" / "quickstart.yaml", help="its plan")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    told = Progress(stage=lambda stage: print(stage, flush=True), foretelling=False)
    overrides = (f"splits.test={TEST_ITEMS}", "tracking.mlflow=false")
    space = SearchSpace.from_yaml(SPACES / "quickstart.yaml", overrides)
    run, folder = arguments.place / "runs" / "quickstart-seed0", arguments.place / "student"
    search(space, runs=run.parent, out=run, progress=told)
    if not folder.exists():
        options, target = Options(folder, progress=told, student=str(arguments.student)), TARGETS["distilled"]
        for line in export(checked_source(run, target, options), target, options):
            print(line)
    figures = measured(run, folder)
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(json.dumps({name: figures[name] for name in ("all", "unseen")}, indent=2))


def measured(run: Path, folder: Path) -> dict[str, Any]:
    """The figures of a student that was made; its answers are in the ledger."""
    made = json.loads((folder / "distilled.json").read_text(encoding="utf-8"))
    space, champion = read_run(run)
    drawn = draw(space)
    tasks = list(made["questions"])
    with workbench(space, ledger_file(run.parent), drawn=drawn) as bench:
        bound = bench.bound(champion)
        guard = Guard(book_of(bench.evaluator.ledger, run.parent, run), drawn, bench.asked)
        spec = MemberSpec(name="student", path=str(folder), chat_template=made["chat_template"])
        compared = compare(bench, drawn, bound, spec, tasks, guard, run)
        weights = weights_of(bench.tasks)
    items = [item for item in drawn.items["test"] if item.task in tasks]
    looked_at = {item.key for item in draw(SearchSpace.from_yaml(SPACES / "quickstart.yaml")).items["test"]}
    unseen = [place for place, item in enumerate(items) if item.key not in looked_at]
    return {
        "date": date.today().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {platform.python_version()}, torch {torch.__version__}",
        "parameters": made["parameters"],
        "training": made["training"],
        "questions": made["questions"],
        "cost": {who: _cost(made["compared"][who]) for who in ("student", "champion")},
        "all": _kept(compared, items, range(len(items)), weights),
        "unseen": _kept(compared, items, unseen, weights),
    }


def _cost(standing: dict[str, Any]) -> dict[str, float]:
    return {name: standing[name] for name in ("tokens", "passes", "flops", "weight_reads", "weight_bytes")}


def _kept(
    compared: StudentComparison, items: Sequence[Item], places: Sequence[int], weights: dict[str, float]
) -> dict[str, Any]:
    """Of some of the items."""
    names = [items[place].task for place in places]
    parts = strata(names, weights)
    scores = {
        who: [standing.summary.scores[place] for place in places]
        for who, standing in (
            ("student", compared.student),
            ("champion", compared.champion),
            ("member", compared.member),
        )
    }
    kept = kept_share(scores["student"], scores["champion"], scores["member"], parts)
    by_task = {
        who: {
            task: round(
                sum(score for score, name in zip(own, names, strict=True) if name == task) / names.count(task), 4
            )
            for task in dict.fromkeys(names)
        }
        for who, own in scores.items()
    }
    return {
        "items": len(places),
        "member": compared.member.name,
        "scores": {who: round(mean_of(own, parts).mean, 4) for who, own in scores.items()},
        "by_task": by_task,
        "kept": kept.share,
        "low": kept.low,
        "high": kept.high,
    }


if __name__ == "__main__":
    main()
