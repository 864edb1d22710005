"""How good the best of many really is: optimism by resampling, and leads shrunk towards what nobody had to choose.

Who is best of many on some items is partly lucky on them. Two remedies, in this order:

- *Optimism* (Efron 1983, "Estimating the error rate of a prediction rule"): the choice is made again on items that are
  drawn with replacement from those that were seen. By how much the chosen one looks better on the drawn items than on
  all of them is by how much the real choice flatters. Items are drawn for all policies together, so that what these
  have in common (hard items, equal answers) flatters nobody.
- *Shrinkage*: a lead d over a reference, with standard error s, becomes d (1 - s^2/d^2), and 0 where that is negative.
  That is the posterior mean where leads are normal around 0 with a variance that is estimated from d itself by maximum
  likelihood: James and Stein's rule with its positive part (Efron & Morris 1973), which in one dimension is the
  non-negative garrote (Breiman 1995). A lead that chance could make is none; a large one stays nearly whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evoswarm.statistics.intervals import Vector

Draws = np.ndarray[Any, np.dtype[np.float64]]
"""``[items, samples]``: how often each item is in each sample."""

_DIGITS = 9  # of differences of accuracies: what is beyond hangs on the order in which a machine adds


def shrunken(lead: float, error: float) -> float:
    """A lead over the reference as it is expected on other items.

    Args:
        lead: as observed, without optimism.
        error: its standard error.

    Example:
        >>> shrunken(0.04, 0.02), shrunken(0.01, 0.02), shrunken(-0.04, 0.02), shrunken(0.0, 0.0)
        (0.03, 0.0, -0.03, 0.0)
    """
    return 0.0 if abs(lead) <= error else round(lead - error * error / lead, _DIGITS)


def resampled(tasks: Sequence[str], samples: int, rng: np.random.Generator) -> Draws:
    """Draw items with replacement, within each task as many as it has.

    Args:
        tasks: of the items.
        samples: how many times.
        rng: of the draws.
    """
    drawn = np.zeros((len(tasks), samples))
    names = np.asarray(tasks)
    for task in dict.fromkeys(tasks):
        (places,) = np.nonzero(names == task)
        drawn[places] = rng.multinomial(len(places), np.full(len(places), 1 / len(places)), size=samples).T
    return drawn


def ranking_optimism(scores: Vector, reference: Vector, weights: Vector, drawn: Draws, top: int) -> float:
    """By how much the best on some items look better on them, beside a reference that was not chosen there.

    Args:
        scores: ``[policies, items]`` of all that were ranked.
        reference: ``[items]``.
        weights: ``[items]``: what an item adds to the accuracy that is flattered.
        drawn: samples of these items.
        top: how many of the best are kept.

    Returns:
        The mean over samples and over the best, in the units of ``scores`` by ``weights``.
    """
    if not len(scores):
        return 0.0
    luck, means = _luck(np.vstack([scores, reference]), weights, drawn)
    seen = np.round(means[:-1, None] + luck[:-1], _DIGITS)
    best = np.argsort(-seen, axis=0, kind="stable")[:top]
    return round(float(np.mean(np.take_along_axis(luck[:-1], best, axis=0).mean(axis=0) - luck[-1])), _DIGITS)


def choice_optimism(scores: Vector, reference: Vector, weights: Vector, drawn: Draws, handicaps: Vector) -> float:
    """By how much the most accurate of some finalists looks better than it is, beside a reference.

    Args:
        scores: ``[finalists, items]``.
        reference: ``[items]``.
        weights: ``[items]``: what an item adds to an accuracy.
        drawn: samples of these items.
        handicaps: ``[finalists]``: what each has to give before it is compared.
    """
    if not len(scores):
        return 0.0
    luck, means = _luck(np.vstack([scores, reference]), weights, drawn)
    seen = np.round((means[:-1] - handicaps)[:, None] + luck[:-1], _DIGITS)
    best = np.argmax(seen, axis=0)
    return round(float(np.mean(luck[best, np.arange(luck.shape[1])] - luck[-1])), _DIGITS)


def _luck(scores: Vector, weights: Vector, drawn: Draws) -> tuple[Vector, Vector]:
    """Accuracies on drawn items less those on all ``[policies, samples]``, and the latter ``[policies]``."""
    means: Vector = scores @ weights
    return scores @ (drawn * weights[:, None]) - means[:, None], means
