"""The composition of a study: trials, confirmation, importance, files."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState

from evoswarm.decoding.decoder import Decoder
from evoswarm.errors import RunError
from evoswarm.study.hyperparameters import mirror
from evoswarm.study.hyperparameters.importance import importances
from evoswarm.study.hyperparameters.question import Question, read_question
from evoswarm.study.hyperparameters.record import FAILURE, PRUNED, SECONDS, TrialRecord, best_of, record
from evoswarm.study.hyperparameters.result import StudyResult, write_result
from evoswarm.study.hyperparameters.storage import KEY, SCORES, connect, next_trial, open_study, storage_uri, wait_again
from evoswarm.study.hyperparameters.trial import Job, Outcome, TrialRunner
from evoswarm.study.hyperparameters.verdict import Confirmation, confirm, step_of
from evoswarm.study.hyperparameters.workers import Died, Done, NextJob, Workers, held, run_here
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
    on_trial: OnTrial | None = None,
    on_stage: OnStage | None = None,
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
    stage = on_stage or (lambda text: None)
    with ExitStack() as stack:
        stack.enter_context(held(directory))
        storage = connect(root)
        stack.callback(storage.engine.dispose)
        workers = stack.enter_context(Workers(asked, root, directory, jobs)) if jobs > 1 else None
        runner = TrialRunner(asked, root, directory, swarm)

        def run(next_job: NextJob, done: Done, died: Died) -> None:
            if workers is None:
                run_here(runner, next_job, done)
            else:
                workers.run(next_job, done, died)

        tracker = Tracker.of(asked.space, root)
        stack.callback(tracker.close)
        session = Session(asked, directory, storage, run, tracker, on_trial or (lambda record: None), stage)
        try:
            return session.go(storage_uri(root))
        except KeyboardInterrupt as error:
            raise StudyInterrupted(directory) from error


Run = Callable[[NextJob, Done, Died], None]


class Session:
    """One study at work.

    Args:
        question: what is asked.
        directory: of the study.
        storage: Optuna's.
        run: runs jobs, here or in processes.
        tracker: tells MLflow.
        on_trial: told of every trial when it ends.
        on_stage: told what is being done.
    """

    def __init__(
        self,
        question: Question,
        directory: Path,
        storage: RDBStorage,
        run: Run,
        tracker: Tracker,
        on_trial: OnTrial,
        on_stage: OnStage,
    ) -> None:
        self._question, self._directory, self._storage, self._run = question, directory, storage, run
        self._on_trial, self._on_stage = on_trial, on_stage
        self._study = open_study(question, storage)
        self._log = StudyLog(tracker, mirror.study_run(question, str(self._study.user_attrs[KEY])))

    def go(self, uri: str) -> StudyResult:
        """Run the trials that are left, confirm the best, write everything.

        Raises:
            RunError: the default cannot be searched.
        """
        status: str = "FAILED"
        metrics: dict[str, float] = {}
        tags: dict[str, str] = {}
        files: list[Path] = []
        try:
            result = self._result(uri)
            metrics, tags = mirror.summary(result)
            status, files = "FINISHED", [path for path, _ in result.written()]
            return result
        except KeyboardInterrupt:
            status = "KILLED"
            raise
        finally:
            self._log.finish(status, metrics, tags, files)

    def _result(self, uri: str) -> StudyResult:
        self._trials()
        records = tuple(record(self._question, trial) for trial in self._finished())
        best = best_of(records)
        if best is None or records[0].state != "complete":
            raise RunError(f"expected the default to be searched, got: {records[0].failure}")
        confirmation = None if best.number == 0 else self._confirm(best)
        self._on_stage("estimating how much each setting matters")
        found = importances(self._question.settings, records, self._question.study.seed)
        result = StudyResult(self._question, self._directory, uri, records, found, best, confirmation)
        write_result(result)
        return result

    def _finished(self) -> list[FrozenTrial]:
        return [trial for trial in self._study.get_trials(deepcopy=False) if trial.state.is_finished()]

    def _trials(self) -> None:
        asked, known = self._question.study, len(self._finished())
        self._on_stage(
            f"{asked.trials} trials of {len(asked.seeds)} searches each" + (f", {known} known" if known else "")
        )
        for trial in self._finished():
            self._tell(trial)

        def next_job() -> Job | None:
            trial = next_trial(self._study, self._question)
            if trial is None:
                return None
            return Job(f"trials/{trial.number:04d}", trial.params, asked.seeds, trial.number)

        self._run(next_job, self._done, self._died)

    def _done(self, job: Job, outcome: Outcome) -> None:
        """Store the outcome; the state comes last, so that a trial is finished as a whole or not at all."""
        trial = self._frozen(job)
        attributes = {
            SCORES: outcome.scores,
            SECONDS: outcome.seconds,
            FAILURE: outcome.failure,
            PRUNED: outcome.pruned,
        }
        for name, value in attributes.items():
            self._storage.set_trial_user_attr(trial._trial_id, name, value)
        if outcome.failure is not None:
            self._study.tell(trial.number, state=TrialState.FAIL)
        elif outcome.pruned is not None:
            self._study.tell(trial.number, state=TrialState.PRUNED)
        else:
            self._study.tell(trial.number, sum(outcome.scores) / len(outcome.scores))
        self._tell(self._frozen(job))

    def _tell(self, trial: FrozenTrial) -> None:
        ended = record(self._question, trial)
        self._log.trial(mirror.trial_run(self._question, ended))
        self._on_trial(ended)

    def _died(self, job: Job) -> None:
        if not wait_again(self._storage, self._frozen(job), died=True):
            self._done(job, Outcome((), 0.0, failure="its process died, again and again"))

    def _frozen(self, job: Job) -> FrozenTrial:
        number = job.trial if job.trial is not None else -1
        return self._study.get_trials(deepcopy=False)[number]

    def _confirm(self, best: TrialRecord) -> Confirmation:
        """The best setting and the default on fresh seeds.

        Raises:
            RunError: one of the searches failed.
        """
        seeds = self._question.study.confirm_seeds
        self._on_stage(f"comparing trial {best.number} with the default on {len(seeds)} fresh seeds")
        jobs = {
            "default": Job("confirm/default", self._question.default, seeds),
            "best": Job(f"confirm/{best.number:04d}", best.parameters, seeds),
        }
        waiting, outcomes, deaths = list(jobs.values()), dict[str, Outcome](), list[str]()

        def done(job: Job, outcome: Outcome) -> None:
            outcomes[job.name] = outcome

        def died(job: Job) -> None:
            deaths.append(job.name)
            if len(deaths) > len(jobs):
                raise RunError(f"expected {job.name} to end, got processes that died, again and again")
            waiting.append(job)

        self._run(lambda: waiting.pop(0) if waiting else None, done, died)
        for job in jobs.values():
            if (failure := outcomes[job.name].failure) is not None:
                raise RunError(f"expected {job.name} to be searched, got: {failure}")
        step = step_of(self._question.space, self._question.study.measure)
        return confirm(seeds, outcomes[jobs["best"].name].scores, outcomes[jobs["default"].name].scores, step)
