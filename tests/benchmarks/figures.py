"""What a figure is, what it must be, and how times are compared: pairs that alternate, of which the median counts."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

ROOT = Path(__file__).parents[2]
Value = float | bool


@dataclass(frozen=True)
class Goal:
    """What a figure must be."""

    relation: Literal["<=", ">=", "="]
    limit: Value

    def __str__(self) -> str:
        return f"{self.relation} {self.limit}"

    def reached(self, value: Value) -> bool:
        """Whether a figure is what it must be; an exact one is compared to a millionth."""
        if self.relation == "=":
            return abs(float(value) - float(self.limit)) < 1e-6
        return value <= self.limit if self.relation == "<=" else value >= self.limit


@dataclass(frozen=True)
class Reading:
    """One figure as it came out.

    Attributes:
        value: None where it could not be measured.
        note: what was measured, or why it was not.
    """

    value: Value | None
    note: str = ""


Readings = dict[str, Reading]


@dataclass(frozen=True)
class Options:
    """How much is measured.

    Attributes:
        pairs: alternating repetitions of the two sides of a ratio of times.
        quick: everything small and once, to see that it runs; its figures say little.
    """

    pairs: int = 5
    quick: bool = False

    def size(self, full: int, quick: int) -> int:
        """A size of the full measurement, or of the quick one."""
        return quick if self.quick else full


@dataclass(frozen=True)
class Measurement:
    """Some figures that come out of one run.

    Attributes:
        goals: by key, what each must be; None where it is only shown.
        measure: does it.
        one_thread: whether torch gets one thread only: the members are tiny, or host time is measured.
    """

    goals: Mapping[str, Goal | None]
    measure: Callable[[Options], Readings]
    one_thread: bool = True


def at_most(limit: float) -> Goal:
    """A figure that must not be larger."""
    return Goal("<=", limit)


def at_least(limit: float) -> Goal:
    """A figure that must not be smaller."""
    return Goal(">=", limit)


def exactly(value: Value) -> Goal:
    """A figure that must be this."""
    return Goal("=", value)


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """So many threads for torch; None is as many as it takes by itself."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def seconds(run: Callable[[], object]) -> float:
    """Wall time of a run."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def alternate(first: Callable[[], object], second: Callable[[], object], pairs: int) -> tuple[list[float], list[float]]:
    """Seconds of two runs that take turns, so that both see the same machine."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(pairs):
        times[0].append(seconds(first))
        times[1].append(seconds(second))
    return times


def median_ratio(times: tuple[list[float], list[float]]) -> float:
    """Median over the pairs of first over second."""
    return statistics.median(one / other for one, other in zip(*times, strict=True))


def spread(times: tuple[list[float], list[float]]) -> str:
    """The ratios of all pairs and the medians of the seconds, in words."""
    ratios = sorted(one / other for one, other in zip(*times, strict=True))
    one, other = (statistics.median(side) for side in times)
    return f"{len(ratios)} pairs, {ratios[0]:.2f} to {ratios[-1]:.2f}; {one:.2f} s and {other:.2f} s"
