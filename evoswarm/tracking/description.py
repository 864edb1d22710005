"""Descriptions of runs: put together with links into MLflow's pages, and never written over what somebody wrote."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from evoswarm.canonical import sha256
from evoswarm.run_directory import REPORT
from evoswarm.tracking.naming import NOTE, WRITTEN

LINEAGE = "lineage.json"
"""The artifact that holds the lineage as a table."""

_LONGEST = 7900  # characters; MLflow cuts at 8000
_REST = "\n\n(The rest is in the report.)"


def links(experiment: str, run_id: str, policies: Sequence[str]) -> str:
    """A line of links: the report, the lineage, the champion and the front side by side.

    Args:
        experiment: its id.
        run_id: of the search.
        policies: ids of the champion's run and of those of the front.
    """
    files = f"#/experiments/{experiment}/runs/{run_id}/artifacts"
    found = [f"[Report]({files}/{REPORT})", f"[Lineage]({files}/{LINEAGE})"]
    if len(policies) > 1:
        runs, experiments = quote(json.dumps(list(policies))), quote(json.dumps([experiment]))
        compared = f"#/compare-runs?runs={runs}&experiments={experiments}"
        found.insert(1, f"[Champion and front side by side]({compared})")
    return " | ".join(found)


def note_tags(run: Any | None, text: str) -> dict[str, str]:
    """The tags that make a text a run's description; none where somebody has written another one meanwhile.

    Args:
        run: as it was found; None for one that is made now.
        text: in Markdown.
    """
    if run is not None:
        current = run.data.tags.get(NOTE)
        if current and run.data.tags.get(WRITTEN) != sha256(current):
            return {}
    note = text if len(text) <= _LONGEST else text[: _LONGEST - len(_REST)].rpartition("\n")[0] + _REST
    return {NOTE: note, WRITTEN: sha256(note)}
