"""The share of a gain that is kept: its interval holds, and there is none where there is no gain."""

from __future__ import annotations

import numpy as np
import pytest

from evoswarm.statistics.intervals import strata
from evoswarm.statistics.kept import kept_share


def test_a_share_is_that_of_the_means() -> None:
    tasks = ["a"] * 4 + ["b"] * 2
    student, champion, before = [1, 1, 0, 0, 1, 0], [1, 1, 1, 0, 1, 1], [1, 0, 0, 0, 0, 0]
    found = kept_share(student, champion, before, strata(tasks, {"a": 1.0, "b": 1.0}))
    assert found.share == pytest.approx(((0.5 - 0.25) + (0.5 - 0.0)) / ((0.75 - 0.25) + (1.0 - 0.0)))


def test_no_gain_no_share() -> None:
    parts = strata(["a"] * 3, {"a": 1.0})
    assert kept_share([1, 1, 1], [0, 1, 0], [1, 1, 0], parts).share is None
    unsure = kept_share([1, 0, 1], [1, 1, 0], [0, 0, 1], parts)
    assert unsure.share == pytest.approx(1.0)
    assert unsure.low is None


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    tasks = ["a"] * 150 + ["b"] * 150
    parts = strata(tasks, {"a": 1.0, "b": 2.0})
    rates = {"before": (0.5, 0.2), "champion": (0.9, 0.95), "student": (0.8, 0.85)}
    mean = {name: (one + 2 * other) / 3 for name, (one, other) in rates.items()}
    truth = (mean["student"] - mean["before"]) / (mean["champion"] - mean["before"])
    held = 0
    for _ in range(400):
        luck = rng.random(300)  # shared in part: who is right on an item is often right together
        scores = {}
        for name, (one, other) in rates.items():
            mixed = np.where(rng.random(300) < 0.5, luck, rng.random(300))
            scores[name] = (mixed < np.array([one] * 150 + [other] * 150)).astype(float).tolist()
        found = kept_share(scores["student"], scores["champion"], scores["before"], parts)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= truth <= found.high
    assert 0.92 <= held / 400 <= 0.98
