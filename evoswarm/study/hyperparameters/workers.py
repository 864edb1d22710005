"""Trials side by side, in processes of their own: one that crashes takes nothing with it but its own attempt.

An executor of the standard library ends all its processes when one of them dies, and cannot say whose job it was (nor
can loky). So every process here has an executor of its own.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path

from evoswarm.decoding.forward.devices import silence_loading
from evoswarm.durable import locked
from evoswarm.errors import EvoswarmError, RunError
from evoswarm.study.hyperparameters.question import StudyQuestion
from evoswarm.study.hyperparameters.record import TrialOutcome
from evoswarm.study.hyperparameters.trial import TrialJob, TrialRunner

MOST_DEATHS = 2
"""A job whose process died so often is not tried again."""

_GRACE_SECONDS = 3.0  # that searches have to end after their current batch, when the study is interrupted

_ORPHAN_SECONDS = 10.0  # that a process may need to end when its study was killed
_LOCK = "worker.lock."  # a file for each process that there ever was at once; it holds it as long as it lives

NextJob = Callable[[], TrialJob | None]
Done = Callable[[TrialJob, TrialOutcome], None]
RunJobs = Callable[[NextJob, Done], None]

_alive = ExitStack()  # of a worker's process: entered when it begins, and never left
_runner: TrialRunner  # of a worker's process: its members are loaded once for all jobs


def run_here(runner: TrialRunner) -> RunJobs:
    """Run one job after another in this process; see `Workers.run`."""

    def run(next_job: NextJob, done: Done) -> None:
        while (job := next_job()) is not None:
            done(job, runner.run(job))

    return run


def await_orphans(directory: Path) -> None:
    """Wait for the processes of a study that was killed: one in the middle of a call notices its end behind it.

    Raises:
        RunError: one is still at work.
    """
    busy = "expected the processes of the study that was killed to have ended, got one still at work (wait, or end it)"
    for lock in sorted(directory.glob(f"{_LOCK}*")):
        with locked(lock, busy, _ORPHAN_SECONDS):
            pass


class Workers:
    """Processes that run jobs; a context, which ends them.

    Args:
        question: of the study.
        runs: the directory of all runs.
        directory: of the study.
        count: how many processes at most.
    """

    def __init__(self, question: StudyQuestion, runs: Path, directory: Path, count: int) -> None:
        self._arguments, self._count = (question, runs, directory), count
        self._directory, self._started = directory, 0
        self._context = multiprocessing.get_context("spawn")  # a fork would share torch's threads and locks
        self._parent_alive, self._parent_end = self._context.Pipe(duplex=False)
        self._idle: list[ProcessPoolExecutor] = []
        self._busy: dict[Future[TrialOutcome], tuple[ProcessPoolExecutor, TrialJob]] = {}

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            wait(self._busy, timeout=_GRACE_SECONDS)
        finally:  # another Ctrl-C may have come
            self._parent_end.close()
            self._parent_alive.close()
            for executor in [*self._idle, *(executor for executor, _ in self._busy.values())]:
                executor.shutdown()

    def run(self, next_job: NextJob, done: Done) -> None:
        """Run jobs until there are no more.

        Args:
            next_job: asked for a job whenever a process is free.
            done: told of every outcome; a job whose process died is run again first.

        Raises:
            RunError: a process cannot work here, whatever the job.
        """
        deaths: dict[str, int] = {}
        again: list[TrialJob] = []
        while True:
            while len(self._busy) < self._count and (job := again.pop() if again else next_job()) is not None:
                self._submit(job)
            if not self._busy:
                return
            wait(self._busy, return_when=FIRST_COMPLETED)
            for future in [future for future in self._busy if future.done()]:
                executor, job = self._busy.pop(future)
                try:
                    outcome = future.result()
                except BrokenProcessPool:
                    executor.shutdown()
                    deaths[job.name] = deaths.get(job.name, 0) + 1
                    if deaths[job.name] < MOST_DEATHS:
                        again.append(job)
                        continue
                    outcome = TrialOutcome(failure="its process died, again and again")
                except BaseException:
                    self._idle.append(executor)  # it ends with the others
                    raise
                else:
                    self._idle.append(executor)
                done(job, outcome)

    def _submit(self, job: TrialJob) -> None:
        """Give a job to an idle process, or to a new one where none is idle or the idle one has died."""
        while self._idle:
            executor = self._idle.pop()
            with suppress(BrokenProcessPool):
                self._busy[executor.submit(_work, job)] = executor, job
                return
            executor.shutdown()
        lock = self._directory / f"{_LOCK}{self._started}"
        self._started += 1
        executor = ProcessPoolExecutor(1, self._context, _initialize, (self._parent_alive, lock, *self._arguments))
        with _ctrl_c_later():
            self._busy[executor.submit(_work, job)] = executor, job


@contextmanager
def _ctrl_c_later() -> Iterator[None]:
    """Ctrl-C waits until the end; for a process that is started meanwhile, until it says otherwise.

    It takes seconds to import all that a process is told first. It must not die of Ctrl-C, with a traceback, before it
    knows that this is its parent's affair.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _initialize(parent_alive: Connection, lock: Path, question: StudyQuestion, runs: Path, directory: Path) -> None:
    """What a process does first: it watches its parent, and leaves Ctrl-C to it wherever no search is under way."""
    global _runner
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # one that came before is forgotten
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, args=(parent_alive,), daemon=True).start()
    _alive.enter_context(locked(lock, patience=_ORPHAN_SECONDS))
    silence_loading()
    _runner = TrialRunner(question, runs, directory)


def _work(job: TrialJob) -> TrialOutcome:
    try:
        return _runner.run(job)
    except EvoswarmError as error:
        raise RunError(str(error)) from None  # the pickled form of some kinds would lose their message


def _end_with_parent(parent_alive: Connection) -> None:
    """A process whose study has ended, or was killed, must not write on."""
    with suppress(EOFError):
        parent_alive.recv()
    os._exit(1)
