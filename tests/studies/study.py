"""What a study is: many cases, each of which takes long, kept one JSON file per case, and figures over all of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evoswarm.durable import write_file
from tests.benchmarks.figures import Goal, Readings

RESULTS = Path(__file__).with_name("results")
RUNS = Path("runs") / "studies"
"""Where the searches of studies run: the ledger there makes a second go cheap. Not kept."""

Record = dict[str, Any]


@dataclass(frozen=True)
class Study:
    """One question that takes long to answer.

    Attributes:
        name: of the folder of its results.
        question: in words.
        cases: names of all cases, in order; each is one file.
        run: does one case; the directory is for its searches, and shared with the study's other cases.
        figures: of the records there are (by case), what came out; ``goals`` says of which keys.
        goals: by key, what each figure must be; None where it is only shown.
    """

    name: str
    question: str
    cases: tuple[str, ...]
    run: Callable[[str, Path], Record]
    figures: Callable[[Mapping[str, Record]], Readings]
    goals: Mapping[str, Goal | None]

    def file(self, case: str, results: Path = RESULTS) -> Path:
        """Where the record of a case is kept."""
        return results / self.name / f"{case}.json"

    def records(self, results: Path = RESULTS) -> dict[str, Record]:
        """What is there so far, by case."""
        files = {case: self.file(case, results) for case in self.cases}
        return {case: json.loads(file.read_text("utf-8")) for case, file in files.items() if file.exists()}

    def go(self, case: str, results: Path = RESULTS, runs: Path = RUNS) -> None:
        """Do one case, unless it has been done."""
        file = self.file(case, results)
        if not file.exists():
            record = self.run(case, runs / self.name)
            write_file(file, json.dumps(record, indent=1, ensure_ascii=False) + "\n")
