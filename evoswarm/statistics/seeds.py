"""Means over seeds with their intervals: how searches that differ in nothing but the seed are summed up.

An accuracy over n items moves in steps of 1/n. Where all seeds show the same value, that says no more than that they
differ by less than a step can show, and an interval of no width would be a certainty that nobody has. So the standard
error of a mean is no smaller than what the steps leave open: a reading of step d has a standard uncertainty of
d / sqrt(12), however often it is repeated (GUM, JCGM 100:2008, F.2.2.1). Of the two, spread over seeds and steps, the
greater counts: where seeds differ, the steps are in their spread already.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean, stdev, variance

from scipy import special

from evoswarm.statistics.intervals import AdjustedMean, Stratum, difference_of, mean_of

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
    def of(cls, values: Sequence[float], step: float = 0.0) -> Estimate:
        """Of at least one value.

        Args:
            values: one per seed, each of them the difference of two accuracies where a step is given.
            step: of these accuracies; 0 where values move freely.
        """
        mean, count = fmean(values), len(values)
        if count < 2:
            return cls(mean, None, None)
        error = max(stdev(values) / math.sqrt(count), step * math.sqrt(2 / 12))  # of a difference: two readings
        half = -float(special.stdtrit(count - 1, (1 - LEVEL) / 2)) * error
        return cls(mean, mean - half, mean + half)

    def within(self, least: float, greatest: float) -> Estimate:
        """With the interval cut to what the values can be: with few seeds it reaches beyond."""
        low = None if self.low is None else max(self.low, least)
        high = None if self.high is None else min(self.high, greatest)
        return Estimate(self.mean, low, high)

    def as_dict(self) -> dict[str, float | None]:
        """As JSON data."""
        return asdict(self)


def over_seeds(over_items: AdjustedMean, by_seed: Sequence[float]) -> AdjustedMean:
    """The error over items, with that over seeds added; degrees of freedom as Satterthwaite (1946).

    Every seed saw every item, so chance that is both of item and of seed counts twice: the sum errs on the safe side.
    With one seed nothing is known of others, and the error is over items alone.

    Args:
        over_items: the mean over seeds, with its error over items.
        by_seed: the same mean, of every seed.
    """
    if len(by_seed) < 2:
        return over_items
    items, seeds = over_items.standard_error**2, variance(by_seed) / len(by_seed)
    freedom = (items + seeds) ** 2 / (items**2 / over_items.freedom + seeds**2 / (len(by_seed) - 1))
    return replace(over_items, standard_error=math.sqrt(items + seeds), freedom=freedom)


def score_over_seeds(scores: Sequence[Sequence[float]], parts: Sequence[Stratum]) -> AdjustedMean:
    """The mean score of what several seeds found, for other items and other seeds.

    Items and seeds are crossed random factors (Cornfield & Tukey 1956): the variance of the grand mean is that of items
    over their number, that of seeds over theirs, and that of their interaction over both. The mean over seeds, item by
    item, tells the first with a part of the last; the seeds' means tell the second with another part of it. Their sum
    counts the interaction twice; see `over_seeds`.

    Args:
        scores: per seed, per item, in [0, 1]; every seed answered the same items.
        parts: see `strata`.
    """
    return over_seeds(mean_of(mean_rows(scores), parts), [mean_of(row, parts).mean for row in scores])


def difference_over_seeds(
    first: Sequence[Sequence[float]], second: Sequence[Sequence[float]], parts: Sequence[Stratum]
) -> AdjustedMean:
    """The mean of first less second, paired by item and by seed; see `score_over_seeds`.

    Args:
        first: per seed, per item, scores in [0, 1].
        second: of what each seed's first is compared with, on the same items.
        parts: see `strata`.
    """
    by_seed = [difference_of(one, other, parts).mean for one, other in zip(first, second, strict=True)]
    return over_seeds(difference_of(mean_rows(first), mean_rows(second), parts), by_seed)


def mean_rows(rows: Sequence[Sequence[float]]) -> list[float]:
    """Of each item over the seeds, whose rows these are."""
    return [fmean(column) for column in zip(*rows, strict=True)]
