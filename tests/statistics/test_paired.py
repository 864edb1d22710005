"""Paired differences, by hand and drawn again and again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random
from statistics import fmean

import pytest

from evoswarm.statistics.paired import StratifiedEstimate, TaskStrata, paired_standard_error


def strata(count: int, weights: Mapping[str, float]) -> TaskStrata:
    return TaskStrata({task: [n for n in range(count) if "abcd"[n % 4] == task] for task in weights}, weights)


def drawn(ability: float) -> dict[int, float]:
    """Scores of somebody of this ability: an item has one difficulty for all, and a little chance of its own."""
    rng, own = Random(3), Random(ability)
    return {place: float(ability + own.gauss(0, 0.1) > rng.random()) for place in range(96)}


def test_paired_standard_error_is_that_of_the_differences() -> None:
    error = paired_standard_error([1, 1, 0, 1], [0, 1, 0, 1], ["x"] * 4, {"x": 3.0})
    differences = [1, 0, 0, 0]
    spread = sum((d - 0.25) ** 2 for d in differences) / 3
    assert error == pytest.approx(math.sqrt(spread / 4))
    assert paired_standard_error([1, 0], [1, 0], ["x"] * 2, {"x": 3.0}) == 0.0


def test_a_single_item_says_nothing_of_its_spread() -> None:
    assert paired_standard_error([1], [1], ["x"], {"x": 3.0}) == 1.0


def test_estimates_are_right_on_average_and_their_errors_too() -> None:
    """Drawn again and again, errors are as large as they say; without the finite correction 1.5 times."""
    weights = {"a": 0.4, "b": 0.3, "c": 0.2, "d": 0.1}
    layers = strata(96, weights)
    first, second = drawn(0.8), drawn(0.6)
    truth = layers.difference(first, second)
    assert truth.error == 0
    assert truth.mean == pytest.approx(layers.mean(first) - layers.mean(second))
    rng, estimates = Random(0), []
    for _ in range(3000):
        places = {place for task in weights for place in rng.sample(layers.places[task], 8)}
        part = {place: value for place, value in first.items() if place in places}
        estimates.append(layers.difference(part, second))
    assert fmean(one.mean for one in estimates) == pytest.approx(truth.mean, abs=0.005)
    square = fmean((one.mean - truth.mean) ** 2 for one in estimates)
    assert fmean(one.error**2 for one in estimates) == pytest.approx(square, rel=0.25)


def test_one_item_of_each_task_tells_nothing_of_the_spread() -> None:
    layers = strata(8, {"a": 0.25, "b": 0.25, "c": 0.25, "d": 0.25})
    one = layers.difference(dict.fromkeys(range(4), 0.0), dict.fromkeys(range(8), 1.0))
    assert one == StratifiedEstimate(-1.0, pytest.approx(math.sqrt(4 * 0.25**2 * 1.0 * 0.5)))  # type: ignore[arg-type]
