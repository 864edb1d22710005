"""What a test can find, in words: as expected before its items are opened, and by the scores that were seen."""

from __future__ import annotations

from evoswarm.certificate.compared import DetectableGain
from evoswarm.certificate.detectable import POWER
from evoswarm.certificate.verdict import COUNTS, points

_OFTEN = f"{POWER:.0%} of the time"


def expected(gain: float | None, items: int, rivals: int) -> str:
    """What so many items can find, as it is said before they are opened; a sentence without its capital and full stop.

    Args:
        gain: that is found with a probability of 80%; None where none is.
        items: of the test split.
        rivals: that must all be beaten.
    """
    against = f"all {COUNTS[rivals]} rivals"
    if gain is None:
        return f"{items:,} items are too few to find even the greatest gain over {against} {_OFTEN}"
    return f"with {items:,} items a true gain of {points(gain)} over {against} is found {_OFTEN}"


def lowered(sentence: str) -> str:
    """As it goes on behind a colon."""
    return sentence[0].lower() + sentence[1:]


def looking_back(power: DetectableGain) -> str:
    """What the opened items find by the scores that were seen, as a sentence behind the other one."""
    if power.seen is None:
        return "By the scores then seen, no gain is found so often."
    gain = f"a gain of {points(power.seen)}"
    return f"By the scores then seen, {gain} over each is found so often, and a smaller one less often."
