"""A source of tasks is one module and one entry: checks, messages, splits and searches know no source by name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

MODULE = """
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from evoswarm.errors import TaskError, Where
from evoswarm.settings import Contradiction
from evoswarm.tasks.settings import TaskSettings
from evoswarm.tasks.sourced_task import SourcedTask
from evoswarm.tasks.task import Item, item_key
from evoswarm.trust import NOBODY, Trust


class LinesSettings(TaskSettings):
    source: Literal["lines"]
    file: str
    sign: str = "="

    origin: ClassVar[str] = "file"

    def _own_contradictions(self) -> Iterator[Contradiction]:
        yield from super()._own_contradictions()
        if not self.sign:
            yield Contradiction(("sign",), "expected a sign between question and answer, got none")

    def task(self, trust: Trust = NOBODY) -> "LinesTask":
        return LinesTask(scorer=self.scorer.scorer(trust), **self.fields_of(LinesTask))


@dataclass(frozen=True, eq=False, kw_only=True)
class LinesTask(SourcedTask):
    file: str
    sign: str

    def questions(self) -> Iterator[Item]:
        for number, line in enumerate(Path(self.file).read_text().splitlines(), start=1):
            question, sign, answer = line.partition(self.sign)
            if not sign:
                raise TaskError(f"expected {self.sign!r}, got none", Where(self.file, "", number))
            yield Item(item_key({"source": "lines"}, line), self.name, question + sign, answer)
"""
MAIN = """
from lines import LinesSettings

from evoswarm.tasks.sources import SOURCES

SOURCES["lines"] = LinesSettings

import json
import sys
from pathlib import Path

from evoswarm.cli import run

for command in json.loads(Path("commands.json").read_text()):
    if command[0] == "write":
        Path(command[1]).write_text(command[2])
    else:
        print("code", run(command), file=sys.stderr)
"""
SPACE = """
name: lines
pool: [{name: a, path: "zoo:llama-a"}, {name: b, path: "zoo:llama-b"}]
tasks:
  - {name: own, source: lines, file: sums.txt, max_bytes: 4}
splits: {search: 4, selection: 4, test: 4}
evolution: {generations: 1, islands: 1, population: 2, elites: 1}
tracking: {mlflow: false}
"""


def test_a_source_is_one_module_and_one_entry(tmp_path: Path) -> None:
    (tmp_path / "lines.py").write_text(MODULE)
    (tmp_path / "main.py").write_text(MAIN)
    (tmp_path / "space.yaml").write_text(SPACE)
    sums = [f"{n}+{n + 1}={2 * n + 1}" for n in range(40)]
    (tmp_path / "sums.txt").write_text("\n".join(sums))

    refused = {
        "tasks.0.file=null": "tasks.0.file: expected a text",
        "tasks.0.sign=''": "tasks.0.sign: expected a sign between question and answer, got none",
        "tasks.0.scorer.kind=verifier": "tasks.0.scorer.kind: expected another scorer",
        "tasks.0.source=line": "expected one of reasoning_gym, dataset, lm_eval, lines (did you mean lines?), got",
        "tasks.0.sign='#'": "tasks.0.file: sums.txt:1: expected '#', got none",
        "splits.test=99": "splits.test: expected 99 items of the task 'own' for test",
    }
    checks = [["check", "space.yaml", "--set", change] for change in refused]
    changed = "\n".join(line.replace("=", "= ") for line in sums)
    told = _run(
        tmp_path,
        [
            *checks,
            ["check", "space.yaml"],
            ["search", "space.yaml", "--out", "run"],
            ["write", "sums.txt", changed],
            ["search", "space.yaml", "--out", "run", "--set", "evolution.generations=2"],
        ],
    )
    *mistakes, _, _, of_changed, _ = told.split("code")
    codes = [part.split()[0] for part in told.split("code ")[1:]]
    assert codes == ["2"] * len(refused) + ["0", "0", "2"], told
    for words, mistake in zip(refused.values(), mistakes, strict=True):
        assert words in mistake
    certificate = json.loads((tmp_path / "run" / "certificate.json").read_text())
    assert certificate["by_task"].keys() == {"own"}, "the champion was judged on the test items"
    assert "tasks.0.file: " in of_changed
    assert "sums.txt has changed since the run began" in of_changed


def _run(folder: Path, commands: list[list[str]]) -> str:
    """What the commands say on stderr in one process, each with its exit code behind it; words without line breaks.

    ``write`` is none of evoswarm's: the file of that name then holds the text behind it.
    """
    (folder / "commands.json").write_text(json.dumps(commands))
    done = subprocess.run(
        [sys.executable, "main.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "400"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return " ".join(done.stderr.split())
