"""Another process that moves the first line while this one cannot: some calls of libraries hold all its threads.

Reading the tokenizer of a vocabulary of 260,000 is one call of two seconds and more in which no other thread has its
turn. The lines would stand still, and whoever looks at them would not know whether anything is at work. So a small
process hears what the first line says, and where it hears nothing for a second it draws that line again, with how long
the call has lasted. The cursor waits on that line: nothing else has to be known.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TextIO

from evoswarm.cli.telling.live.relief_process import ASK, PATIENCE

ROOM = len(", in one call for 1000 s")
"""Columns of what it writes behind the line."""

_CODE = Path(__file__).with_name("relief_process.py")
_ANSWER_SECONDS = 0.5  # that it may need to answer: it has nothing else to do


def relief_at(terminal: TextIO, turning: str) -> Relief | None:
    """The process for a terminal; None where there is no real one, or no process can be started."""
    try:
        return Relief(terminal.fileno(), turning)
    except (OSError, ValueError):  # ValueError: it is closed
        return None


class Relief:
    """The process.

    Args:
        terminal: the descriptor of what is drawn on.
        turning: the characters that turn.

    Raises:
        OSError: no process can be started.
    """

    def __init__(self, terminal: int, turning: str) -> None:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # until it says that it does not mind
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_CODE), turning],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=terminal,
                bufsize=0,
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._told, self._answers = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._told, False)
        self._last = time.monotonic()

    def tell(self, line: str) -> None:
        """What the first line says now; nothing where none is drawn.

        Args:
            line: with `ROOM` for more on the terminal's line.
        """
        self._send(line.replace("\n", " ").encode(errors="replace"))

    def stand_back(self) -> None:
        """Return once it does not write: what comes now would not stand where it was meant to."""
        if time.monotonic() - self._last < PATIENCE / 2:
            return  # it waits longer than that
        self._send(ASK)
        with contextlib.suppress(OSError):
            ready, _, _ = select.select([self._answers], [], [], _ANSWER_SECONDS)
            if ready:
                os.read(self._answers, 1 << 10)

    def close(self) -> None:
        """End it."""
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()
        self._told = self._answers = -1
        self._process.wait()

    def _send(self, line: bytes) -> None:
        self._last = time.monotonic()
        with contextlib.suppress(OSError):  # it was ended, or stopped: the lines stand still then
            os.write(self._told, line + b"\n")
