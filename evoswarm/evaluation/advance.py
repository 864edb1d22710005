"""How far a decoding has come, told every few seconds while it is at work."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from evoswarm.decoding.request import Counters

EVERY = 3.0
"""Seconds between two tellings."""


@dataclass(frozen=True)
class Advance:
    """How far a decoding has come.

    Attributes:
        done: answers that are there.
        wanted: answers in all.
        seconds: since it began.
    """

    done: int
    wanted: int
    seconds: float

    @property
    def seconds_left(self) -> float | None:
        """If the rest takes what the answers so far took; None before there is one."""
        return self.seconds * (self.wanted - self.done) / self.done if self.done else None


class Pace:
    """Counts the answers of one decoding.

    Args:
        wanted: answers in all.
        counters: of the engine: they count while a wave is at work, where it is in this process.
        tell: called every few seconds.
    """

    def __init__(self, wanted: int, counters: Counters, tell: Callable[[Advance], None]) -> None:
        self._wanted, self._counters, self._tell = wanted, counters, tell
        self._done = 0
        self._base = counters.answers
        self._began = self._told = time.monotonic()

    def done(self, answers: int) -> None:
        """So many more are there for good."""
        self._done += answers
        self._base = self._counters.answers
        self.look()

    def look(self) -> None:
        """Tell how far it is, where it is time to."""
        now = time.monotonic()
        if now - self._told >= EVERY:
            self._told = now
            within = min(self._done + self._counters.answers - self._base, self._wanted)
            if within < self._wanted:  # or there is nothing to wait for
                self._tell(Advance(within, self._wanted, now - self._began))
