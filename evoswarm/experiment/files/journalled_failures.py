"""Failures owed to device and time: the journal of a run alone knows them, no ledger does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evoswarm.failure import Failure

GAVE_UP = "gave_up"
"""Event of the journal: nothing could be evaluated at all, and nothing of it was written down."""


def journalled_failures(events: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], Failure]:
    """Those that a run's results stand on, by digests of recipe and item.

    Those of a sitting that gave up have acted on nothing that stands anywhere: they get another try.

    Args:
        events: of the journal, in order.
    """
    sittings = [number for number, event in enumerate(events) if event["event"] == GAVE_UP]
    return {
        (event["recipe"], event["item"]): Failure(event["kind"], event["message"])
        for event in events[sittings[-1] if sittings else 0 :]
        if event["event"] == "failure"
    }
