"""One trial: the search of one setting, once with each seed, given up between generations where that is hopeless."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import optuna

from evoswarm.decoding.decoder import Decoder
from evoswarm.errors import EvoswarmError, RunError
from evoswarm.experiment.figures import GenerationFigures
from evoswarm.experiment.progress import SILENT, Progress
from evoswarm.experiment.session import search
from evoswarm.experiment.workbench import load_swarm
from evoswarm.study.hyperparameters.pruning import CURVES
from evoswarm.study.hyperparameters.question import StudyQuestion
from evoswarm.study.hyperparameters.record import TrialOutcome


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
        progress: told what is being done.
    """

    def __init__(
        self,
        question: StudyQuestion,
        runs: Path,
        directory: Path,
        swarm: Decoder | None = None,
        progress: Progress = SILENT,
    ) -> None:
        self._question, self._runs, self._directory, self._loaded = question, runs, directory, swarm
        self._progress = progress

    @cached_property
    def _swarm(self) -> Decoder:
        return self._loaded or load_swarm(self._question.space, on_load=self._progress.loading)

    def run(self, job: TrialJob) -> TrialOutcome:
        """Run a job.

        A setting that contradicts itself or fails on its own is an outcome; what is owed to the machine is raised.

        Raises:
            EvoswarmError: the members cannot be loaded, or the disk or the ledger is in the way.
            KeyboardInterrupt: Ctrl-C.
        """
        began, swarm = time.monotonic(), self._swarm
        scores, heard = list[float](), _Curves(job.trial, self._question.most_generations)
        pruned = failure = None
        try:
            space = self._question.space_of(job.parameters)
            for seed in job.seeds:
                heard.curves.append([])
                result = search(
                    space.model_copy(update={"tracking": space.tracking.model_copy(update={"mlflow": False})}),
                    out=self._directory / job.name / f"seed{seed}",
                    seed=seed,
                    runs=self._runs,
                    progress=self._progress.within(heard.generation, job.name),
                    swarm=swarm,
                    certify=False,
                )
                of_search = self._question.study.measure == "search"
                scores.append(heard.curves[-1][-1] if of_search else result.accuracy)
        except _GivenUp:  # its run directory can be continued, as any can
            pruned = seed, len(heard.curves[-1]) - 1
        except EvoswarmError as error:
            if _owed_to_the_machine(error):
                raise
            failure = str(error)
        return TrialOutcome(tuple(scores), time.monotonic() - began, pruned, failure)


class _Curves:
    """Per seed so far, the best accuracy behind every generation; Optuna hears of it.

    Raises `_GivenUp` out of a search whose trial cannot win any more.
    """

    def __init__(self, trial: optuna.Trial | None, most_generations: int) -> None:
        self._trial, self._most_generations = trial, most_generations
        self.curves: list[list[float]] = []
        self._reported: Collection[int] = ()  # steps that an earlier attempt has told of
        if trial is not None:
            self._reported = trial.study.get_trials(deepcopy=False)[trial.number].intermediate_values

    def generation(self, figures: GenerationFigures) -> None:
        self.curves[-1].append(figures.best_accuracy or 0.0)
        if self._trial is None:
            return
        self._trial.set_user_attr(CURVES, self.curves)
        step = (len(self.curves) - 1) * self._most_generations + len(self.curves[-1]) - 1
        if step not in self._reported:
            self._trial.report(sum(curve[-1] for curve in self.curves) / len(self.curves), step)
        if self._trial.should_prune():
            raise _GivenUp
