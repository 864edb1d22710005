"""Thousands of spoilt files: does any end in a traceback, hang, or eat memory?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks.figures import Reading, Readings, exactly
from tests.fuzz.kinds import KINDS
from tests.fuzz.material import make_material
from tests.fuzz.runner import FAULTS, MOST_SECONDS, counts, run_cases
from tests.studies.study import Record, Study

CASES, OF_EACH = 50, 100


def run(case: str, runs: Path) -> Record:
    """A hundred cases of the fuzzer; what they read is made once."""
    material = runs.resolve() / "material"
    if not (material / "recipe.json").exists():  # the last that is written
        make_material(material)
    first = int(case.rsplit("-", 1)[1]) * OF_EACH
    outcomes = list(run_cases(range(first, first + OF_EACH), material))
    refused = [outcome for outcome in outcomes if outcome.verdict == "refused"]
    return {
        "first": first,
        "counts": counts(outcomes),
        "faults": [str(outcome) for outcome in outcomes if outcome.verdict in FAULTS],
        "refused": len(refused),
        "refused_by_name": sum(outcome.named for outcome in refused),
        "longest_seconds": round(max(outcome.seconds for outcome in outcomes), 2),
    }


def figures(records: Mapping[str, Record]) -> Readings:
    """Faults of each sort, and how many were read and refused."""
    total: Counter[str] = Counter()
    by_kind: Counter[str] = Counter()
    for record in records.values():
        for kind, verdicts in record["counts"].items():
            total.update(verdicts)
            by_kind[kind] += sum(verdicts.values())
    faults = [fault for record in records.values() for fault in record["faults"]]
    longest = max(record["longest_seconds"] for record in records.values())
    named = sum(record["refused_by_name"] for record in records.values())
    kinds = ", ".join(f"{kind} {by_kind[kind]}" for kind in KINDS)
    return {
        "fuzz_cases": Reading(by_kind.total(), kinds),
        "fuzz_tracebacks": Reading(total["traceback"] + total["died"], "; ".join(faults)),
        "fuzz_hangs": Reading(total["hang"], f"over {MOST_SECONDS:.0f} s of a processor; the longest took {longest} s"),
        "fuzz_hungry": Reading(total["hungry"], "wanted more memory than a process was given"),
        "fuzz_refused": Reading(total["refused"], f"in a sentence; {named} of them name the file"),
        "fuzz_accepted": Reading(total["accepted"], "what was spoilt did not matter, or is allowed"),
    }


STUDY = Study(
    name="fuzz",
    question="does a spoilt file end in anything but an answer or a sentence?",
    cases=tuple(f"round-{number:02d}" for number in range(CASES)),
    run=run,
    figures=figures,
    goals={
        "fuzz_cases": None,
        "fuzz_tracebacks": exactly(0),
        "fuzz_hangs": exactly(0),
        "fuzz_hungry": exactly(0),
        "fuzz_refused": None,
        "fuzz_accepted": None,
    },
)
