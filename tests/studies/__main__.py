"""Answers what takes long: case by case, resumable; what is done is not done again.

    python -m tests.studies                                  everything there is
    python -m tests.studies --only planted racing --cases 5  five more cases of each
    python -m tests.studies --report                         only the figures of what has been done

Every case is one file under ``results/``; delete it to have it done again.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from datetime import date

import torch

from evoswarm.decoding.forward.devices import silence_loading
from evoswarm.durable import write_file
from tests.benchmarks.__main__ import table
from tests.studies import (
    alphabets,
    choosing,
    choosing_simulated,
    comparison,
    context,
    foretold,
    fuzz,
    gold,
    gold_paths,
    half_budget,
    heard,
    kills,
    planted,
    prediction,
    racing,
    routes,
    simulated,
    two_by_two,
    verdict_errors,
    written,
)
from tests.studies.study import RESULTS, Study

STUDIES: tuple[Study, ...] = (
    alphabets.STUDY,
    choosing.STUDY,
    choosing_simulated.STUDY,
    comparison.STUDY,
    context.STUDY,
    foretold.STUDY,
    fuzz.STUDY,
    gold.STUDY,
    gold_paths.STUDY,
    half_budget.STUDY,
    heard.STUDY,
    kills.STUDY,
    planted.STUDY,
    prediction.STUDY,
    racing.STUDY,
    routes.STUDY,
    simulated.STUDY,
    two_by_two.STUDY,
    verdict_errors.STUDY,
    written.STUDY,
)


def main() -> None:
    """Do what is left to do, print one table per study, write ``summary.json``."""
    arguments = _arguments()
    chosen = [study for study in STUDIES if not arguments.only or study.name in arguments.only]
    if not arguments.report:
        silence_loading()
        torch.set_num_threads(1)  # the members are tiny
        for study in chosen:
            _go(study, arguments.cases)
    summary = {study.name: _summary(study) for study in STUDIES if study.records()}
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}"
    record = {"date": date.today().isoformat(), "machine": machine, **summary}
    write_file(RESULTS / "summary.json", json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    for study in chosen:
        records = study.records()
        print(f"\n{study.name}: {study.question} ({len(records)} of {len(study.cases)} cases)")
        if records:
            print(table(study.figures(records), dict(study.goals)))


def _go(study: Study, most: int | None) -> None:
    left = [case for case in study.cases if not study.file(case).exists()]
    for case in left[:most]:
        began = time.monotonic()
        study.go(case)
        print(f"{study.name} {case}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def _summary(study: Study) -> dict[str, object]:
    records = study.records()
    return {
        "question": study.question,
        "cases": len(records),
        "of": len(study.cases),
        **{
            key: {"value": one.value, "must_be": str(study.goals[key] or "-"), "note": one.note}
            for key, one in study.figures(records).items()
        },
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.studies", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=[study.name for study in STUDIES], metavar="STUDY")
    parser.add_argument("--cases", type=int, help="at most so many more cases of each")
    parser.add_argument("--report", action="store_true", help="only show what has been done")
    return parser.parse_args()


if __name__ == "__main__":
    main()
