"""Openings of test items in MLflow: a digest as a tag, the opening as an artifact; read back for who lost the rest."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evoswarm.durable import LONGEST
from evoswarm.user_files import read_text

if TYPE_CHECKING:
    from evoswarm.tracking.store import Store

OPENING_DIGEST = "evoswarm.opening_digest"
OPENING_FILE = "opening.jsonl"


@dataclass(frozen=True)
class OpeningsHeard:
    """What MLflow knows of openings.

    Attributes:
        digests: of all that it has.
        lines: of those that were not known here, by digest.
    """

    digests: frozenset[str]
    lines: dict[str, str]


def read_openings(store: Store, known: Collection[str]) -> OpeningsHeard:
    """The openings of all experiments of a store.

    Args:
        store: MLflow's.
        known: digests of those that need not be fetched.
    """
    found: set[str] = set()
    lines: dict[str, str] = {}
    for run in _opening_runs(store):
        digest = run.data.tags[OPENING_DIGEST]
        if digest not in known and digest not in found:
            lines[digest] = _artifact(store, run.info.run_id)
        found.add(digest)
    return OpeningsHeard(frozenset(found), lines)


def _opening_runs(store: Store) -> Iterator[Any]:
    experiments = [one.experiment_id for one in store.client.search_experiments()]
    token = None
    while True:
        page = store.client.search_runs(
            experiments, filter_string=f"tags.`{OPENING_DIGEST}` LIKE '%'", max_results=1000, page_token=token
        )
        yield from page
        token = page.token
        if not token:
            return


def _artifact(store: Store, run_id: str) -> str:
    with tempfile.TemporaryDirectory(prefix="evoswarm-") as directory:
        file = Path(directory) / OPENING_FILE
        store.fetch(run_id, OPENING_FILE, file)
        return read_text(file, limit=LONGEST).rstrip("\n")
