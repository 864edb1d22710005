"""What few items show: figures that can be told by hand, and that nothing is judged on what it was chosen on."""

from __future__ import annotations

import numpy as np
import pytest

from evoswarm.experiment.outlook.prediction.evidence import PilotScores


def evidence(alone: list[list[float]], mixed: list[list[float]], tasks: list[str] | None = None) -> PilotScores:
    count = len(alone[0])
    names = tuple(tasks or ["sums"] * count)
    return PilotScores(names, np.full(count, 1 / count), np.array(alone, float), np.array(mixed, float))


def test_figures_of_two_members_who_err_apart() -> None:
    found = evidence([[1, 1, 0, 0], [0, 0, 1, 0]], [[1, 1, 1, 0]])
    assert (found.best, found.ceiling, found.disagreement) == (0.5, 0.75, 0.25)
    assert found.correlation == pytest.approx(-1 / np.sqrt(3))
    assert evidence([[1, 0], [1, 0]], [[1, 0]]).correlation == pytest.approx(1.0)
    assert evidence([[1, 1], [1, 0]], [[1, 1]]).correlation == 1.0, "who never errs does not err apart from anybody"


def test_gains_are_drawn_from_other_items_than_they_are_seen_on() -> None:
    """Members that are right by chance: the best of them is chosen for its luck, and the mean gain must not pay."""
    rng = np.random.default_rng(0)
    gains = []
    for _ in range(300):
        found = evidence(rng.integers(0, 2, (5, 32)).tolist(), rng.integers(0, 2, (3, 32)).tolist())
        assert found.best >= found.rival(router=False) @ found.weights
        gains.append(found.gain(found.rival(router=False))[0])
    assert abs(np.mean(gains)) < 3 * np.std(gains) / np.sqrt(len(gains))


def test_errors_of_gains_are_those_of_means() -> None:
    rng = np.random.default_rng(1)
    found = evidence([[0.0] * 400], [rng.integers(0, 2, 400).tolist()])
    gain, error = found.gain(found.rival(router=False))
    assert gain == pytest.approx(0.5, abs=0.1)
    assert error == pytest.approx(0.5 / 20, rel=0.05)
    same = evidence([[1.0] * 10], [[1.0] * 10])
    assert same.gain(same.rival(router=False)) == (0.0, pytest.approx(np.sqrt(2 / 12 / 10)))


def test_a_router_has_the_best_member_of_every_task() -> None:
    tasks = ["sums", "words"] * 8
    alone = [[1.0, 0.0] * 8, [0.0, 1.0] * 8]
    found = evidence(alone, [[1.0] * 16], tasks)
    assert found.rival(router=True).tolist() == [1.0] * 16
    assert found.rival(router=False) @ found.weights == 0.5


def test_leads_count_little_by_little() -> None:
    names, weights = ("sums",) * 4, np.full(4, 0.25)
    alone, mixed = np.zeros((1, 4)), np.zeros((1, 4))
    found = PilotScores(names, weights, alone, mixed, np.full((1, 4), -2.0), np.full((1, 4), -0.5))
    assert found.soft_gain(router=False) == pytest.approx(1 / (1 + np.exp(0.5)) - 1 / (1 + np.exp(2.0)))
    assert PilotScores(names, weights, alone, mixed).soft_gain(router=False) is None
