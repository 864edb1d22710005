"""Ctrl-C ends a command about two seconds after it was pressed, unless one call holds the interpreter all the while.

Commands end by themselves as soon as they can, and say what is kept. Some things do not listen: a library that is
imported, weights that are being read, a batch of a large model, a server that does not answer. A thread waits a moment
for those, and then ends the process: whatever is written is written whole, so nothing is lost that was done.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time

from evoswarm.cli.showing.terminal import drawable
from evoswarm.cli.telling.live.region import CLEARED

SECONDS = 2.0
_MESSAGE = b"interrupted: everything written before is kept, and the same command goes on from there\n"


class Patience:
    """Waits for Ctrl-C until the process ends, in a thread of its own.

    For the main thread of a process that is a command and nothing else: the process is ended.

    Args:
        seconds: that the command has to end by itself.

    Attributes:
        code: how the command ended, once it has: all has been said then, and only the interpreter has to end.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self.code: int | None = None
        self._seconds = seconds
        self._pressed, told = os.pipe()
        os.set_blocking(told, False)
        signal.set_wakeup_fd(told, warn_on_full_buffer=False)  # told at once, also while it is not Python's turn
        threading.Thread(target=self._wait, name="evoswarm-patience", daemon=True).start()

    def _wait(self) -> None:
        while signal.SIGINT not in os.read(self._pressed, 1):
            pass
        time.sleep(self._seconds)
        if self.code is None:
            with contextlib.suppress(OSError):
                drawn = sys.stderr is not None and drawable(sys.stderr)
                os.write(2, (CLEARED if drawn else "\n").encode() + _MESSAGE)
        os._exit(130 if self.code is None else self.code)
