"""Means over seeds against Student's table, and what is added to an error over items."""

from __future__ import annotations

import math
from statistics import variance

import numpy as np
import pytest

from evoswarm.statistics.intervals import difference_of, mean_of, strata
from evoswarm.statistics.seeds import Estimate, difference_over_seeds, over_seeds, score_over_seeds


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


def test_the_mean_of_one_seed_is_that_seed_s() -> None:
    parts = strata(["a", "b"] * 10, {"a": 1.0, "b": 3.0})
    first, second = [1.0, 0.0] * 10, [0.0, 0.0] * 10
    assert score_over_seeds([first], parts) == mean_of(first, parts)
    assert difference_over_seeds([first], [second], parts) == difference_of(first, second, parts)


def test_bounds_hold_for_other_items_and_other_seeds() -> None:
    """Simulated: every seed's gain is its own, every item as hard as it is; the truth is the mean of all of both."""
    generator, seeds, items, gain = np.random.default_rng(0), 5, 120, 0.1
    parts = strata(["a"] * items, {"a": 1.0})
    held, held_for_these_seeds, times = 0, 0, 400
    for _ in range(times):
        hardness, gains = generator.uniform(0.2, 0.7, items), generator.uniform(0.0, 2 * gain, (seeds, 1))
        own = (generator.random((seeds, items)) < hardness + gains).astype(float)
        other = (generator.random((seeds, items)) < hardness).astype(float)
        held += difference_over_seeds(own.tolist(), other.tolist(), parts).lower() <= gain
        over_items = difference_of(own.mean(axis=0), other.mean(axis=0), parts)
        held_for_these_seeds += over_items.lower() <= gain
    assert held / times > 0.97  # the level is 0.975, and errors of both kinds are added
    assert held_for_these_seeds < held
