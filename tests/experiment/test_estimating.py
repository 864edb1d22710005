"""What finalists are expected to score: by hand, and drawn where the truth is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from evoswarm.experiment.estimating import Estimator, Expectation, SeenItems
from evoswarm.statistics.intervals import Vector
from evoswarm.tasks.task import SplitName

SEARCH, SELECTION = 60, 120


def seen(population: Sequence[Sequence[float]] | Vector = (), weights: tuple[float, float] = (1.0, 1.0)) -> SeenItems:
    """Two tasks that take turns."""
    tasks: dict[SplitName, list[str]] = {
        "search": ["x", "y"] * (SEARCH // 2),
        "selection": ["x", "y"] * (SELECTION // 2),
    }
    return SeenItems(tasks, dict(zip("xy", weights, strict=True)), [list(row) for row in population])


def both(row: Sequence[float] | Vector) -> dict[SplitName, list[float]]:
    """Scores on the items of both splits."""
    return {"search": list(row[:SEARCH]), "selection": list(row[SEARCH:])}


def right(count: int) -> list[float]:
    """Right on the first so many of every split, in proportion."""
    return [*(float(n < count) for n in range(SEARCH)), *(float(n < 2 * count) for n in range(SELECTION))]


def test_without_chance_an_estimate_is_the_accuracy_over_both_splits_less_its_error() -> None:
    reference, better = right(30), right(48)
    estimator = Estimator(seen(), both(reference), [])
    found = estimator.of(both(better), ranked=False)
    assert (estimator.ranking, estimator.choice) == (0.0, 0.0)
    assert found.lead == pytest.approx(0.3)
    assert found.accuracy == pytest.approx(0.5 + 0.3 - found.error**2 / 0.3)
    assert found.low < found.accuracy < found.high
    assert found.items == SEARCH + SELECTION
    assert found.differs


def test_who_answers_as_the_reference_does_has_its_accuracy() -> None:
    reference = right(30)
    others = [(True, both(right(40))), (True, both(reference))]
    estimator = Estimator(seen([right(40)[:SEARCH]] * 3), both(reference), others)
    found = estimator.of(both(reference), ranked=True)
    assert (found.accuracy, found.lead, found.optimism, found.differs) == (0.5, 0.0, 0.0, False)


def test_where_a_split_says_nothing_the_most_alike_stand_in() -> None:
    """The uniform mix is lucky on the search items: who is not known there is not better for it."""
    lucky = [1.0] * SEARCH + right(30)[SEARCH:]
    bred = [1.0] * SEARCH + right(48)[SEARCH:]
    estimator = Estimator(seen(), both(lucky), [(False, both(bred)), (False, both(right(10)))])
    known = estimator.of(both(bred), ranked=False)
    found = estimator.of({"search": None, "selection": bred[SEARCH:]}, ranked=False)
    assert found.lead == known.lead
    assert found.items == SELECTION
    assert found.error == known.error  # else it were shrunk the more for what nobody holds against it
    assert found.high - found.low > known.high - known.low
    alike = estimator.of({"search": None, "selection": lucky[SEARCH:]}, ranked=False)
    assert (alike.accuracy, alike.differs) == (estimator.reference_accuracy, False)


def test_of_equals_who_was_not_picked_from_many_comes_first() -> None:
    estimator = Estimator(seen(), both(right(30)), [(1.0, both(right(48))), (0.0, both(right(48)))])
    evolved, fitted = (estimator.of(both(right(48)), ranked=ranked) for ranked in (1.0, 0.0))
    assert evolved.accuracy == fitted.accuracy
    assert fitted.order(2.0) < evolved.order(1.0)
    assert fitted.order(1.0) < fitted.order(2.0)


def test_who_was_partly_ranked_gives_a_part_of_what_ranking_flatters() -> None:
    rng = np.random.default_rng(1)
    drawn = (rng.random((40, SEARCH)) < 0.5).astype(np.float64)
    estimator = Estimator(seen(drawn), both(right(30)), [])
    none, half, whole = (estimator.of(both(right(48)), ranked=share).optimism for share in (0.0, 0.5, 1.0))
    assert none < whole
    assert half == pytest.approx((none + whole) / 2)


def test_tasks_count_by_their_weights() -> None:
    reference = [0.0] * (SEARCH + SELECTION)
    only_x = [float(place % 2 == 0) for place in range(SEARCH + SELECTION)]
    found = Estimator(seen(weights=(3.0, 1.0)), both(reference), []).of(both(only_x), ranked=False)
    assert found.lead == 0.75


def champions(rng: np.random.Generator, gain: float) -> tuple[Expectation, Expectation, float, float]:
    """Of a drawn search: the estimate of the best and of the uniform mix, and what both are really worth.

    All recipes are equally able; the uniform mix is so much less able.
    """
    count, hard = SEARCH + SELECTION, rng.random(SEARCH + SELECTION)
    chance = np.clip(1.4 - 1.6 * hard, 0.05, 0.95)
    population = (rng.random((80, count)) < chance).astype(np.float64)
    reference = (rng.random(count) < chance - gain).astype(np.float64)
    best = np.argsort(-population[:, :SEARCH].mean(axis=1), kind="stable")[:20]
    others = [(True, both(row)) for row in population[best]]
    estimator = Estimator(seen(population[:, :SEARCH]), both(reference), others)
    made = [estimator.of(row, ranked=True) for _, row in others]
    top = max(made, key=lambda one: (one.accuracy, one.lead))
    mean = float(chance.mean())
    return top, estimator.of(both(reference), ranked=False), mean, mean - gain


def test_the_best_of_equals_is_seldom_expected_to_beat_an_equal() -> None:
    rng = np.random.default_rng(5)
    drawn = [champions(rng, 0.0) for _ in range(60)]
    assert sum(top.accuracy > plain.accuracy for top, plain, _, _ in drawn) <= 24
    assert sum(top.lead + top.optimism > 0 for top, *_ in drawn) >= 57  # what the scores as they are would say
    assert abs(np.mean([max(top.accuracy, plain.accuracy) - truth for top, plain, truth, _ in drawn])) < 0.015


def test_a_real_gain_is_seen_and_not_overstated() -> None:
    rng = np.random.default_rng(6)
    drawn = [champions(rng, 0.15) for _ in range(60)]
    assert all(top.accuracy > plain.accuracy for top, plain, _, _ in drawn)
    assert abs(np.mean([top.accuracy - truth for top, _, truth, _ in drawn])) < 0.03
    assert np.mean([top.low <= truth <= top.high for top, _, truth, _ in drawn]) > 0.85
