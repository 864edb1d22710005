"""One search in MLflow: a run, a point per metric and generation, champions as child runs, the lineage; each once.

A search may be killed anywhere and run again. What MLflow is told is owed to the clock, so it is journalled before
it is told: a key by which the run is found again even if nobody heard its id, and the id; the figures of generations
stand in the journal too, with their time stamps. Where an earlier process was at work, what is there is read back
before anything is logged.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evoswarm.run_directory import MIRRORED, REPORT, TRACKED, TRACKING, RunDirectory
from evoswarm.tracking.description import LINEAGE, links, note_tags
from evoswarm.tracking.drawn_split import DrawnSplit, log_splits
from evoswarm.tracking.naming import (
    CHAMPION,
    EARLIER,
    KEY,
    KEY_BEFORE,
    PARENT_RUN,
    POLICY,
    POLICY_BEFORE,
    ROLE,
    RUN_NAME,
    SOURCE_NAME,
    SOURCE_TYPE,
    Standing,
)
from evoswarm.tracking.store import Store, now, text

OF_CHAMPION = ("selection_accuracy", "expected_accuracy", "test_accuracy", "rivals/", "champion_", "gain/")
"""How metrics of a search's run begin that are its champion's, and no generation's."""

_TABLES = "mlflow.loggedArtifacts"  # the tag that makes a file a table in MLflow's pages
_DIRECTORY = "evoswarm.run_directory"
_PASSING = ("evoswarm.forced", "evoswarm.verdict_sentence")  # tags that go where an outcome has them no longer


@dataclass(frozen=True)
class ChildRun:
    """A policy worth a look as MLflow sees it: a child run of the search.

    Attributes:
        name: of the child.
        role: what the policy is to the search.
        digest: of the policy.
        parameters: what it is made of.
        metrics: what it scored and cost.
        recipe: as JSON, kept as an artifact.
        description: in Markdown.
    """

    name: str
    role: Standing
    digest: str
    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    recipe: str
    description: str


@dataclass(frozen=True)
class SearchRun:
    """What MLflow is told when a search begins.

    Attributes:
        name: of the run.
        directory: the run directory, whose journal knows what was told before.
        parameters: the flattened search space.
        tags: what people look for: the space, the seed.
        splits: what it is asked.
    """

    name: str
    directory: RunDirectory
    parameters: Mapping[str, Any]
    tags: Mapping[str, str]
    splits: Sequence[DrawnSplit] = ()


@dataclass(frozen=True)
class Outcome:
    """What a search came to, as its run shows it.

    Attributes:
        metrics: of the champion; those of an earlier champion that this one lacks become nan.
        tags: which champion it is, and what is said of it.
        headline: of the description, in Markdown: what is seen at once. A line of links follows.
        description: the rest of it.
    """

    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    headline: str = ""
    description: str = ""


class SearchLog:
    """The search's run, found again or made.

    Args:
        store: where.
        search: what is mirrored.
        key: journalled before; it belongs to this run directory alone.

    Attributes:
        run_id: MLflow's.
    """

    def __init__(self, store: Store, search: SearchRun, key: str) -> None:
        self._store, self._directory = store, search.directory
        tags = {**search.tags, _DIRECTORY: str(search.directory.path.resolve()), KEY: key, RUN_NAME: search.name}
        tags |= {SOURCE_NAME: "evoswarm search", SOURCE_TYPE: "LOCAL"}
        before = run_before(store, search.directory, key)
        run = before or store.client.create_run(store.experiment, run_name=search.name, tags=tags)
        self.run_id = str(run.info.run_id)
        if _journalled(self._directory) != self.run_id:
            self._directory.journal(TRACKED, run=self.run_id)
        self._steps: dict[str, set[int]] = {}
        self._reads_back = before is not None
        known = run.data.params
        parameters = {name: text(value) for name, value in search.parameters.items()}
        if before is not None:
            store.client.update_run(self.run_id, status="RUNNING")
            changed = {f"now.{name}": value for name, value in parameters.items() if known.get(name, value) != value}
            store.log_tags(self.run_id, {**tags, **changed})
        store.log_parameters(self.run_id, {name: value for name, value in parameters.items() if name not in known})
        log_splits(store, self.run_id, search.splits)

    def generation(self, step: int, metrics: Mapping[str, float | None], stamp: int) -> None:
        """Log the points of a generation that are not there yet."""
        figures = {name: math.nan if value is None else value for name, value in metrics.items()}
        missing = {name: value for name, value in figures.items() if step not in self._logged(name)}
        self._store.log_metrics(self.run_id, missing, step, stamp)
        for name in missing:
            self._steps[name].add(step)

    def champions(self, children: Sequence[ChildRun]) -> None:
        """Log the policies that are no child runs yet, and complete those that are in part.

        What a policy is to the search may change while that goes on: its run is then called otherwise.
        """
        known = policy_runs(self._store, self.run_id)
        for child in children:
            before = known.pop(child.digest, None)
            tags = {PARENT_RUN: self.run_id, RUN_NAME: child.name, ROLE: child.role, POLICY: child.digest}
            tags |= note_tags(before, child.description)
            self._store.log_new_tags(before, tags)
            self._store.log_whole(before, tags, child.metrics, child.parameters, {"recipe.json": child.recipe})
        for run in known.values():
            was = run.data.tags.get(ROLE, CHAMPION if run.info.run_name == CHAMPION else "")
            name = {RUN_NAME: f"earlier {run.info.run_name}"} if was == CHAMPION else {}
            self._store.log_new_tags(run, {ROLE: EARLIER, **name})

    def finish(self, status: str, lineage: Mapping[str, Sequence[Any]]) -> None:
        """Log the lineage and the files, in place of those of an earlier end, and note that all is mirrored."""
        client = self._store.client
        rows = [list(row) for row in zip(*lineage.values(), strict=True)]
        client.log_dict(self.run_id, {"columns": list(lineage), "data": rows}, LINEAGE)  # log_table would append
        client.set_tag(self.run_id, _TABLES, json.dumps([{"path": LINEAGE, "type": "table"}]))
        for file in self._directory.files():  # regular ones: a link in a run directory may lead to anything
            _log_file(self._store, self.run_id, self._directory, file)
        self._store.end(self.run_id, status)
        if status == "FINISHED":
            self._directory.journal(MIRRORED, run=self.run_id)

    def _logged(self, name: str) -> set[int]:
        """The steps at which a metric has a point."""
        if name not in self._steps:
            history = self._store.client.get_metric_history(self.run_id, name) if self._reads_back else ()
            self._steps[name] = {point.step for point in history}
        return self._steps[name]


