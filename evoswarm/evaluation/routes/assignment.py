"""Who answers which kind of items: the best by an estimate that is shrunk towards what each policy does everywhere.

A policy's lead over the reference among the few items of a kind is noisy, and the best of many leads is mostly noise.
So leads are shrunk as in an empirical Bayes model (Efron and Morris 1973, doi:10.1080/01621459.1973.10481350): on a
kind, a policy leads by a normal deviate around its lead everywhere. How much leads really differ between kinds is
estimated from all policies and kinds together, by moments.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evoswarm.statistics.intervals import Vector

PolicyScores = np.ndarray[Any, np.dtype[np.float64]]
"""``[policies, items]``; NaN where a score is not known."""

Labels = np.ndarray[Any, np.dtype[np.int64]]
"""``[items]``: the kind of each item; -1 is none."""

_DIGITS = 9  # of leads: what is beyond hangs on the order in which a machine adds


def overall_best(scores: PolicyScores, weights: Vector, flops: Sequence[float]) -> int:
    """The most accurate of those who are known on every item; of equals the cheaper, then the first.

    Args:
        scores: of all policies, at least one of them known everywhere.
        weights: of the items.
        flops: of the policies.
    """
    means = np.where(np.isnan(scores).any(axis=1), -np.inf, np.nan_to_num(scores) @ weights / weights.sum())
    return min(range(len(means)), key=lambda one: (-round(float(means[one]), _DIGITS), flops[one], one))


def assigned(
    scores: PolicyScores,
    weights: Vector,
    labels: Labels,
    cells: int,
    reference: int,
    flops: Sequence[float],
    most: int | None = None,
) -> list[int]:
    """The policy for each kind of items, by position.

    Args:
        scores: of all policies.
        weights: of the items, > 0.
        labels: of the items.
        cells: how many kinds there are.
        reference: a policy that is known on every item; it answers a kind that nobody is known to be better at.
        flops: of the policies: of equals the cheaper.
        most: distinct policies, the reference among them; None is any number. Those that gain most in all are kept.
    """
    leads = scores - scores[reference]
    parts = [_means(leads[:, labels == cell], weights[labels == cell]) for cell in range(cells)]
    known = np.array([count >= 2 for _, _, count in parts])
    means, errors = (np.array([part[place] for part in parts]) for place in range(2))
    everywhere = _everywhere(means, known, [float(weights[labels == cell].sum()) for cell in range(cells)])
    apart = (means - everywhere) ** 2 - errors
    others = known & (np.arange(len(scores)) != reference)
    spread = max(0.0, float(apart[others].mean())) if others.any() else 0.0
    cautious = errors + 1.0 / np.maximum(1, np.array([count for _, _, count in parts])) ** 2
    shares = spread / (spread + cautious)
    shrunk = np.round(np.where(known, everywhere + shares * (means - everywhere), -np.inf), _DIGITS)
    shrunk[:, reference] = 0.0
    order = sorted(range(len(scores)), key=lambda one: (one != reference, flops[one], one))
    chosen = [max(order, key=lambda one: row[one]) for row in shrunk]
    gains: dict[int, float] = {reference: np.inf}
    for cell, one in enumerate(chosen):
        gains[one] = gains.get(one, 0.0) + float(shrunk[cell, one] * weights[labels == cell].sum())
    kept = sorted(gains, key=lambda one: -gains[one])[:most]
    return [max((one for one in order if one in kept), key=lambda one: row[one]) for row in shrunk]


def _everywhere(means: PolicyScores, known: np.ndarray, sizes: Sequence[float]) -> Vector:
    """Per policy, its mean lead over the kinds that it is known on; who is known on one shows nothing of the others: 0.

    Args:
        means: ``[kinds, policies]``.
        known: likewise, whether the policy is known on the kind.
        sizes: weights of the kinds.
    """
    shares = known * np.array(sizes)[:, None]
    totals = shares.sum(axis=0)
    found: Vector = (means * shares).sum(axis=0) / np.where(totals > 0, totals, 1.0)
    return np.where(known.sum(axis=0) > 1, found, 0.0)


def _means(leads: PolicyScores, weights: Vector) -> tuple[Vector, Vector, Vector]:
    """Per policy: the weighted mean lead, the square of its standard error, and on how many items it is known."""
    known = ~np.isnan(leads)
    shares = known * weights
    totals = shares.sum(axis=1)
    totals[totals == 0] = 1.0
    filled = np.nan_to_num(leads)
    means = (filled * shares).sum(axis=1) / totals
    count = known.sum(axis=1)
    squares = (((filled - means[:, None]) * shares) ** 2).sum(axis=1) / totals**2
    errors = squares * count / np.maximum(1, count - 1)
    return means, errors, count.astype(np.float64)
