"""One trial: the search of one setting, once with each seed, given up between generations where that is hopeless."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import optuna

from evoswarm.decoding.decoder import Decoder
from evoswarm.errors import EvoswarmError, RunError
from evoswarm.experiment.result import GenerationFigures
from evoswarm.experiment.session import search
from evoswarm.experiment.workbench import load_swarm
from evoswarm.space import SearchSpace
from evoswarm.study.hyperparameters.pruning import PATHS, PairedPruner
from evoswarm.study.hyperparameters.question import Question
from evoswarm.study.hyperparameters.storage import connect


@dataclass(frozen=True)
class Job:
    """Searches to run.

    Attributes:
        name: of the directory.
        parameters: Optuna's values of the settings.
        seeds: in order.
        trial: number of the trial in the storage, which hears of every generation; None for a confirmation, which is
            never given up.
    """

    name: str
    parameters: Mapping[str, Any]
    seeds: tuple[int, ...]
    trial: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What a job gave.

    Attributes:
        scores: per finished seed, in order.
        seconds: that it took.
        pruned: seed and generation at which it was given up; None if it was not.
        failure: why a search could not end, in words.
    """

    scores: tuple[float, ...]
    seconds: float
    pruned: tuple[int, int] | None = None
    failure: str | None = None


class _GivenUp(Exception):
    """A trial that cannot win any more; Ctrl-C is told apart from it."""


def _owed_to_the_machine(error: EvoswarmError) -> bool:
    """Whether an error is no setting's: a file of the runs is in the way, and other settings would meet it too."""
    in_the_way = isinstance(error, RunError) and error.where is not None
    return in_the_way or isinstance(error.__cause__, OSError | sqlite3.Error)


class TrialRunner:
    """Runs jobs in this process: one loaded swarm for all of them, the ledger shared with all processes.

    Args:
        question: of the study.
        runs: the directory of all runs.
        directory: of the study.
        swarm: the space's pool, loaded already; None loads it when it is needed.
    """

    def __init__(self, question: Question, runs: Path, directory: Path, swarm: Decoder | None = None) -> None:
        self._question, self._runs, self._directory, self._loaded = question, runs, directory, swarm

    @cached_property
    def _swarm(self) -> Decoder:
        return self._loaded or load_swarm(self._question.space)

    @cached_property
    def _study(self) -> optuna.Study:
        return optuna.load_study(study_name=self._question.study.name, storage=connect(self._runs))

    def run(self, job: Job) -> Outcome:
        """Run a job.

        A setting that contradicts itself or fails on its own is an outcome; what is owed to the machine is raised.

        Raises:
            EvoswarmError: the members cannot be loaded, or the disk or the ledger is in the way.
            KeyboardInterrupt: Ctrl-C.
        """
        began, swarm = time.monotonic(), self._swarm
        scores: list[float] = []
        paths: list[list[float]] = []
        pruned: tuple[int, int] | None = None
        try:
            space = self._question.space_of(job.parameters)
            for seed in job.seeds:
                paths.append([])
                score = self._search(job, space, seed, paths, swarm)
                if score is None:
                    pruned = seed, len(paths[-1]) - 1
                    break
                scores.append(score)
        except EvoswarmError as error:
            if _owed_to_the_machine(error):
                raise
            return Outcome(tuple(scores), time.monotonic() - began, failure=str(error))
        return Outcome(tuple(scores), time.monotonic() - began, pruned)

    def _search(
        self, job: Job, space: SearchSpace, seed: int, paths: list[list[float]], swarm: Decoder
    ) -> float | None:
        """The score of one search; None if it was given up. Its run directory can be continued then, as any can."""

        def heard(figures: GenerationFigures) -> None:
            paths[-1].append(figures.best_accuracy or 0.0)
            if job.trial is not None and self._hopeless(job.trial, paths):
                raise _GivenUp

        quiet = space.model_copy(update={"tracking": space.tracking.model_copy(update={"mlflow": False})})
        try:
            result = search(
                quiet,
                out=self._directory / job.name / f"seed{seed}",
                seed=seed,
                runs=self._runs,
                on_generation=heard,
                swarm=swarm,
                certify=False,
            )
        except _GivenUp:
            return None
        return result.accuracy if self._question.study.measure == "selection" else paths[-1][-1]

    def _hopeless(self, number: int, paths: list[list[float]]) -> bool:
        """Report the mean best-so-far, and ask whether to give the trial up."""
        study, settings = self._study, self._question.study.pruner
        storage = study._storage
        trial_id = storage.get_trial_id_from_study_id_trial_number(study._study_id, number)
        step = (len(paths) - 1) * self._question.most_generations + len(paths[-1]) - 1
        mean = sum(path[-1] for path in paths) / len(paths)
        storage.set_trial_user_attr(trial_id, PATHS, paths)
        storage.set_trial_intermediate_value(trial_id, step, mean)
        if settings is None:
            return False
        pruner = PairedPruner(settings.after_seeds, settings.level)
        return pruner.prune(study, storage.get_trial(trial_id))
