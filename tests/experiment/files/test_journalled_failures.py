"""Which failures of a journal a run's results stand on."""

from __future__ import annotations

from typing import Any

from evoswarm.experiment.files.journalled_failures import journalled_failures
from evoswarm.failure import Failure


def failed(item: str) -> dict[str, Any]:
    return {"event": "failure", "recipe": "r", "item": item, "kind": "time_out", "message": "too slow"}


def test_those_before_a_sitting_gave_up_get_another_try() -> None:
    late = {("r", "late"): Failure("time_out", "too slow")}
    assert journalled_failures([failed("early"), {"event": "gave_up"}, failed("late")]) == late
    assert set(journalled_failures([failed("early"), failed("late")])) == {("r", "early"), *late}
