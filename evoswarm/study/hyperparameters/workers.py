"""Jobs side by side, in processes of their own: one that crashes takes nothing with it but its own attempt."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import IO, Any

from evoswarm.decoding.forward.devices import silence_loading
from evoswarm.errors import EvoswarmError, RunError, Where
from evoswarm.study.hyperparameters.question import Question
from evoswarm.study.hyperparameters.trial import Job, Outcome, TrialRunner

NextJob = Callable[[], Job | None]
Done = Callable[[Job, Outcome], None]
Died = Callable[[Job], None]

_LOCK, _WORKERS_LOCK = "lock", "workers.lock"
_FAREWELL_SECONDS = 3.0
_ORPHAN_SECONDS = 20.0  # that workers of a dead study may take to end


@contextmanager
def held(directory: Path) -> Iterator[None]:
    """Keep other processes from the same study, and wait until workers of a study that died are gone.

    Raises:
        RunError: another process is at work on it, or the directory cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = (directory / _LOCK).open("a")
    except OSError as error:
        raise RunError(f"expected a place that can be written, got: {error.strerror}", Where(str(directory))) from error
    with lock:
        if not _taken(lock, 0.0):
            raise RunError(
                "expected to be the only one who runs this study, got another evoswarm at work on it",
                Where(str(directory)),
            )
        with (directory / _WORKERS_LOCK).open("a") as workers:
            if not _taken(workers, _ORPHAN_SECONDS):
                raise RunError(
                    "expected the workers of the study that died to end, got one still at work", Where(str(directory))
                )
        yield


def _taken(lock: IO[str], seconds: float) -> bool:
    """Whether the lock could be had within so many seconds."""
    end = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= end:
                return False
            time.sleep(0.05)
        else:
            return True


def run_here(runner: TrialRunner, next_job: NextJob, done: Done) -> None:
    """One job after another in this process.

    Args:
        runner: of jobs.
        next_job: asked for the next one; None ends.
        done: told of every outcome.

    Raises:
        EvoswarmError: see `TrialRunner.run`.
    """
    while (job := next_job()) is not None:
        done(job, runner.run(job))


class Workers:
    """Processes that run jobs; a context, which ends them.

    Args:
        question: of the study.
        runs: the directory of all runs.
        directory: of the study.
        count: how many processes at most.
    """

    def __init__(self, question: Question, runs: Path, directory: Path, count: int) -> None:
        self._question, self._runs, self._directory, self._count = question, runs, directory, count
        self._workers: list[_Worker] = []

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.pipe.close()  # an idle one ends then; everything the others wrote is kept, wherever they are
        end = time.monotonic() + _FAREWELL_SECONDS
        for worker in self._workers:
            worker.process.join(max(0.0, end - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
            worker.process.join()

    def run(self, next_job: NextJob, done: Done, died: Died) -> None:
        """Run jobs until there is none and none is at work.

        Args:
            next_job: asked for a job whenever a process is free; it may have one again after None.
            done: told of every outcome.
            died: told of the job of a process that crashed.

        Raises:
            RunError: a process cannot work here, whatever the job.
        """
        while True:
            self._hand_out(next_job)
            busy = [worker for worker in self._workers if worker.job is not None]
            if not busy:
                return
            wait([worker.pipe for worker in busy] + [worker.process.sentinel for worker in busy])
            for worker in busy:
                self._hear(worker, done, died)

    def _hand_out(self, next_job: NextJob) -> None:
        self._workers = [worker for worker in self._workers if worker.job is not None or worker.process.is_alive()]
        while True:
            idle = next((worker for worker in self._workers if worker.job is None), None)
            if idle is None and len(self._workers) >= self._count:
                return
            job = next_job()
            if job is None:
                return
            worker = idle or self._start()
            worker.job = job
            with suppress(OSError):  # dead already: its sentinel tells
                worker.pipe.send(job)

    def _start(self) -> _Worker:
        context = multiprocessing.get_context("spawn")  # a fork would share torch's threads and locks
        ours, theirs = context.Pipe()
        process = context.Process(
            target=work, args=(theirs, self._question, self._runs, self._directory), name="evoswarm-study", daemon=True
        )
        process.start()
        theirs.close()
        worker = _Worker(process, ours)
        self._workers.append(worker)
        return worker

    def _hear(self, worker: _Worker, done: Done, died: Died) -> None:
        """What a worker has to say, if anything: an outcome, a refusal, or its death."""
        job = worker.job
        if job is None or not (worker.pipe.poll() or not worker.process.is_alive()):
            return
        try:
            said: Any = worker.pipe.recv() if worker.pipe.poll() else None
        except (EOFError, OSError):
            said = None
        if said is None:
            worker.process.join()
            self._workers.remove(worker)
            worker.pipe.close()
            died(job)
        elif isinstance(said, Outcome):
            worker.job = None
            done(job, said)
        else:
            raise RunError(str(said))


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection[Any, Any]
    job: Job | None = None


def work(pipe: Connection[Any, Any], question: Question, runs: Path, directory: Path) -> None:
    """What a process does: run jobs as they come, until nobody sends any."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    silence_loading()
    with (directory / _WORKERS_LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)  # let go when the process is gone
        runner = TrialRunner(question, runs, directory)
        try:
            while True:
                pipe.send(runner.run(pipe.recv()))
        except EvoswarmError as error:
            with suppress(OSError):  # another process has said so first, and the study is ending
                pipe.send(str(error))
        except (EOFError, OSError, KeyboardInterrupt):
            return


def _end_with_parent() -> None:
    """A worker whose study was killed must not write on."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
