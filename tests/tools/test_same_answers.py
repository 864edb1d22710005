"""The comparison of runs finds a changed answer, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools.same_answers import compare_runs, differences

LINE: dict[str, Any] = {"id": "g00-i0-00", "key": "a" * 64, "objectives": [0.25], "genome": {"weights": [1.0, 0.5]}}


def write(run: Path, line: dict[str, Any], certificate: dict[str, Any]) -> Path:
    run.mkdir(parents=True)
    (run / "individuals.jsonl").write_text(json.dumps(line) + "\n")
    (run / "certificate.json").write_text(json.dumps(certificate))
    return run


def test_digests_versions_and_new_keys_may_differ(tmp_path: Path) -> None:
    before = write(tmp_path / "a", LINE, {"evoswarm": "1", "score": 0.5})
    after = write(tmp_path / "b", {**LINE, "key": "b" * 64}, {"evoswarm": "2", "score": 0.5, "kind": "mix"})
    assert compare_runs(before, after) == {"individuals.jsonl": [], "certificate.json": []}


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ({**LINE, "objectives": [0.25000000000000006]}, "objectives[0]: 0.25 before"),
        ({**LINE, "genome": {"weights": [1.0]}}, "genome.weights: 2 entries before, 1 after"),
        ({**LINE, "genome": {}}, "genome.weights: gone"),
        ({**LINE, "key": "short"}, "key: "),
    ],
)
def test_a_changed_answer_is_named(after: dict[str, Any], said: str) -> None:
    (found,) = differences(LINE, after)
    assert found.startswith(said)


def test_a_run_that_is_not_there_is_a_difference(tmp_path: Path) -> None:
    before = write(tmp_path / "a", LINE, {})
    found = compare_runs(before, tmp_path / "nothing")
    assert all(lines[0].startswith("missing: ") for lines in found.values())
    assert set(found) == {"individuals.jsonl", "certificate.json"}
