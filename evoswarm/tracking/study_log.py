"""A study in MLflow: a run with a child run per trial, each once, however often the study was interrupted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evoswarm.tracking.naming import PARENT_RUN, RUN_NAME
from evoswarm.tracking.store import Store, names, now
from evoswarm.tracking.tracker import Tracker

_KEY, _TRIAL, _STATE = "evoswarm.study", "evoswarm.trial", "evoswarm.state"


@dataclass(frozen=True)
class StudyRun:
    """What MLflow is told when a study begins.

    Attributes:
        name: of the run.
        key: belongs to this study alone; its run is found again by it.
        parameters: of the study, flattened.
        tags: what else is to be seen.
    """

    name: str
    key: str
    parameters: Mapping[str, Any]
    tags: Mapping[str, str]


@dataclass(frozen=True)
class TrialRun:
    """A trial that ended, as MLflow sees it: a child run of the study.

    Attributes:
        number: of the trial.
        state: how it ended.
        parameters: the settings.
        metrics: what it scored.
    """

    number: int
    state: str
    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]


class StudyLog:
    """The study's run, found again or made, and its children.

    Args:
        tracker: does the work, on its own thread.
        study: what is mirrored.
    """

    def __init__(self, tracker: Tracker, study: StudyRun) -> None:
        self._tracker, self._study = tracker, study
        self._run_id = ""  # these two are the thread's
        self._known: dict[tuple[str, ...], Any] = {}
        tracker.put(self._begin)

    def trial(self, trial: TrialRun) -> None:
        """Log a trial; one that was logged before is left alone, one that was logged in part is completed."""

        def job(store: Store) -> None:
            tags = {
                PARENT_RUN: self._run_id,
                RUN_NAME: f"trial {trial.number}",
                _TRIAL: str(trial.number),
                _STATE: trial.state,
            }
            store.log_whole(self._known.get((str(trial.number),)), tags, trial.metrics, trial.parameters)

        self._tracker.put(job)

    def finish(self, status: str, metrics: Mapping[str, float], tags: Mapping[str, str], files: Sequence[Path]) -> None:
        """Log the end, in place of an earlier one.

        Args:
            status: MLflow's word: ``FINISHED``, ``KILLED`` or ``FAILED``.
            metrics: of the study as a whole.
            tags: likewise.
            files: kept as artifacts.
        """

        def job(store: Store) -> None:
            known = store.client.get_run(self._run_id).data.metrics
            changed = {name: value for name, value in metrics.items() if known.get(name) != value}
            store.log_metrics(self._run_id, changed, 0, now())
            store.log_tags(self._run_id, tags)
            for file in files:
                store.client.log_artifact(self._run_id, str(file))
            store.end(self._run_id, status)

        self._tracker.put(job)

    def _begin(self, store: Store) -> None:
        study = self._study
        before = next(iter(store.tagged({_KEY: study.key})), None)
        tags = {**study.tags, _KEY: study.key, RUN_NAME: study.name}
        run = before or store.client.create_run(store.experiment, run_name=study.name, tags=tags)
        self._run_id = str(run.info.run_id)
        if before is not None:
            store.client.update_run(self._run_id, status="RUNNING")
            store.log_tags(self._run_id, tags)
            self._known = names(store.tagged({PARENT_RUN: self._run_id}), _TRIAL)
        missing = {name: value for name, value in study.parameters.items() if name not in run.data.params}
        store.log_parameters(self._run_id, missing)
