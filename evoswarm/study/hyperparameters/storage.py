"""Optuna's storage of a study: opened, made fit to go on, and asked for the next trial."""

from __future__ import annotations

import itertools
import logging
import random
import uuid
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import NopPruner
from optuna.samplers import BaseSampler, QMCSampler, RandomSampler, TPESampler
from optuna.storages import RDBStorage
from optuna.trial import TrialState

from evoswarm.errors import RunError, Where
from evoswarm.study.hyperparameters.hyperparameter import Hyperparameter
from evoswarm.study.hyperparameters.pruning import PairedPruner
from evoswarm.study.hyperparameters.question import StudyQuestion
from evoswarm.study.hyperparameters.settings import SamplerName
from evoswarm.tracking.store import sqlite_uri

STORAGE = "studies.db"

IDENTITY, KEY = "evoswarm:identity", "evoswarm:key"
"""User attributes of a study: what it asks; what belongs to it alone, for those that mirror it."""

_BUSY_SECONDS = 120.0  # that a process waits for another one's write
_STARTUP = 8  # trials drawn at random before TPE has something to go by


def connect(runs: Path) -> RDBStorage:
    """The storage, made where it is missing.

    Raises:
        RunError: the file cannot be opened or is no storage of this Optuna.
    """
    optuna.logging.set_verbosity(logging.WARNING)  # Optuna tells of every study it makes
    uri = sqlite_uri((runs / STORAGE).resolve())
    try:
        runs.mkdir(parents=True, exist_ok=True)
        return RDBStorage(uri, engine_kwargs={"connect_args": {"timeout": _BUSY_SECONDS}})
    except Exception as error:  # whatever the database, its driver or Optuna raises
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RunError(
            f"expected a storage of Optuna studies, got: {reason:.200} (move the file away, and the next study begins "
            "a new one)",
            Where(str(runs / STORAGE)),
        ) from error


def open_study(question: StudyQuestion, storage: RDBStorage) -> optuna.Study:
    """The study under its name: a new one with the default as its first trial, or the one to go on with.

    Nobody else may be at work on it: a trial that is running in the storage is one whose process died, and waits to
    be run again, with the same number and settings.

    Raises:
        RunError: the name belongs to a study that asks something else.
    """
    asked = question.study
    pruner = NopPruner() if asked.pruner is None else PairedPruner(asked.pruner.after_seeds, asked.pruner.level)
    study = optuna.create_study(
        storage=storage, study_name=asked.name, direction="maximize", load_if_exists=True, pruner=pruner
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
    queue = [question.default]  # the first trial
    if asked.sampler == "grid":
        queue += grid(question.settings, question.default, asked.seed, asked.trials - 1)
    trials = study.get_trials(deepcopy=False)
    for parameters in queue[len(trials) :]:
        study.enqueue_trial(parameters)
    study_id = storage.get_study_id_from_name(asked.name)
    for trial in trials:
        if trial.state == TrialState.RUNNING:
            trial_id = storage.get_trial_id_from_study_id_trial_number(study_id, trial.number)
            storage.set_trial_state_values(trial_id, TrialState.WAITING)
    return study


def next_trial(study: optuna.Study, question: StudyQuestion) -> optuna.Trial | None:
    """The trial to run next, marked as running; None when all have begun."""
    asked, trials = question.study, study.get_trials(deepcopy=False)
    waiting = sum(trial.state == TrialState.WAITING for trial in trials)
    if len(trials) - waiting >= asked.trials or (asked.sampler == "grid" and not waiting):
        return None
    study.sampler = sampler(asked.sampler, asked.seed, len(trials))
    return study.ask({setting.path: setting.distribution for setting in question.settings})


def sampler(name: SamplerName, seed: int, number: int) -> BaseSampler:
    """A sampler for one trial: its draw depends on the seed, the trial's number and the trials before it.

    One sampler for all trials would repeat its draws after a resume. ``grid`` needs none (its trials are enqueued, see
    `grid`); it gets the random one.
    """
    seed %= 2**32  # numpy takes no more
    if name == "qmc":  # counts its draws in the storage
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return QMCSampler(seed=seed, scramble=True, warn_independent_sampling=False)
    own = random.Random(f"{seed} {number}").randrange(2**32)
    if name == "tpe":
        return TPESampler(seed=own, n_startup_trials=_STARTUP, constant_liar=True)
    return RandomSampler(seed=own)


def grid(settings: Sequence[Hyperparameter], default: Mapping[str, Any], seed: int, most: int) -> list[dict[str, Any]]:
    """Up to ``most`` combinations of all values in a seeded order, without the default."""
    combinations = itertools.product(*(setting.grid() for setting in settings))
    names = [setting.path for setting in settings]
    every = [dict(zip(names, values, strict=True)) for values in itertools.islice(combinations, 100_000)]
    others = [parameters for parameters in every if parameters != default]
    random.Random(seed).shuffle(others)
    return others[:most]
