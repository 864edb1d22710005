"""Optimism beside what it really is, on items that nothing was chosen by, and leads that are shrunk."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoswarm.statistics.intervals import Vector
from evoswarm.statistics.shrinkage import choice_optimism, ranking_optimism, resampled, shrunken

leads = st.floats(-1, 1).map(lambda value: round(value, 6))
errors = st.floats(0, 0.5)


@given(leads, errors)
def test_a_lead_only_shrinks_and_keeps_its_side(lead: float, error: float) -> None:
    left = shrunken(lead, error)
    assert abs(left) <= abs(lead) + 1e-9
    assert left * lead >= 0
    assert shrunken(-lead, error) == -left
    assert left == 0.0 or abs(lead) > error


@given(leads, leads, errors)
def test_who_leads_by_more_keeps_at_least_as_much(first: float, second: float, error: float) -> None:
    low, high = sorted((first, second))
    assert shrunken(low, error) <= shrunken(high, error)


@given(leads, errors, errors)
def test_a_surer_lead_keeps_more(lead: float, first: float, second: float) -> None:
    sure, unsure = sorted((first, second))
    assert abs(shrunken(lead, sure)) >= abs(shrunken(lead, unsure))


def test_every_sample_has_as_many_items_of_every_task() -> None:
    tasks = ["a", "b", "a", "c", "a", "b"]
    drawn = resampled(tasks, 50, np.random.default_rng(0))
    for task, count in (("a", 3), ("b", 2), ("c", 1)):
        assert (drawn[np.asarray(tasks) == task].sum(axis=0) == count).all()
    assert len({tuple(column) for column in drawn.T}) > 10


def noise(rng: np.random.Generator, recipes: int, items: int) -> Vector:
    """Recipes of one ability: each is right on every other item, on which ones is chance."""
    scores: Vector = (rng.random((recipes, items)) < 0.5).astype(np.float64)
    return scores


@pytest.mark.parametrize("top", [1, 10])
def test_the_optimism_of_a_ranking_is_what_is_lost_on_other_items(top: int) -> None:
    rng = np.random.default_rng(1)
    weights = np.full(100, 0.01)
    real, told = [], []
    for _ in range(20):
        scores = noise(rng, 100, 100)
        real.append(np.sort(scores.mean(axis=1))[-top:].mean() - 0.5)
        drawn = resampled(["t"] * 100, 50, rng)
        told.append(ranking_optimism(scores, np.full(100, 0.5), weights, drawn, top))
    assert 0.6 < np.mean(told) / np.mean(real) < 1.1  # the best of a sample are the best of all too often


def test_whoever_answers_as_the_reference_does_is_not_flattered() -> None:
    row = noise(np.random.default_rng(2), 1, 60)
    drawn, weights = resampled(["t"] * 60, 40, np.random.default_rng(3)), np.full(60, 1 / 60)
    copies = np.repeat(row, 5, axis=0)
    assert ranking_optimism(copies, row[0], weights, drawn, 2) == 0.0
    assert choice_optimism(copies, row[0], weights, drawn, np.zeros(5)) == 0.0
    assert ranking_optimism(copies[:0], row[0], weights, drawn, 2) == 0.0
    assert choice_optimism(copies[:0], row[0], weights, drawn, np.zeros(0)) == 0.0


def test_a_clear_winner_is_flattered_less_than_the_best_of_equals() -> None:
    rng = np.random.default_rng(4)
    scores = noise(rng, 8, 200)
    drawn, weights, reference = resampled(["t"] * 200, 100, rng), np.full(200, 1 / 200), noise(rng, 1, 200)[0]
    among_equals = choice_optimism(scores, reference, weights, drawn, np.zeros(8))
    scores[3] = 1.0
    ahead = choice_optimism(scores, reference, weights, drawn, np.zeros(8))
    behind = choice_optimism(scores, reference, weights, drawn, np.eye(8)[3])  # its handicap is a whole point
    assert abs(ahead) < 0.01 < among_equals
    assert behind > 0.01
