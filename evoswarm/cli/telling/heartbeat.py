"""When something is said although nothing is new: nobody should have to wonder whether a command is still at work.

On a terminal a few lines are drawn over at every beat. In a log every line stays, so there the pauses grow with what
they are about: a fiftieth of the time that a stage has taken, from a second and a half in its first minute to ten at
most. A stage of a minute is never silent for two seconds, and one of ten hours has a log that can still be read.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import NamedTuple

BEAT = 0.25
"""Seconds between two looks at whether it is time to."""

FIRST = 0.5
"""Seconds until something is said of a command that has not said anything yet."""


class Rhythm(NamedTuple):
    """How long nothing may be said.

    Attributes:
        shortest: pause, seconds.
        share: of the time that a stage has taken.
        longest: pause, seconds.
    """

    shortest: float
    share: float
    longest: float

    def due(self, silent: float, seconds: float) -> bool:
        """Whether it is time to say something.

        Args:
            silent: seconds since something was said.
            seconds: that the stage has taken.
        """
        return silent >= min(max(self.shortest, self.share * seconds), self.longest)


ON_TERMINAL = Rhythm(0.2, 0.0, 0.2)
IN_LOG = Rhythm(1.5, 0.02, 10.0)


class Heartbeat:
    """Calls something again and again, from a thread of its own, until it is stopped.

    Args:
        beat: what is called.
        seconds: between two calls.
    """

    def __init__(self, beat: Callable[[], None], seconds: float = BEAT) -> None:
        self._beat, self._seconds = beat, seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._go, name="evoswarm-heartbeat", daemon=True)

    def start(self) -> None:
        """From now on."""
        self._thread.start()

    def stop(self) -> None:
        """No call begins any more; one that has begun is waited for."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _go(self) -> None:
        with contextlib.suppress(OSError):  # an output that is full: whoever has more to say meets it, and says so
            while not self._stopped.wait(self._seconds):
                self._beat()
