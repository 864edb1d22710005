"""Openings of test items in MLflow: a digest as a tag, the opening as an artifact; read back for who lost the rest."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evoswarm.durable import LONGEST
from evoswarm.tracking.naming import PARENT_RUN
from evoswarm.user_files import read_text

if TYPE_CHECKING:
    from evoswarm.tracking.store import Store

OPENING_DIGEST = "evoswarm.opening_digest"
OPENING_FILE = "opening.jsonl"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OpeningsHeard:
    """What MLflow knows of openings.

    Attributes:
        digests: of all that it has; one whose text cannot be fetched is left out, so that it is told again.
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
            try:
                lines[digest] = _artifact(store, run.info.run_id)
            except Exception as error:  # whatever MLflow raises, the others can be read all the same
                _warn(run, "is left out", error)
                continue
        found.add(digest)
    return OpeningsHeard(frozenset(found), lines)


def complete(store: Store, run: Any, tags: Mapping[str, str], text: str) -> None:
    """Add to an opening that MLflow has already what it lacks: its text, its digest, the run it is a child of.

    The text comes before the digest, which says that it can be read.

    Args:
        store: MLflow's.
        run: of the opening, as it was found.
        tags: of the opening, as they should be.
        text: of its file; "" where there is none.
    """
    run_id = run.info.run_id
    if text:
        try:
            if all(file.path != OPENING_FILE for file in store.client.list_artifacts(run_id)):
                store.client.log_text(run_id, text, OPENING_FILE)
        except Exception as error:  # whatever MLflow raises, what comes after it is logged all the same
            _warn(run, "stays without its text", error)
            return
    wanted = {key: tags[key] for key in (OPENING_DIGEST, PARENT_RUN) if key in tags}
    missing = {key: value for key, value in wanted.items() if run.data.tags.get(key) != value}
    if missing:
        store.log_tags(run_id, missing)


def _warn(run: Any, what: str, error: Exception) -> None:
    said = str(error).splitlines()[0] if str(error) else "no message"
    _log.warning(
        "MLflow: the opening of test items in run %s %s (%s: %.200s)", run.info.run_id, what, type(error).__name__, said
    )


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
