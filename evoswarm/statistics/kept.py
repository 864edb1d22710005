"""What is kept of a gain: a ratio of two paired differences over the same items, with an interval.

The interval is Fieller's (1954): all shares that the items do not speak against. It is no mean plus or minus so many
errors, as the gain below the line has an error too; where that gain is not clearly above 0, there is no interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from evoswarm.statistics.intervals import Stratum, Vector

LEVEL = 0.025
"""One-sided level of each bound: two of them are a 95% interval."""


@dataclass(frozen=True)
class KeptShare:
    """A share of a gain.

    Attributes:
        share: as observed; None where there was no gain.
        low: of the 95% interval; None where there is none.
        high: likewise.
    """

    share: float | None
    low: float | None = None
    high: float | None = None


def kept_share(
    student: Sequence[float], champion: Sequence[float], before: Sequence[float], parts: Sequence[Stratum]
) -> KeptShare:
    """(student - before) / (champion - before), of weighted means.

    Args:
        student: scores, per item.
        champion: of whoever has the whole gain, in the same order.
        before: of whoever has none.
        parts: how items make up the means, see `evoswarm.statistics.intervals.strata`.
    """
    base = np.asarray(before, dtype=np.float64)
    above, below = np.asarray(student, dtype=np.float64) - base, np.asarray(champion, dtype=np.float64) - base
    kept, whole = _mean(above, parts), _mean(below, parts)
    if whole <= 0:
        return KeptShare(None)
    share = kept / whole
    varied = _covariance(above, above, parts), _covariance(above, below, parts), _covariance(below, below, parts)
    square = float(special.ndtri(LEVEL)) ** 2
    # Those shares r for which kept - r x whole is within so many errors of 0: between the roots of a r^2 - 2 b r + c.
    a = whole**2 - square * varied[2]
    b = kept * whole - square * varied[1]
    c = kept**2 - square * varied[0]
    under = b * b - a * c
    if a <= 0 or under < 0:
        return KeptShare(share)
    return KeptShare(share, (b - math.sqrt(under)) / a, (b + math.sqrt(under)) / a)


def _mean(values: Vector, parts: Sequence[Stratum]) -> float:
    return math.fsum(part.weight * float(part.arrays[1] @ values[part.arrays[0]]) for part in parts)


def _covariance(first: Vector, second: Vector, parts: Sequence[Stratum]) -> float:
    """Of two weighted means over the same items."""
    found = []
    for part in parts:
        index, shares = part.arrays
        one, other = first[index], second[index]
        spread = float(shares @ ((one - shares @ one) * (other - shares @ other)))
        found.append(part.weight**2 * spread / max(1.0, part.size - 1.0))
    return math.fsum(found)
