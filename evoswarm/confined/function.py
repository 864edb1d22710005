"""The parent's end: a function that lives in a confined child process, to be called like any other."""

from __future__ import annotations

import json
import os
import pickle
import select
import struct
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

from evoswarm.confined.child import LONGEST_REPLY, ended
from evoswarm.confined.limits import ResourceLimits
from evoswarm.errors import EvoswarmError

_START = (
    "import json, sys; calls, replies, sys.path[:] = json.loads(sys.argv[1]); "
    "from evoswarm.confined.child import serve; serve(calls, replies)"
)
_NO_SECRETS = ("PATH", "HOME", "TMPDIR", "TZ", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""Variables of the environment that a child sees which may start nothing; tokens are none of its business."""

_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class CallFailed(EvoswarmError):
    """A call in a confined process gave no answer.

    Attributes:
        killed: whether it ended the process or had to be ended (too much time, `os._exit`, a crash); else it raised.
    """

    def __init__(self, message: str, killed: bool = False) -> None:
        self.killed = killed
        super().__init__(message)


class StartFailed(CallFailed):
    """The child could not be started, or what was to be called could not be made there."""


class ConfinedFunction:
    """Calls a function in a child process that is started at the first call, and anew after it was killed.

    Args:
        factory: ``module:function`` of what makes the function in the child.
        arguments: of the factory; they are pickled.
        limits: what each call may take and touch.
        paths: directories to import from before those of this process.
    """

    def __init__(
        self,
        factory: str,
        arguments: tuple[Any, ...] = (),
        limits: ResourceLimits | None = None,
        paths: Sequence[str] = (),
    ) -> None:
        self._setup = (limits or ResourceLimits(), factory, arguments)
        self.limits = self._setup[0]
        self._paths = tuple(paths)
        self._child: _Child | None = None
        self._lock = threading.Lock()

    def __call__(self, *arguments: Any) -> Any:
        """What the function returns: numbers, texts, true, false, null, and lists and objects of them.

        Args:
            *arguments: pickled for the child.

        Raises:
            StartFailed: there is no function to call.
            CallFailed: it raised, took more than it may, or ended its process.
        """
        frame = _pickled(arguments)
        with self._lock:
            child = self._ready()
            try:
                return _value(child.ask(frame, self.limits.wall_seconds * (2 if self.limits.fresh else 1)))
            except CallFailed:
                if child.over:
                    self._child = None
                raise

    def close(self) -> None:
        """End the child; a later call starts another one."""
        with self._lock:
            if self._child is not None:
                self._child.end()
                self._child = None

    def __getstate__(self) -> dict[str, Any]:
        """A pickle holds no process."""
        return {"setup": self._setup, "paths": self._paths}

    def __setstate__(self, state: dict[str, Any]) -> None:
        limits, factory, arguments = state["setup"]
        self.__init__(factory, arguments, limits, state["paths"])  # type: ignore[misc]  # a pickle is made anew

    def _environment(self) -> dict[str, str]:
        trusted = self.limits.processes
        return {**{name: os.environ[name] for name in os.environ if trusted or name in _NO_SECRETS}, **_ONE_THREAD}

    def _ready(self) -> _Child:
        if self._child is None or not self._child.here():
            child = _Child(self._paths, self._environment())
            try:
                _value(child.ask(_pickled(self._setup), self.limits.start_seconds))
            except CallFailed as error:
                child.end()
                raise StartFailed(error.message, error.killed) from error
            self._child = child
        return self._child


class _Child:
    """One child process and the two pipes to it."""

    def __init__(self, paths: Sequence[str], environment: Mapping[str, str]) -> None:
        self.owner = os.getpid()
        self.over = False
        calls, self._calls = os.pipe()
        self._replies, replies = os.pipe()
        given = json.dumps([calls, replies, [*paths, *sys.path]])
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-B", "-c", _START, given],
            pass_fds=(calls, replies),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=environment,
        )
        os.close(calls)
        os.close(replies)
        os.set_blocking(self._calls, False)
        self._finish = weakref.finalize(self, _end, self._process, self._calls, self._replies, self.owner)

    def here(self) -> bool:
        """Whether it lives and is this process's own: a fork has to start another one."""
        return self.owner == os.getpid() and not self.over and self._process.poll() is None

    def ask(self, frame: bytes, seconds: float) -> bytes:
        """Send one frame and wait for its line.

        Raises:
            CallFailed: the child ended, took too long or wrote too much; it is over.
        """
        deadline = time.monotonic() + seconds
        try:
            self._send(struct.pack("!I", len(frame)) + frame, deadline)
            return self._receive(deadline)
        except TimeoutError:
            self.end()
            raise CallFailed(f"it took more than {seconds:g} s", killed=True) from None
        except (BrokenPipeError, EOFError):
            status = self._process.wait()
            self.end()
            raise CallFailed(ended(status), killed=True) from None
        except BaseException:  # an interrupt leaves an answer on its way
            self.end()
            raise

    def end(self) -> None:
        """Kill the process and all it started, and close the pipes."""
        self.over = True
        self._finish()

    def _send(self, message: bytes, deadline: float) -> None:
        poll = select.poll()
        poll.register(self._calls, select.POLLOUT)
        while message:
            _wait(poll, deadline)
            message = message[os.write(self._calls, message) :]

    def _receive(self, deadline: float) -> bytes:
        poll = select.poll()
        poll.register(self._replies, select.POLLIN)
        line = b""
        while not line.endswith(b"\n"):
            _wait(poll, deadline)
            piece = os.read(self._replies, 65536)
            if not piece:
                raise EOFError
            line += piece
            if len(line) > LONGEST_REPLY + 1:
                raise TimeoutError
        return line


def _pickled(values: Any) -> bytes:
    try:
        return pickle.dumps(values)
    except (pickle.PicklingError, TypeError, AttributeError) as error:  # its three ways to refuse
        raise CallFailed(f"it cannot be told what it is asked: {error}") from None


def _wait(poll: select.poll, deadline: float) -> None:
    left = deadline - time.monotonic()
    if left <= 0 or not poll.poll(left * 1000):
        raise TimeoutError


def _end(process: subprocess.Popen[bytes], calls: int, replies: int, owner: int) -> None:
    os.close(calls)
    os.close(replies)
    if os.getpid() != owner:
        return  # a fork has the pipes, not the child
    try:
        os.killpg(process.pid, 9)
    except (ProcessLookupError, PermissionError):  # it is gone; macOS says the latter of one that is not yet reaped
        process.kill()
    process.wait()


def _value(line: bytes) -> Any:
    """The value of a reply; a reply that is none is a failure, whatever is in it."""
    try:
        kind, value = json.loads(line)
    except (ValueError, TypeError, RecursionError):
        raise CallFailed("it answered what is no answer", killed=True) from None
    if kind == "ok":
        return value
    raise CallFailed(str(value)[:300], killed=kind == "killed")
