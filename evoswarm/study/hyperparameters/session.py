"""The composition of a study: trials, confirmation, importance, files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import optuna

from evoswarm.decoding.decoder import Decoder
from evoswarm.durable import locked, plain_errors
from evoswarm.errors import RunError
from evoswarm.experiment.progress import SILENT, Progress
from evoswarm.study.hyperparameters import mirror
from evoswarm.study.hyperparameters.files import write_result
from evoswarm.study.hyperparameters.importance import importances
from evoswarm.study.hyperparameters.question import STUDIES, StudyQuestion, read_question
from evoswarm.study.hyperparameters.record import TrialOutcome, TrialRecord, best_of, finished, record, store
from evoswarm.study.hyperparameters.result import StudyResult
from evoswarm.study.hyperparameters.storage import KEY, connect, next_trial, open_study
from evoswarm.study.hyperparameters.trial import TrialJob, TrialRunner
from evoswarm.study.hyperparameters.verdict import Confirmation, confirm, step_of
from evoswarm.study.hyperparameters.workers import RunJobs, Workers, await_orphans, run_here
from evoswarm.tracking import StudyLog, Tracker

OnTrial = Callable[[TrialRecord], None]


class StudyInterrupted(KeyboardInterrupt):
    """A study was ended by Ctrl-C. Everything is kept; the same study goes on where it stopped.

    Attributes:
        directory: of the study.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        super().__init__(f"interrupted: everything is kept in {directory}, and the study goes on from there")


def study(
    question: StudyQuestion | str | Path,
    *,
    runs: str | Path = "runs",
    jobs: int = 1,
    on_trial: OnTrial = lambda record: None,
    progress: Progress = SILENT,
    swarm: Decoder | None = None,
) -> StudyResult:
    """Find out which settings of a search matter, and whether one is better than the default.

    Finished trials are kept: the same call goes on where an earlier one ended, however it ended.

    Args:
        question: the study, or its YAML file.
        runs: the directory of all runs; the ledger and the storage are kept here.
        jobs: processes that run trials side by side; 1 runs them in this one.
        on_trial: told of every trial when it ends.
        progress: told what is being done.
        swarm: the space's pool, loaded already; None loads it. Processes of their own load their own.

    Raises:
        EvoswarmError: the study or its space is not what it should be, or the default cannot be searched.
        StudyInterrupted: Ctrl-C.
    """
    asked = question if isinstance(question, StudyQuestion) else read_question(question)
    root = Path(runs)
    directory = root / STUDIES / asked.study.name
    with ExitStack() as stack:
        with plain_errors(directory):
            directory.mkdir(parents=True, exist_ok=True)
        busy = "expected to be the only one who runs this study, got another evoswarm at work on it"
        stack.enter_context(locked(directory / "lock", busy))
        await_orphans(directory)
        storage = connect(root)
        stack.callback(storage.engine.dispose)
        run = run_here(TrialRunner(asked, root, directory, swarm, progress))
        if jobs > 1:
            run = stack.enter_context(Workers(asked, root, directory, jobs)).run
        stored = open_study(asked, storage)
        tracker = Tracker.of(asked.space, root)
        stack.callback(tracker.close)
        log = StudyLog(tracker, mirror.study_run(asked, str(stored.user_attrs[KEY])))
        try:
            records = _trials(asked, stored, run, log, on_trial, progress)
            confirmation = _confirm(asked, records, run, progress)
            progress.enter("studying", "estimating how much each setting matters")
            found = importances(asked.settings, records, asked.study.seed)
            result = StudyResult(asked, directory, storage.url, records, found, confirmation)
            write_result(result)
        except KeyboardInterrupt as error:
            log.finish("KILLED", {}, {}, [])
            raise StudyInterrupted(directory) from error
        except BaseException:  # MLflow is to know, and it goes on
            log.finish("FAILED", {}, {}, [])
            raise
        log.finish("FINISHED", *mirror.summary(result), [path for path, _ in result.written()])
        return result


def _trials(
    question: StudyQuestion, stored: optuna.Study, run: RunJobs, log: StudyLog, on_trial: OnTrial, progress: Progress
) -> tuple[TrialRecord, ...]:
    """All trials; those of an earlier sitting are told again, the others run.

    Raises:
        RunError: the default cannot be searched.
    """
    asked, known = question.study, finished(stored, question)
    searches = f"{asked.trials} trials of {len(asked.seeds)} searches each"
    progress.enter("studying", searches + (f", {len(known)} known" if known else ""))

    def tell(ended: TrialRecord) -> None:
        log.trial(mirror.trial_run(question, ended))
        on_trial(ended)

    def next_job() -> TrialJob | None:
        trial = next_trial(stored, question)
        return None if trial is None else TrialJob(f"trials/{trial.number:04d}", trial.params, asked.seeds, trial)

    def done(job: TrialJob, outcome: TrialOutcome) -> None:
        assert job.trial is not None
        store(job.trial, outcome)
        tell(record(stored.get_trials(deepcopy=False)[job.trial.number], question))

    for ended in known:
        tell(ended)
    run(next_job, done)
    records = finished(stored, question)
    if records[0].state != "complete":
        raise RunError(f"expected the default to be searched, got: {records[0].failure}")
    return records


def _confirm(
    question: StudyQuestion, records: Sequence[TrialRecord], run: RunJobs, progress: Progress
) -> Confirmation | None:
    """The best setting and the default on fresh seeds; None where the default is the best.

    Raises:
        RunError: one of the searches failed.
    """
    seeds, best = question.study.confirm_seeds, best_of(records)
    if best.number == 0:
        return None
    progress.enter("studying", f"comparing trial {best.number} with the default on {len(seeds)} fresh seeds")
    jobs = [
        TrialJob("confirm/default", question.default, seeds),
        TrialJob(f"confirm/{best.number:04d}", best.parameters, seeds),
    ]
    waiting, outcomes = iter(jobs), dict[str, TrialOutcome]()
    run(lambda: next(waiting, None), lambda job, outcome: outcomes.update({job.name: outcome}))
    for job in jobs:
        if (failure := outcomes[job.name].failure) is not None:
            raise RunError(f"expected {job.name} to be searched, got: {failure}")
    default, challenger = (outcomes[job.name].scores for job in jobs)
    return confirm(seeds, challenger, default, step_of(question.space, question.study.measure))
