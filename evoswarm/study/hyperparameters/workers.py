"""Trials side by side, in processes of their own: one that crashes takes nothing with it but its own attempt.

An executor of the standard library ends all its processes when one of them dies, and cannot say whose job it was (nor
can loky). So every process here has an executor of its own.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from evoswarm.decoding.forward.devices import silence_loading
from evoswarm.errors import EvoswarmError, RunError
from evoswarm.study.hyperparameters.question import Question
from evoswarm.study.hyperparameters.record import TrialOutcome
from evoswarm.study.hyperparameters.trial import TrialJob, TrialRunner

MOST_DEATHS = 2
"""A job whose process died so often is not tried again."""

_FAREWELL_SECONDS = 3.0  # that searches have to end after their current batch, when the study is interrupted

NextJob = Callable[[], TrialJob | None]
Done = Callable[[TrialJob, TrialOutcome], None]
RunJobs = Callable[[NextJob, Done], None]

_runner: TrialRunner  # of a worker's process: its members are loaded once for all jobs


def run_here(runner: TrialRunner) -> RunJobs:
    """Run one job after another in this process; see `Workers.run`."""

    def run(next_job: NextJob, done: Done) -> None:
        while (job := next_job()) is not None:
            done(job, runner.run(job))

    return run


class Workers:
    """Processes that run jobs; a context, which ends them.

    Args:
        question: of the study.
        runs: the directory of all runs.
        directory: of the study.
        count: how many processes at most.
    """

    def __init__(self, question: Question, runs: Path, directory: Path, count: int) -> None:
        self._arguments, self._count = (question, runs, directory), count
        self._context = multiprocessing.get_context("spawn")  # a fork would share torch's threads and locks
        self._leash, self._our_end = self._context.Pipe(duplex=False)
        self._idle: list[ProcessPoolExecutor] = []
        self._busy: dict[Future[TrialOutcome], tuple[ProcessPoolExecutor, TrialJob]] = {}

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            wait(self._busy, timeout=_FAREWELL_SECONDS)
        finally:  # another Ctrl-C may have come
            self._our_end.close()
            self._leash.close()
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
        executor = ProcessPoolExecutor(1, self._context, _begin, (self._leash, *self._arguments))
        self._busy[executor.submit(_work, job)] = executor, job


def _begin(leash: Connection, question: Question, runs: Path, directory: Path) -> None:
    """What a process does first: it watches its parent, and leaves Ctrl-C to it wherever no search is under way."""
    global _runner
    threading.Thread(target=_end_with_parent, args=(leash,), daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    silence_loading()
    _runner = TrialRunner(question, runs, directory)


def _work(job: TrialJob) -> TrialOutcome:
    try:
        return _runner.run(job)
    except EvoswarmError as error:
        raise RunError(str(error)) from None  # the pickled form of some kinds would lose their message


def _end_with_parent(leash: Connection) -> None:
    """A process whose study has ended, or was killed, must not write on."""
    with suppress(EOFError):
        leash.recv()
    os._exit(1)
