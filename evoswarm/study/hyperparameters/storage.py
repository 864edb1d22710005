"""Optuna's storage of a study: opened, guarded against another process, and made fit to go on."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState

from evoswarm.errors import RunError, Where
from evoswarm.study.hyperparameters.question import Question
from evoswarm.study.hyperparameters.samplers import grid, sampler
from evoswarm.tracking.store import sqlite_uri

STORAGE = "studies.db"

IDENTITY, KEY = "evoswarm:identity", "evoswarm:key"
"""User attributes of a study: what it asks; what belongs to it alone, for those that mirror it."""

DEATHS, SCORES = "evoswarm:deaths", "evoswarm:scores"
"""User attributes of a trial: how often its process died; its score per seed, in order."""

MOST_DEATHS = 2
"""A trial whose process died so often is not tried again."""

_BUSY_SECONDS = 120.0  # that a process waits for another one's write


def storage_uri(runs: Path) -> str:
    """What ``optuna-dashboard`` takes."""
    return sqlite_uri((runs / STORAGE).resolve())


def connect(runs: Path) -> RDBStorage:
    """The storage, made where it is missing.

    Raises:
        RunError: the file cannot be opened or is no storage of this Optuna.
    """
    optuna.logging.set_verbosity(logging.WARNING)  # Optuna tells of every study it makes
    try:
        runs.mkdir(parents=True, exist_ok=True)
        return RDBStorage(storage_uri(runs), engine_kwargs={"connect_args": {"timeout": _BUSY_SECONDS}})
    except Exception as error:  # whatever the database, its driver or Optuna raises
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RunError(
            f"expected a storage of Optuna studies, got: {reason:.200} (move the file away, and the next study begins "
            "a new one)",
            Where(str(runs / STORAGE)),
        ) from error


def open_study(question: Question, storage: RDBStorage) -> optuna.Study:
    """The study under its name: a new one with the default as its first trial, or the one to go on with.

    Nobody else may be at work on it: a trial that is running in the storage is one whose process died, and waits to
    be run again.

    Raises:
        RunError: the name belongs to a study that asks something else.
    """
    asked = question.study
    study = optuna.create_study(
        storage=storage,
        study_name=asked.name,
        direction="maximize",
        load_if_exists=True,
        sampler=sampler(asked.sampler, asked.seed),
    )
    known = study.user_attrs.get(IDENTITY)
    if known is None:
        study.set_user_attr("space", asked.space)
        study.set_user_attr(KEY, uuid.uuid4().hex)
        study.set_user_attr(IDENTITY, question.identity)
    elif known != question.identity:
        raise RunError(
            f"expected the study that {STORAGE} holds under the name {asked.name!r}, got one with another space, other "
            "settings, seeds or another sampler (give it another name)",
            Where(question.file, "name"),
        )
    _enqueue(study, question)
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        wait_again(storage, trial, died=False)
    return study


def wait_again(storage: RDBStorage, trial: FrozenTrial, died: bool) -> bool:
    """Let a trial be run again, with the same number and settings.

    Args:
        storage: where it is running.
        trial: whose process is gone.
        died: count it: a trial that keeps killing its process is not run for ever.

    Returns:
        False when it died too often; it is still running in the storage then.
    """
    deaths = int(trial.user_attrs.get(DEATHS, 0)) + died
    if died:
        storage.set_trial_user_attr(trial._trial_id, DEATHS, deaths)
    if deaths >= MOST_DEATHS and died:
        return False
    storage.set_trial_state_values(trial._trial_id, TrialState.WAITING)
    return True


def next_trial(study: optuna.Study, question: Question) -> FrozenTrial | None:
    """The trial to run next, marked as running; None when all have begun."""
    trials = study.get_trials(deepcopy=False)
    waiting = any(trial.state == TrialState.WAITING for trial in trials)
    begun = sum(trial.state != TrialState.WAITING for trial in trials)
    if begun >= question.study.trials or (question.study.sampler == "grid" and not waiting):
        return None
    trial = study.ask({setting.path: setting.distribution() for setting in question.settings})
    return study.get_trials(deepcopy=False)[trial.number]


def _enqueue(study: optuna.Study, question: Question) -> None:
    """The default is the first trial; a grid is enqueued as a whole."""
    queue: list[Mapping[str, Any]] = [question.default]
    if question.study.sampler == "grid":
        queue += grid(question.settings, question.default, question.study.seed, question.study.trials - 1)
    known: Sequence[FrozenTrial] = study.get_trials(deepcopy=False)
    for parameters in queue[len(known) :]:
        study.enqueue_trial(dict(parameters))
