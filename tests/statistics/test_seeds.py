"""Means over seeds against Student's table, and what is added to an error over items."""

from __future__ import annotations

import math
from statistics import variance

import pytest

from evoswarm.statistics.intervals import difference_of, strata
from evoswarm.statistics.seeds import Estimate, over_seeds


def test_estimates_are_students() -> None:
    one = Estimate.of([0.1, 0.2, 0.3])
    assert one.high is not None
    assert one.mean == pytest.approx(0.2)
    assert one.high == pytest.approx(0.2 + 4.302653 * 0.1 / 3**0.5, abs=1e-6)
    assert one.low == pytest.approx(0.4 - one.high)
    assert Estimate.of([0.5]) == Estimate(0.5, None, None)


def test_seeds_add_to_the_error_over_items() -> None:
    parts = strata(["a"] * 40, {"a": 1.0})
    items = difference_of([1.0] * 30 + [0.0] * 10, [1.0] * 20 + [0.0] * 20, parts)
    assert over_seeds(items, [0.25]) is items
    both = over_seeds(items, by_seed := [0.2, 0.25, 0.3])
    assert (both.mean, both.centre) == (items.mean, items.centre)
    assert both.standard_error == pytest.approx(math.hypot(items.standard_error, math.sqrt(variance(by_seed) / 3)))
    assert min(items.freedom, 2) < both.freedom < items.freedom + 2