def run_before(store: Store, directory: RunDirectory, key: str | None = None) -> Any | None:
    """The run that an earlier process made for a directory; None where it made none that this store has.

    Args:
        store: where it would be.
        directory: whose journal knows its id, or, where the process died before it heard it, the key.
        key: where the journal may not have it yet.
    """
    journalled = _journalled(directory)
    found = None if journalled is None else store.run(journalled)
    if found is None and key is None:
        event = directory.last(TRACKING)
        key = None if event is None else str(event["key"])
    if found is not None or key is None:
        return found
    return next((run for name in (KEY, KEY_BEFORE) for run in store.tagged({name: key})), None)


def policy_runs(store: Store, run_id: str) -> dict[str, Any]:
    """The runs of policies below a search, by the policy's digest; of several the oldest.

    Args:
        store: where they are.
        run_id: of the search.
    """
    found: dict[str, Any] = {}
    for run in store.tagged({PARENT_RUN: run_id}):
        digest = run.data.tags.get(POLICY) or run.data.tags.get(POLICY_BEFORE)
        if digest is not None:
            found[digest] = run
    return found


def log_outcome(store: Store, directory: RunDirectory, outcome: Outcome, files: Sequence[str] = ()) -> None:
    """Log what a search came to, in place of what it came to before; the same again changes nothing.

    Nothing is logged of a search that this store has never heard of.

    Args:
        store: that may have the search's run.
        directory: of the search.
        outcome: as it stands now.
        files: of the directory that have changed since its end was logged, by their paths in it.
    """
    run = run_before(store, directory)
    if run is None:
        return
    run_id = str(run.info.run_id)
    known = run.data.metrics
    gone = {name: math.nan for name in known if name.startswith(OF_CHAMPION) and name not in outcome.metrics}
    changed = {name: value for name, value in {**gone, **outcome.metrics}.items() if not _same(known.get(name), value)}
    store.log_metrics(run_id, changed, 0, now())
    tags = {name: text(value) for name, value in outcome.tags.items()}
    store.log_tags(run_id, tags | note_tags(run, _description(store, run_id, outcome)))
    for name in _PASSING:
        if name in run.data.tags and name not in tags:
            store.client.delete_tag(run_id, name)
    log_files(store, directory, files)


def log_files(store: Store, directory: RunDirectory, files: Sequence[str]) -> None:
    """Log files of a search anew, in place of what they were before; nothing where this store never heard of it.

    Args:
        store: that may have the search's run.
        directory: of the search.
        files: by their paths in it; those that are not there are left out.
    """
    run = run_before(store, directory)
    if run is None:
        return
    for file in directory.files():
        if file.relative_to(directory.path).as_posix() in files:
            _log_file(store, str(run.info.run_id), directory, file)


def _description(store: Store, run_id: str, outcome: Outcome) -> str:
    """What came of a search, with links to the policies that stand; the champion first."""
    standing = [run for run in policy_runs(store, run_id).values() if run.data.tags.get(ROLE) != EARLIER]
    standing.sort(key=lambda run: (run.data.tags.get(ROLE) != CHAMPION, run.info.start_time))
    where = links(store.experiment, run_id, [run.info.run_id for run in standing])
    return "\n\n".join(part for part in (outcome.headline, where, outcome.description) if part)


def _same(known: float | None, value: float) -> bool:
    return known is not None and (known == value or (math.isnan(known) and math.isnan(value)))


def _journalled(directory: RunDirectory) -> str | None:
    event = directory.last(TRACKED)
    return None if event is None else str(event["run"])


def _log_file(store: Store, run_id: str, directory: RunDirectory, file: Path) -> None:
    """Keep a file of a run directory as an artifact, where it lies there; the report is to be found at once."""
    path = file.relative_to(directory.path)
    place = None if path.as_posix() == REPORT else "/".join(["run", *path.parent.parts])
    store.client.log_artifact(run_id, str(file), place)
