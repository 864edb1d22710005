"""A mean over seeds with its interval: how the searches of one setting, or of one algorithm, are summed up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds.

    Attributes:
        mean: of the values.
        low: end of the 95% interval (Student's t over seeds); None with one seed.
        high: the other end.
    """

    mean: float
    low: float | None
    high: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> Estimate:
        """Of at least one value."""
        from scipy import stats  # a second

        mean, count = fmean(values), len(values)
        if count < 2:
            return cls(mean, None, None)
        half = float(stats.t.isf((1 - LEVEL) / 2, count - 1)) * stdev(values) / math.sqrt(count)
        return cls(mean, mean - half, mean + half)

    def within(self, least: float, greatest: float) -> Estimate:
        """With the interval cut to what the values can be: with few seeds it reaches beyond."""
        low = None if self.low is None else max(self.low, least)
        high = None if self.high is None else min(self.high, greatest)
        return Estimate(self.mean, low, high)

    def as_dict(self) -> dict[str, float | None]:
        """As JSON data."""
        return {"mean": self.mean, "low": self.low, "high": self.high}
