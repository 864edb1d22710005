"""Budgets and splits of a space that cannot show anything: what is refused, and what would be enough.

A plan refuses them; a search that is begun all the same says at its start what it can know before anything is decoded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from evoswarm.certificate.detectable import MOST_ITEMS, POWER, foreseen_gain
from evoswarm.certificate.verdict import points
from evoswarm.experiment.outlook.prediction.prospect import WORTH, Prospect
from evoswarm.space import SearchSpace
from evoswarm.statistics.intervals import ONE_SIDED, Stratum, strata
from evoswarm.tasks.task import Item, SplitName

_LEAST_DIFFERING = 0.02
"""Share of the items on which two policies differ at least, as far as a few items can tell."""


@dataclass(frozen=True)
class Refusal:
    """One setting that cannot show anything.

    Attributes:
        path: of the setting.
        message: what was expected, why, and what is there; without the path.
    """

    path: tuple[str, ...]
    message: str

    @property
    def sentence(self) -> str:
        """With its path."""
        return f"{'.'.join(self.path)}: {self.message}"


def refusals(
    space: SearchSpace,
    items: Mapping[SplitName, Sequence[Item]],
    weights: Mapping[str, float],
    prospect: Prospect | None,
    rivals: int,
) -> tuple[Refusal, ...]:
    """What a plan refuses.

    Args:
        space: that would be searched.
        items: of its splits.
        weights: of its tasks, by name.
        prospect: what a few items foretell; without it, only what no gain could be shown with is refused.
        rivals: that have to be beaten.
    """
    parts = strata([item.task for item in items["test"]], weights)
    return (*short_budget(space), *_few_test_items(space, parts, prospect, rivals), *_few_to_choose_on(space, prospect))


def short_budget(space: SearchSpace) -> Iterator[Refusal]:
    """A budget that does not even pay for the plainest founders: every member alone, and their uniform mix."""
    asked, founders = space.budget.evaluations, len(space.pool) + 1
    needed = founders * space.splits.search
    if asked is not None and asked < needed and space.evolution.generations > 1:
        yield Refusal(
            ("budget", "evaluations"),
            f"expected at least {needed:,} (each of {len(space.pool)} members alone and their uniform mix on "
            f"{space.splits.search:,} search items: with less nothing is bred), got {asked:,}",
        )


def _few_test_items(
    space: SearchSpace, parts: Sequence[Stratum], prospect: Prospect | None, rivals: int
) -> Iterator[Refusal]:
    """A test that finds neither the greatest gain that is likely, nor that there is none above the margin."""
    most = 1.0 if prospect is None else prospect.over_member.high
    differing = 0.1 if prospect is None else max(prospect.disagreement, _LEAST_DIFFERING)
    if most < WORTH:
        return  # it is foretold already that there is nothing to be found
    count, margin = space.splits.test, space.certificate.margin
    found = _found(differing, parts, rivals)
    if (found is not None and found <= most) or _rules_out(differing, count, rivals) <= margin:
        return
    wanted = min(
        _items_for(lambda growth: _found(differing, parts, rivals, growth), most, count),
        _items_for(lambda growth: _rules_out(differing, count * growth, rivals), margin, count),
    )
    shown = "even the greatest gain" if found is None else f"a true gain of {points(found)}"
    likely = "" if prospect is None else f", and mixing gains {points(most)} here at most (95%)"
    seldom = "is not found" if found is None else "over all rivals is found"
    yield Refusal(
        ("splits", "test"),
        f"expected about {wanted:,} items (with {count:,} {shown} {seldom} {POWER:.0%} of the time{likely}; nor could "
        f"a gain above certificate.margin, {points(margin)}, be ruled out), got {count:,}",
    )


def _few_to_choose_on(space: SearchSpace, prospect: Prospect | None) -> Iterator[Refusal]:
    """A selection split on which the better of two policies that differ by all that is likely is hardly told."""
    if prospect is None or prospect.over_member.high < WORTH:
        return
    most, count = prospect.over_member.high, space.splits.selection
    differing = max(prospect.disagreement, _LEAST_DIFFERING, most)
    chance = float(ndtr(most / math.sqrt(differing / count)))
    if chance >= POWER:
        return
    wanted = math.ceil(differing * (float(ndtri(POWER)) / most) ** 2)
    yield Refusal(
        ("splits", "selection"),
        f"expected about {wanted:,} items (with {count:,} the better of a mix and a member {points(most)} apart, the "
        f"most that is likely here, is chosen {chance:.0%} of the time: choosing would be chance), got {count:,}",
    )


def _found(differing: float, parts: Sequence[Stratum], rivals: int, growth: float = 1.0) -> float | None:
    """The gain over all rivals that is found with the usual probability, on so many times the items."""
    return foreseen_gain(differing, parts, rivals, growth)


def _rules_out(differing: float, items: float, rivals: int) -> float:
    """The least margin that a test is likely to show a gain to be below, where there is none."""
    return (float(ndtri(POWER)) - float(ndtri(ONE_SIDED / rivals))) * math.sqrt(differing / items)


def _items_for(shown: Callable[[float], float | None], wanted: float, items: int) -> int:
    """How many items bring what is shown down to what is wanted; rounded up to two digits."""

    def excess(log_growth: float) -> float:
        found = shown(math.exp(log_growth))
        return (1.0 if found is None else found) - wanted

    most = math.log(MOST_ITEMS / items)
    if excess(most) > 0:
        return MOST_ITEMS
    if excess(0.0) <= 0:
        return items
    exact = items * math.exp(float(brentq(excess, 0.0, most, xtol=1e-3)))
    step = 10 ** max(0, math.floor(math.log10(exact)) - 1)
    return int(math.ceil(exact / step) * step)
