"""What runs in the confined child: reads calls, answers them. Started by `function.py`, never imported by others.

Calls come as pickles (the parent is trusted), answers go back as lines of JSON: numbers and texts only, so that a child
in which foreign code has run cannot make its parent run anything.
"""

from __future__ import annotations

import importlib
import json
import os
import pickle
import select
import signal
import struct
import time
from collections.abc import Callable
from typing import Any

from evoswarm.confined.fences import confine, guard, limit_cpu, limit_processes
from evoswarm.confined.limits import ResourceLimits

LONGEST_REPLY = 1 << 20
"""Bytes of one answer; a longer one is a failure."""


def serve(calls: int, replies: int) -> None:
    """Answer calls until the parent closes its end.

    Args:
        calls: file descriptor to read from: frames of a length (4 bytes) and a pickle. The first frame holds the
            limits, the factory and its arguments; all others the arguments of one call.
        replies: file descriptor to write to: one line of JSON a frame, ``["ok", value]`` or ``["error", text]``.
    """
    limits, target, arguments = pickle.loads(_frame(calls) or b"")
    confine(limits)
    if not limits.fresh:
        guard(limits)
    limit_cpu(limits.start_seconds)
    reply, function = _started(target, arguments)
    _write(replies, reply)
    if function is None:
        return
    if not (limits.processes or limits.fresh):
        limit_processes()
    while (frame := _frame(calls)) is not None:
        if limits.fresh:
            reply = _answer_in_a_fork(function, frame, limits, (calls, replies))
        else:
            _allow(limits)
            reply = _answer(function, frame)
            signal.alarm(0)
        _write(replies, reply)


def _started(target: str, arguments: tuple[Any, ...]) -> tuple[bytes, Callable[..., Any] | None]:
    module, name = target.split(":")
    try:
        function = getattr(importlib.import_module(module), name)(*arguments)
    except BaseException as error:  # foreign code is imported here, and may even ask to exit
        return _line("error", _say(error)), None
    return _line("ok", None), function


def _allow(limits: ResourceLimits) -> None:
    """Time for one call; the alarm ends a child whose parent was killed meanwhile."""
    limit_cpu(limits.cpu_seconds)
    signal.alarm(int(2 * limits.wall_seconds) + 1)


def _answer(function: Callable[..., Any], frame: bytes) -> bytes:
    try:
        line = _line("ok", function(*pickle.loads(frame)))
    except BaseException as error:  # whatever foreign code raises, SystemExit included, is the answer to this call
        return _line("error", _say(error))
    return line if len(line) <= LONGEST_REPLY else _line("error", f"an answer of {len(line):,} bytes")


def _answer_in_a_fork(
    function: Callable[..., Any], frame: bytes, limits: ResourceLimits, ours: tuple[int, int]
) -> bytes:
    """The answer of a process that lives for this call only."""
    readable, writable = os.pipe()
    process = os.fork()
    if process == 0:
        for descriptor in (*ours, readable):
            os.close(descriptor)
        guard(limits)
        limit_processes()
        _allow(limits)
        _write(writable, _answer(function, frame))
        os._exit(0)
    os.close(writable)
    reply = _read_line(readable, time.monotonic() + limits.wall_seconds)
    os.close(readable)
    if reply is None:
        os.kill(process, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    if reply is None:
        return _line("killed", f"more than {limits.wall_seconds:g} s, or an answer without end")
    return reply if reply.endswith(b"\n") else _line("killed", ended(status))


def ended(status: int) -> str:
    """How a process ended that was not meant to end.

    Args:
        status: its exit code; that of a signal is negative.
    """
    if status >= 0:
        return f"the process ended with status {status}"
    if -status == signal.SIGXCPU:
        return "it took too much processor time"
    return f"the process was ended by {signal.Signals(-status).name}"


def _read_line(descriptor: int, deadline: float) -> bytes | None:
    """What a process writes until it closes its end; None if it takes too long or writes too much."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    text = b""
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or len(text) > LONGEST_REPLY + 1 or not poll.poll(left * 1000):
            return None
        if not (piece := os.read(descriptor, 65536)):
            return text
        text += piece


def _frame(descriptor: int) -> bytes | None:
    """The next frame; None behind the last one."""
    head = _exactly(descriptor, 4)
    return None if head is None else _exactly(descriptor, struct.unpack("!I", head)[0])


def _exactly(descriptor: int, size: int) -> bytes | None:
    pieces = b""
    while len(pieces) < size:
        piece = os.read(descriptor, size - len(pieces))
        if not piece:
            return None
        pieces += piece
    return pieces


def _write(descriptor: int, text: bytes) -> None:
    while text:
        text = text[os.write(descriptor, text) :]


def _line(kind: str, value: Any) -> bytes:
    return json.dumps([kind, value]).encode("ascii") + b"\n"


def _say(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
