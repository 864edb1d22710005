"""How much of what mixing decides lies where the lead is unsure, by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evoswarm.report.run_files import RunFiles
from evoswarm.report.sections.weight import weight
from tests.report.answered_run import answered, answered_run, overruled, step


def told(run: RunFiles) -> dict[str, Any]:
    found = weight(run)
    assert found is not None
    return found


def test_the_top_fifth_carries_what_it_carries(tmp_path: Path) -> None:
    steps = [overruled(b"a", 3.0, 0.6), step(b"b", 2.0, 0.2), *[step(b"c", 0.005, 0.025) for _ in range(8)]]
    found = told(answered_run(tmp_path, [answered(1, steps)]))
    assert found["positions"] == 10
    assert found["total"] == {"moved": 1.0, "changed": 1.0, "open": 1.0}
    assert found["at_top"] == {"moved": 0.8, "changed": 1.0, "open": 1.0}
    curve = dict(zip(found["grid"], found["curve"]["moved"], strict=True))
    assert (curve[0.0], curve[0.1], curve[0.2], curve[1.0]) == (0.0, 0.6, 0.8, 1.0)
    assert curve[0.6] == pytest.approx(0.9)  # equals share equally
    assert found["share_sure"] == 0.8
    assert found["at_best"] == 0.8


def test_no_order_among_equals_matters(tmp_path: Path) -> None:
    carriers = [overruled(b"a", 1.0, 0.5), *[step(b"b", 1.0, 0.0) for _ in range(9)]]
    for number, steps in enumerate((carriers, carriers[::-1])):
        (tmp_path / str(number)).mkdir()
        found = told(answered_run(tmp_path / str(number), [answered(1, steps)]))
        assert found["at_top"] == {"moved": 0.2, "changed": 0.2, "open": 0.2}
        assert found["at_best"] == 1.0  # entropy told nothing, though one position carries all


def test_tasks_are_told_apart_and_steps_without_the_lead_left_out(tmp_path: Path) -> None:
    first = [overruled(b"a", 3.0, 0.4), *[step(b"b", 0.1) for _ in range(4)]]
    second = [step(b"a", 3.0), *[step(b"b", 0.1) for _ in range(4)], step(None, None, None)]
    found = told(answered_run(tmp_path, [answered(1, first, task="sums"), answered(2, second, task="words")]))
    assert (found["positions"], found["left_out"]) == (10, 1)
    assert [one["task"] for one in found["tasks"]] == ["sums", "words"]
    assert found["tasks"][0]["at_top"]["moved"] == 1.0
    assert found["tasks"][1]["at_top"] == {"moved": None, "changed": None, "open": None}


def test_where_the_lead_decides_alone_there_is_nothing_to_share_out(tmp_path: Path) -> None:
    found = told(answered_run(tmp_path, [answered(1, [step(b"a"), step(None)])]))
    assert found["at_top"]["moved"] is found["curve"]["moved"] is found["at_best"] is None
    found = told(answered_run(tmp_path, [answered(1, [])]))
    assert found["positions"] == 0
