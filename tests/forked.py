"""Processes of their own that begin where imports end: forks of one that has imported everything and runs nothing."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Mapping
from functools import cache
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path

import torch

IMPORTED = (
    "evoswarm.cli.running",
    "evoswarm.experiment.session",
    "evoswarm.study.hyperparameters.session",
    "mlflow.store.tracking.sqlalchemy_store",
    "transformers.models.auto.modeling_auto",
    "transformers.models.auto.tokenization_auto",
    "transformers.models.llama.modeling_llama",
)
COMMAND = "from evoswarm.cli import main; main()"


@cache
def context() -> ForkServerContext:
    """For whoever starts processes by `multiprocessing`."""
    found = get_context("forkserver")
    found.set_forkserver_preload(list(IMPORTED))
    return found


class Forked:
    """A process at work; what it says comes as text. It can be killed like any other, and behind a context it is.

    Args:
        code: what it runs, as ``python -c`` would.
        arguments: behind it.
        directory: where.
        environment: what it sees; None is this process's own.
        fresh: it has imported libraries only, and evoswarm's own modules in the order in which it asks for them.
        session: whether it leads a session, so that signals can be sent to all that it starts.
    """

    def __init__(
        self,
        code: str,
        *arguments: object,
        directory: Path | None = None,
        environment: Mapping[str, str] | None = None,
        fresh: bool = False,
        session: bool = False,
    ) -> None:
        out, their_out = context().Pipe(duplex=False)
        error, their_error = context().Pipe(duplex=False)
        given = (
            code,
            list(map(str, arguments)),
            str(directory or Path.cwd()),
            dict(environment or os.environ),
            fresh,
            session,
        )
        self._process = context().Process(target=_run, args=(*given, their_out, their_error))
        self._process.start()
        for one in (their_out, their_error):
            one.close()
        self.stdout, self.stderr = (os.fdopen(os.dup(one.fileno()), encoding="utf-8") for one in (out, error))
        for one in (out, error):
            one.close()

    @property
    def pid(self) -> int:
        """Its number."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Its exit code, the signal below zero that ended it, or None while it is at work."""
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        """Nothing where it has ended."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def __enter__(self) -> Forked:
        return self

    def __exit__(self, *_: object) -> None:
        self.send_signal(signal.SIGKILL)
        self.wait()
        self.stdout.close()
        self.stderr.close()

    def wait(self, timeout: float = 300.0) -> int:
        """Its exit code, once it has ended."""
        self._process.join(timeout)
        assert self.returncode is not None, "it has not ended"
        return self.returncode

    def communicate(self, timeout: float = 300.0) -> tuple[str, str]:
        """All that it still says, at its end."""
        said: dict[str, str] = {}

        def read(name: str, stream: io.TextIOWrapper) -> None:
            with stream:
                said[name] = stream.read()

        readers = [threading.Thread(target=read, args=one) for one in (("out", self.stdout), ("error", self.stderr))]
        for reader in readers:
            reader.start()
        try:
            self.wait(timeout)
        finally:
            self.send_signal(signal.SIGKILL)
            for reader in readers:
                reader.join()
        return said["out"], said["error"]


def _run(
    code: str,
    arguments: list[str],
    directory: str,
    environment: dict[str, str],
    fresh: bool,
    session: bool,
    out: Connection,
    error: Connection,
) -> None:
    """In the process: what a new interpreter would do."""
    if session:
        os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore Ctrl-C, terminals' do not
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(directory)
    for number, stream in ((1, out), (2, error)):
        os.dup2(stream.fileno(), number)
        stream.close()
    sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))
    sys.stderr.reconfigure(line_buffering=True)
    torch.set_num_threads(1)  # tiny models are slower on several
    for name in [name for name in sys.modules if name.partition(".")[0] == "evoswarm"] if fresh else ():
        del sys.modules[name]
    sys.argv = ["-c", *arguments]
    exec(code, {"__name__": "__main__"})
