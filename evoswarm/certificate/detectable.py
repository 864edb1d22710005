"""How large a gain must be to be proven, and how many items it takes: both by the power of the tests to come."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from evoswarm.statistics.intervals import ONE_SIDED, AdjustedMean, Stratum

POWER = 0.8
MOST_ITEMS = 10_000_000
"""More than this is not worth a number."""


def detectable_gain(
    discordance: Mapping[str, Sequence[float]], parts: Sequence[Stratum], growth: float
) -> float | None:
    """The gain that would be proven against all rivals with a probability of 80%.

    It is known before the test items are opened: how often the champion and a rival differ on the selection items
    stands in for how often they will. The chance to beat all is at least the product of the chances to beat each,
    because all are played on the same items.

    Args:
        discordance: by rival, per part, the mean squared difference; see `statistics.discordances`.
        parts: of the selection split.
        growth: test items per selection item.

    Returns:
        In [0, 1]; None where even the greatest gain would not be proven.
    """

    def shortfall(gain: float) -> float:
        chances = [_chance(gain, squares, parts, growth) for squares in discordance.values()]
        return math.prod(chances) - POWER

    return _root(shortfall, 0.0, 1.0)


def foreseen_gain(share: float, parts: Sequence[Stratum], rivals: int, growth: float = 1.0) -> float | None:
    """The gain that would be proven with a probability of 80%, before anything was decoded: under an assumption.

    Args:
        share: of the items, on which the champion and each of its rivals are assumed to differ.
        parts: of the test split.
        rivals: how many have to be beaten.
        growth: as if the split had so many times the items.

    Returns:
        See `detectable_gain`.
    """
    return detectable_gain({str(rival): [share] * len(parts) for rival in range(rivals)}, parts, growth)


def gain_found(differences: Sequence[AdjustedMean]) -> float | None:
    """The gain over each that would be found over all with a probability of 80%, with the errors that were seen.

    Unlike `detectable_gain` it knows which way scores differ: where one side wins nearly always, the error is small.

    Returns:
        In [0, 1]; None where even the greatest gain would not be found.
    """

    def shortfall(gain: float) -> float:
        return math.prod(float(ndtr(gain / one.standard_error - one.quantile())) for one in differences) - POWER

    return _root(shortfall, 0.0, 1.0)


def items_to_beat(differences: Sequence[AdjustedMean], items: int) -> int | None:
    """How many items would prove the observed gains against all with a probability of 80%; None if some is no gain."""
    if not all(sample.centre > 0 for sample in differences):
        return None

    def shortfall(growth: float) -> float:
        ratios = [sample.centre / sample.standard_error * math.sqrt(growth) for sample in differences]
        bounds = [sample.quantile() for sample in differences]  # of so few items: that of more would be smaller
        return math.prod(float(ndtr(ratio - bound)) for ratio, bound in zip(ratios, bounds, strict=True)) - POWER

    growth = _root(shortfall, 0.0, MOST_ITEMS / items)
    return None if growth is None else math.ceil(growth * items)


def items_to_rule_out(differences: Sequence[AdjustedMean], items: int, margin: float, level: float) -> int | None:
    """How many items would show, with a probability of 80%, that some observed gain stays below the margin."""
    power = float(ndtri(POWER))
    rooms = [(margin - one.centre, (power + one.quantile(level)) * one.standard_error) for one in differences]
    growths = [(reach / room) ** 2 for room, reach in rooms if room > 0]
    needed = [math.ceil(growth * items) for growth in growths if growth * items <= MOST_ITEMS]
    return min(needed, default=None)


def _chance(gain: float, squares: Sequence[float], parts: Sequence[Stratum], growth: float) -> float:
    """Of a lower bound above 0, if every part had this gain.

    Where a gain is larger than the share of items that differed on selection, more of them must differ.
    """
    extra = 2.0 / len(parts)
    centre = variance = 0.0
    for part, square in zip(parts, squares, strict=True):
        size = part.size * growth
        total = size + extra
        middle = size * gain / total
        spread = (size * max(square, gain) + extra) / total - middle**2
        centre += part.weight * middle
        variance += part.weight**2 * spread / max(total - 1.0, 0.5)
    return float(ndtr(centre / math.sqrt(variance) + ndtri(ONE_SIDED)))


def _root(shortfall: Callable[[float], float], low: float, high: float) -> float | None:
    """Where a rising function crosses zero; None where it never does."""
    return float(brentq(shortfall, low, high, xtol=1e-9)) if shortfall(high) > 0 else None
