"""A run goes on with the questions it was begun with, or says which file has changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from evoswarm.errors import RunError
from evoswarm.experiment.certification import certify
from evoswarm.experiment.session import search
from evoswarm.space import SearchSpace

SPACE = """
name: own
pool: [{{name: llama-a, path: {pool}/llama-a}}]
tasks:
  - {{name: sums, source: dataset, path: {file}, max_bytes: 4}}
splits: {{search: 3, selection: 3, test: 3}}
evolution: {{generations: {generations}, islands: 1, population: 2, elites: 1}}
tracking: {{mlflow: false}}
"""


def test_a_changed_file_of_questions_is_named(pool: Path, tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"

    def write(answer: Callable[[int], int]) -> None:
        rows = ({"question": f"{n}+1=", "answer": str(answer(n))} for n in range(40))
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def space(generations: int) -> SearchSpace:
        return SearchSpace.from_text(SPACE.format(pool=pool, file=file, generations=generations), "own.yaml")

    write(lambda n: n + 1)
    run = search(space(1), runs=tmp_path / "runs").directory
    write(lambda n: n + 2)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    for again in (lambda: search(space(2), runs=tmp_path / "runs"), lambda: certify(run)):
        with pytest.raises(RunError) as caught:
            again()
        assert "questions.jsonl has changed since the run began, in the search split" in str(caught.value)
        assert ": tasks.0.path: expected the items that" in str(caught.value)
    changed = {path.name for path, content in before.items() if path.read_bytes() != content}
    assert changed <= {"space.yaml"}, "nothing is lost"
    write(lambda n: n + 1)
    with file.open("a") as more:
        more.write(json.dumps({"question": "1+1=", "answer": "2"}) + "\n")
    assert search(space(2), runs=tmp_path / "runs").directory == run, "a row that is there twice is no other item"
