"""Means and paired differences over items in tasks, with intervals that hold near 0 and 1.

A score is a weighted mean over tasks of the tasks' means, so its error is that of a stratified sample. The usual
interval (mean plus or minus 1.96 standard errors) is far too narrow where nearly every item is solved, which is where
champions are. Remedy: a few pseudo-observations at both ends of the scale, spread evenly over the strata, of which
centre and standard error are taken.

- One mean: two successes and two failures (Agresti & Coull 1998; for weighted strata Price & Bonett 2004, "An improved
  confidence interval for a linear function of binomial proportions").
- A paired difference: one item won and one item lost (Agresti & Min 2005; Bonett & Price 2012, "Adjusted Wald
  confidence interval for a difference of binomial proportions based on paired data").

Scores between 0 and 1 enter by their squares; for scores of 0 and 1 these are the published intervals, but for two
corrections that matter where items are few: the variance of a stratum is divided by its size less one, and quantiles
are Student's with the degrees of freedom of Satterthwaite (1946).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import special

Vector = np.ndarray[Any, np.dtype[np.float64]]

ONE_SIDED = 0.025
"""Level of a one-sided bound; two of them are a 95% interval."""


@dataclass(frozen=True)
class Stratum:
    """Items that make up one part of a weighted mean.

    Attributes:
        weight: of the part; all parts sum to 1.
        index: positions of the items.
        shares: of the items within the part, summing to 1.
    """

    weight: float
    index: tuple[int, ...]
    shares: tuple[float, ...]

    @cached_property
    def arrays(self) -> tuple[np.ndarray[Any, np.dtype[np.int64]], Vector]:
        """Positions and shares ``[items]``."""
        return np.asarray(self.index, dtype=np.int64), np.asarray(self.shares, dtype=np.float64)

    @cached_property
    def size(self) -> float:
        """How many items of equal share would say as much (Kish 1965)."""
        return float(1.0 / sum(share * share for share in self.shares))


@dataclass(frozen=True)
class AdjustedMean:
    """A mean of scores or of differences, and how far it can be trusted.

    Attributes:
        mean: as observed.
        centre: with the pseudo-observations.
        standard_error: of the centre.
        freedom: degrees of freedom.
        low: the least possible value.
        high: the greatest possible value.
    """

    mean: float
    centre: float
    standard_error: float
    freedom: float
    low: float
    high: float

    def lower(self, level: float = ONE_SIDED) -> float:
        """One-sided lower bound: the truth is below it with a probability of at most about ``level``."""
        return max(self.low, self.centre - self.quantile(level) * self.standard_error)

    def upper(self, level: float = ONE_SIDED) -> float:
        """One-sided upper bound; see `lower`."""
        return min(self.high, self.centre + self.quantile(level) * self.standard_error)

    @property
    def p_value(self) -> float:
        """Of the hypothesis that the truth is 0, two-sided; it is below 0.05 exactly when the interval excludes 0."""
        return float(2.0 * special.stdtr(self.freedom, -abs(self.centre) / self.standard_error))

    def quantile(self, level: float = ONE_SIDED) -> float:
        """Standard errors between the centre and a one-sided bound."""
        return -float(special.stdtrit(self.freedom, level))


def strata(tasks: Sequence[str], weights: Mapping[str, float]) -> tuple[Stratum, ...]:
    """How items make up a weighted mean over tasks.

    One item says nothing of the spread within its task. Tasks of one item are therefore put together, and one that is
    left alone joins the smallest of the others ("collapsed strata", Cochran 1977, 5A.12): what differs between them
    then counts as spread, which errs on the safe side.

    Args:
        tasks: per item, its task; at least one.
        weights: by task, > 0, on any scale.
    """
    groups: dict[str, list[int]] = {}
    for position, task in enumerate(tasks):
        groups.setdefault(task, []).append(position)
    total = sum(weights[task] for task in groups)
    parts = [[(index, weights[task] / total / len(group)) for index in group] for task, group in groups.items()]
    alone = [part for part in parts if len(part) == 1]
    joined = sorted((part for part in parts if len(part) > 1), key=len)
    if len(alone) == 1 and joined:
        joined[0] = [*joined[0], *alone[0]]
    elif alone:
        joined.append([entry for part in alone for entry in part])
    return tuple(_stratum(part) for part in sorted(joined, key=lambda part: min(part)))


def mean_of(scores: Sequence[float], parts: Sequence[Stratum]) -> AdjustedMean:
    """The weighted mean of scores in [0, 1].

    Args:
        scores: per item.
        parts: see `strata`.
    """
    return _sample(np.asarray(scores, dtype=np.float64), parts, 0.0, 1.0, 2.0)


def difference_of(first: Sequence[float], second: Sequence[float], parts: Sequence[Stratum]) -> AdjustedMean:
    """The weighted mean of first less second, item by item, in [-1, 1].

    Args:
        first: scores per item.
        second: of somebody else on the same items.
        parts: see `strata`.
    """
    differences = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    return _sample(differences, parts, -1.0, 1.0, 1.0)


def gap_of(
    first: Sequence[float], first_parts: Sequence[Stratum], second: Sequence[float], second_parts: Sequence[Stratum]
) -> AdjustedMean:
    """The mean of first less the mean of second, over two independent sets of items.

    Each side has one success and one failure added (Agresti & Caffo 2000).
    """
    one = _sample(np.asarray(first, dtype=np.float64), first_parts, 0.0, 1.0, 1.0)
    other = _sample(np.asarray(second, dtype=np.float64), second_parts, 0.0, 1.0, 1.0)
    terms = (one.standard_error**2, other.standard_error**2)
    freedom = sum(terms) ** 2 / (terms[0] ** 2 / one.freedom + terms[1] ** 2 / other.freedom)
    error = float(np.sqrt(sum(terms)))
    return AdjustedMean(one.mean - other.mean, one.centre - other.centre, error, freedom, -1.0, 1.0)


def discordances(first: Sequence[float], second: Sequence[float], parts: Sequence[Stratum]) -> tuple[float, ...]:
    """Per part, the mean squared difference with one item won and one lost added over all parts.

    For scores of 0 and 1 that is the share of items on which the two differ.
    """
    squares = (np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)) ** 2
    extra = 2.0 / len(parts)
    found = []
    for part in parts:
        index, shares = part.arrays
        found.append(float((part.size * (shares @ squares[index]) + extra) / (part.size + extra)))
    return tuple(found)


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p-values of several questions (Holm 1979): all those below 0.05 hold together at 5%."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return tuple(adjusted)


def _stratum(entries: Sequence[tuple[int, float]]) -> Stratum:
    ordered = sorted(entries)
    weight = sum(share for _, share in ordered)
    return Stratum(weight, tuple(index for index, _ in ordered), tuple(share / weight for _, share in ordered))


def _sample(values: Vector, parts: Sequence[Stratum], low: float, high: float, pseudo: float) -> AdjustedMean:
    """Mean, and centre and error with ``pseudo`` observations at each end of the scale, spread over the parts."""
    extra = pseudo / len(parts)
    mean = centre = variance = fourth = 0.0
    for part in parts:
        index, shares = part.arrays
        own = values[index]
        size, observed = part.size, float(shares @ own)
        total = size + 2.0 * extra
        middle = (size * observed + extra * (low + high)) / total
        squares = size * float(shares @ (own - middle) ** 2) + extra * ((low - middle) ** 2 + (high - middle) ** 2)
        term = part.weight**2 * squares / (total - 1.0) / total
        mean += part.weight * observed
        centre += part.weight * middle
        variance += term
        fourth += term**2 / (total - 1.0)
    return AdjustedMean(mean, centre, float(np.sqrt(variance)), variance**2 / fourth, low, high)
