"""One trial: the search of one setting, once with each seed, given up between generations where that is hopeless."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
from evoswarm.study.hyperparameters.pruning import PATHS
from evoswarm.study.hyperparameters.question import Question


@dataclass(frozen=True)
class TrialJob:
    """Searches to run with the values of one trial.

    Attributes:
        name: of the directory.
        parameters: Optuna's values of the settings.
        seeds: in order.
        trial: hears of every generation, wherever the job runs; None for a confirmation, which is never given up.
    """

    name: str
    parameters: Mapping[str, Any]
    seeds: tuple[int, ...]
    trial: optuna.Trial | None = None


@dataclass(frozen=True)
class TrialOutcome:
    """What a job gave.

    Attributes:
        scores: per finished seed, in order.
        seconds: that it took.
        pruned: seed and generation at which it was given up; None if it was not.
        failure: why a search could not end, in words.
    """

    scores: tuple[float, ...] = ()
    seconds: float = 0.0
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

    def run(self, job: TrialJob) -> TrialOutcome:
        """Run a job.

        A setting that contradicts itself or fails on its own is an outcome; what is owed to the machine is raised.

        Raises:
            EvoswarmError: the members cannot be loaded, or the disk or the ledger is in the way.
            KeyboardInterrupt: Ctrl-C.
        """
        began, swarm, outcome = time.monotonic(), self._swarm, TrialOutcome()
        progress = _Progress(job.trial, self._question.most_generations)
        try:
            space = self._question.space_of(job.parameters)
            for seed in job.seeds:
                score = self._search(space, seed, self._directory / job.name / f"seed{seed}", progress, swarm)
                outcome = replace(outcome, scores=(*outcome.scores, score))
        except _GivenUp:
            outcome = replace(outcome, pruned=(seed, len(progress.paths[-1]) - 1))
        except EvoswarmError as error:
            if _owed_to_the_machine(error):
                raise
            outcome = replace(outcome, failure=str(error))
        return replace(outcome, seconds=time.monotonic() - began)

    def _search(self, space: SearchSpace, seed: int, out: Path, progress: _Progress, swarm: Decoder) -> float:
        """The score of one search.

        Raises:
            _GivenUp: it was given up; its run directory can be continued then, as any can.
        """
        progress.paths.append([])
        quiet = space.model_copy(update={"tracking": space.tracking.model_copy(update={"mlflow": False})})
        result = search(
            quiet, out=out, seed=seed, runs=self._runs, on_generation=progress.heard, swarm=swarm, certify=False
        )
        return result.accuracy if self._question.study.measure == "selection" else progress.paths[-1][-1]


@dataclass
class _Progress:
    """What Optuna hears of a trial: per seed so far, the best accuracy behind every generation."""

    trial: optuna.Trial | None
    most_generations: int
    paths: list[list[float]] = field(default_factory=list)

    @cached_property
    def _reported(self) -> set[int]:
        """Steps that an earlier attempt has told of."""
        assert self.trial is not None
        return set(self.trial.study.get_trials(deepcopy=False)[self.trial.number].intermediate_values)

    def heard(self, figures: GenerationFigures) -> None:
        self.paths[-1].append(figures.best_accuracy or 0.0)
        if self.trial is None:
            return
        self.trial.set_user_attr(PATHS, self.paths)
        step = (len(self.paths) - 1) * self.most_generations + len(self.paths[-1]) - 1
        if step not in self._reported:
            self.trial.report(sum(path[-1] for path in self.paths) / len(self.paths), step)
        if self.trial.should_prune():
            raise _GivenUp
