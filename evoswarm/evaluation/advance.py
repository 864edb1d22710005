"""How far a decoding has come, told now and then while it is at work."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evoswarm.decoding.request import Counters

EVERY = 0.5
"""Seconds between two tellings: whoever shows them may wait longer."""


@dataclass(frozen=True)
class Advance:
    """How far a decoding has come.

    Attributes:
        done: answers that are there.
        wanted: answers in all.
        seconds: since it began.
        symbols: that were written so far, of answers that are there and of those at work.
        most: symbols that all answers may have together.
        tokens: that members have read for them so far.
        reuse: share of the distributions asked for so far that were in memory; None before any was asked for.
    """

    done: int
    wanted: int
    seconds: float
    symbols: int = 0
    most: int = 0
    tokens: int = 0
    reuse: float | None = None

    @property
    def seconds_left(self) -> float | None:
        """If the rest takes what the answers so far took; None before there is one."""
        return self.seconds * (self.wanted - self.done) / self.done if self.done else None

    @property
    def most_seconds_left(self) -> float | None:
        """If every answer ran to its limit: all that can be said before the first one ends. None without a symbol."""
        return self.seconds * (self.most - self.symbols) / self.symbols if self.symbols and self.most else None


class Pace:
    """Counts the answers of one decoding.

    Args:
        wanted: answers in all.
        counters: of the engine: they count while a wave is at work, where it is in this process.
        tell: called when it begins, and now and then.
        most: symbols that all answers may have together.
    """

    def __init__(self, wanted: int, counters: Counters, tell: Callable[[Advance], None], most: int = 0) -> None:
        self._wanted, self._counters, self._tell, self._most = wanted, counters, tell, most
        self._done, self._base = 0, counters.answers
        self._first = counters.copy()
        self._began = self._told = time.monotonic()
        if wanted:
            tell(Advance(0, wanted, 0.0, 0, most))

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
                self._tell(self._advance(within, now - self._began))

    def _advance(self, done: int, seconds: float) -> Advance:
        since = self._counters.since(self._first)
        return Advance(
            done,
            self._wanted,
            seconds,
            since.symbols,
            max(self._most, since.symbols),
            since.rows_forwarded,
            since.reuse if since.text_lookups else None,
        )
