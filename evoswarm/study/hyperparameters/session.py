"""The composition of a study: trials, confirmation, importance, files."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import optuna

from evoswarm.decoding.decoder import Decoder
from evoswarm.durable import locked, plain_errors
from evoswarm.errors import RunError
from evoswarm.study.hyperparameters import mirror
from evoswarm.study.hyperparameters.importance import importances
from evoswarm.study.hyperparameters.question import Question, read_question
from evoswarm.study.hyperparameters.record import TrialRecord, best_of, finished, record, store
from evoswarm.study.hyperparameters.result import StudyResult, write_result
from evoswarm.study.hyperparameters.storage import KEY, connect, next_trial, open_study
from evoswarm.study.hyperparameters.trial import TrialJob, TrialOutcome, TrialRunner
from evoswarm.study.hyperparameters.verdict import Confirmation, confirm, step_of
from evoswarm.study.hyperparameters.workers import RunJobs, Workers, run_here
from evoswarm.tracking import StudyLog, Tracker

STUDIES = "studies"
"""The directory of all studies, under that of all runs."""

OnTrial = Callable[[TrialRecord], None]
OnStage = Callable[[str], None]


class StudyInterrupted(KeyboardInterrupt):
    """A study was ended by Ctrl-C. Everything is kept; the same study goes on where it stopped.

    Attributes:
        directory: of the study.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        super().__init__(f"interrupted: everything is kept in {directory}, and the study goes on from there")


def study(
    question: Question | str | Path,
    *,
    runs: str | Path = "runs",
    jobs: int = 1,
    on_trial: OnTrial = lambda record: None,
    on_stage: OnStage = lambda text: None,
    swarm: Decoder | None = None,
) -> StudyResult:
    """Find out which settings of a search matter, and whether one is better than the default.

    Finished trials are kept: the same call goes on where an earlier one ended, however it ended.

    Args:
        question: the study, or its YAML file.
        runs: the directory of all runs; the ledger and the storage are kept here.
        jobs: processes that run trials side by side; 1 runs them in this one.
        on_trial: told of every trial when it ends.
        on_stage: told what is being done.
        swarm: the space's pool, loaded already; None loads it. Processes of their own load their own.

    Raises:
        EvoswarmError: the study or its space is not what it should be, or the default cannot be searched.
        StudyInterrupted: Ctrl-C.
    """
    asked = question if isinstance(question, Question) else read_question(question)
    root = Path(runs)
    directory = root / STUDIES / asked.study.name
    with ExitStack() as stack:
        with plain_errors(directory):
            directory.mkdir(parents=True, exist_ok=True)
        busy = "expected to be the only one who runs this study, got another evoswarm at work on it"
        stack.enter_context(locked(directory / "lock", busy))
        storage = connect(root)
        stack.callback(storage.engine.dispose)
        run = run_here(TrialRunner(asked, root, directory, swarm))
        if jobs > 1:
            run = stack.enter_context(Workers(asked, root, directory, jobs)).run
        tracker = Tracker.of(asked.space, root)
        stack.callback(tracker.close)
        opened = open_study(asked, storage)
        log = StudyLog(tracker, mirror.study_run(asked, str(opened.user_attrs[KEY])))
        session = StudySession(asked, opened, directory, run, log, on_trial, on_stage)
        try:
            return session.go(storage.url)
        except KeyboardInterrupt as error:
            raise StudyInterrupted(directory) from error


@dataclass(frozen=True)
class StudySession:
    """One study at work.

    Attributes:
        question: what is asked.
        stored: Optuna's study.
        directory: where everything is kept.
        run: runs jobs, here or in processes.
        log: tells MLflow.
        on_trial: told of every trial when it ends.
        on_stage: told what is being done.
    """

    question: Question
    stored: optuna.Study
    directory: Path
    run: RunJobs
    log: StudyLog
    on_trial: OnTrial
    on_stage: OnStage

    def go(self, uri: str) -> StudyResult:
        """Run the trials that are left, confirm the best, write everything.

        Raises:
            RunError: the default cannot be searched.
        """
        try:
            result = self._result(uri)
        except BaseException as error:
            self.log.finish("KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED", {}, {}, [])
            raise
        self.log.finish("FINISHED", *mirror.summary(result), [path for path, _ in result.written()])
        return result

    def _result(self, uri: str) -> StudyResult:
        records = self._trials()
        best = best_of(records)
        if best is None or records[0].state != "complete":
            raise RunError(f"expected the default to be searched, got: {records[0].failure}")
        confirmation = None if best.number == 0 else self._confirm(best)
        self.on_stage("estimating how much each setting matters")
        found = importances(self.question.settings, records, self.question.study.seed)
        result = StudyResult(self.question, self.directory, uri, records, found, best, confirmation)
        write_result(result)
        return result

    def _trials(self) -> tuple[TrialRecord, ...]:
        """All trials; those of an earlier sitting are told again, the others run."""
        asked, known = self.question.study, finished(self.stored, self.question)
        self.on_stage(
            f"{asked.trials} trials of {len(asked.seeds)} searches each" + (f", {len(known)} known" if known else "")
        )

        def tell(ended: TrialRecord) -> None:
            self.log.trial(mirror.trial_run(self.question, ended))
            self.on_trial(ended)

        def next_job() -> TrialJob | None:
            trial = next_trial(self.stored, self.question)
            return None if trial is None else TrialJob(f"trials/{trial.number:04d}", trial.params, asked.seeds, trial)

        def done(job: TrialJob, outcome: TrialOutcome) -> None:
            if job.trial is not None:
                store(job.trial, outcome)
                tell(record(self.question, self.stored.get_trials(deepcopy=False)[job.trial.number]))

        for ended in known:
            tell(ended)
        self.run(next_job, done)
        return finished(self.stored, self.question)

    def _confirm(self, best: TrialRecord) -> Confirmation:
        """The best setting and the default on fresh seeds.

        Raises:
            RunError: one of the searches failed.
        """
        seeds = self.question.study.confirm_seeds
        self.on_stage(f"comparing trial {best.number} with the default on {len(seeds)} fresh seeds")
        jobs = [
            TrialJob("confirm/default", self.question.default, seeds),
            TrialJob(f"confirm/{best.number:04d}", best.parameters, seeds),
        ]
        waiting, outcomes = iter(jobs), dict[str, TrialOutcome]()
        self.run(lambda: next(waiting, None), lambda job, outcome: outcomes.update({job.name: outcome}))
        for job in jobs:
            if (failure := outcomes[job.name].failure) is not None:
                raise RunError(f"expected {job.name} to be searched, got: {failure}")
        step = step_of(self.question.space, self.question.study.measure)
        default, challenger = (outcomes[job.name].scores for job in jobs)
        return confirm(seeds, challenger, default, step)
