"""What decoding costs on this machine: a price for each kind of work, found from what some work took.

Time is the sum of five kinds of work, each counted by the engine. Calls of a model and rounds of steps have a fixed
price, however few streams take part; then there are prefixes read by a model, distributions worked out, and
distributions asked for, whether they were in memory or not (gates, fusion, choice, scoring, the ledger). Prices are the
non-negative least squares solution over the parts of a small sample (Lawson & Hanson 1974). Work grows with items; but
more items fill batches, so that calls and rounds grow by a power below 1, as two samples of different sizes say.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from scipy.optimize import nnls

from evoswarm.decoding.request import Counters

FORWARDS_GROWTH = 0.25
"""Exponent by which calls of a model grow with items, where there is a sample of one size only."""

LEAST_GROWTH = 0.2
"""That exponent is no smaller: even where a batch holds everything, longer answers turn up among more items."""

_SHORT = 0.05
"""Seconds under which a measured time says less than its length promises: clocks and caches."""


@dataclass(frozen=True)
class Work:
    """How much was done, or is to be done.

    Attributes:
        forwards: calls of a model.
        rounds: in which all streams that are ready take a step together.
        rows: prefixes that models read.
        found: distributions worked out.
        lookups: distributions asked for.
    """

    forwards: float = 0.0
    rounds: float = 0.0
    rows: float = 0.0
    found: float = 0.0
    lookups: float = 0.0

    @classmethod
    def of(cls, counters: Counters) -> Work:
        """What the engine has counted."""
        rows = counters.rows_forwarded + counters.rows_reforwarded
        return cls(counters.forwards, counters.step_batches, rows, counters.text_found, counters.text_lookups)

    def __add__(self, other: Work) -> Work:
        return Work(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(Work)))

    def scaled(self, times: float, growth: float = 1.0) -> Work:
        """For so many times the items; calls of models and rounds grow by a power of that."""
        more = Work(*(times * getattr(self, one.name) for one in fields(Work)))
        return replace(more, forwards=self.forwards * times**growth, rounds=self.rounds * times**growth)

    @property
    def row(self) -> tuple[float, ...]:
        """The counts in order."""
        return (self.forwards, self.rounds, self.rows, self.found, self.lookups)


@dataclass(frozen=True)
class Taken:
    """Work and the seconds that it took."""

    work: Work
    seconds: float


@dataclass(frozen=True)
class Prices:
    """Seconds per unit of each kind of work, in the order of `Work`'s attributes."""

    each: tuple[float, ...]

    @classmethod
    def of(cls, taken: Sequence[Taken]) -> Prices:
        """The prices that explain best what some parts took; a part counts by about the square root of its length."""
        if not taken:
            return cls((0.0,) * len(fields(Work)))
        counts = np.array([one.work.row for one in taken])
        seconds = np.array([one.seconds for one in taken])
        weights = 1.0 / np.sqrt(seconds + _SHORT)
        scale = np.maximum(counts.max(axis=0), 1.0)  # counts differ by orders of magnitude
        found, _ = nnls(counts / scale * weights[:, None], seconds * weights)
        return cls(tuple(float(price) for price in found / scale))

    def seconds(self, work: Work) -> float:
        """That some work takes."""
        return math.fsum(price * count for price, count in zip(self.each, work.row, strict=True))


def growth_of(samples: Iterable[tuple[int, float]]) -> float:
    """The exponent by which calls of models grow with items, from (items, calls) of two samples or more.

    It is at least ``LEAST_GROWTH`` and at most 1, where batches are full already.
    """
    pairs = [(math.log(items), math.log(calls)) for items, calls in samples if items > 0 and calls > 0]
    if len({items for items, _ in pairs}) < 2:
        return FORWARDS_GROWTH
    items, calls = np.array(pairs).T
    return float(np.clip(np.polyfit(items, calls, 1)[0], LEAST_GROWTH, 1.0))
