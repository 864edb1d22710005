"""Intervals against published ones, against the binomial itself, and at the edges where plain ones break."""

from __future__ import annotations

import math
from bisect import bisect_left
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, norm

from evoswarm.statistics.intervals import Stratum, difference_of, discordances, gap_of, holm, mean_of, strata

ONE_TASK = {"a": 1.0}


def one(count: int) -> tuple[Stratum, ...]:
    """So many items of one task."""
    return strata(["a"] * count, ONE_TASK)


def zeros_and_ones(won: int, lost: int, count: int) -> tuple[list[float], list[float]]:
    """Scores of two of whom the first wins, and loses, on so many items."""
    first = [1.0] * won + [0.0] * (count - won)
    second = [0.0] * won + [1.0] * lost + [0.0] * (count - won - lost)
    return first, second


def test_one_mean_is_agresti_and_coulls_interval() -> None:
    scores = [1.0] * 970 + [0.0] * 30
    sample = mean_of(scores, one(1000))
    centre = 972 / 1004
    error = math.sqrt(centre * (1 - centre) / 1004)
    assert sample.mean == pytest.approx(0.97)
    assert sample.centre == pytest.approx(centre)
    assert sample.standard_error == pytest.approx(error, rel=1e-3)  # divided by the size less one
    assert sample.lower() == pytest.approx(centre - norm.isf(0.025) * error, abs=5e-5)


def test_a_paired_difference_is_bonett_and_prices_interval() -> None:
    sample = difference_of(*zeros_and_ones(40, 12, 500), one(500))
    won, lost = 41 / 502, 13 / 502
    error = math.sqrt((won + lost - (won - lost) ** 2) / 502)
    assert sample.mean == pytest.approx(28 / 500)
    assert sample.centre == pytest.approx(won - lost)
    assert sample.standard_error == pytest.approx(error, rel=2e-3)
    assert sample.upper(0.025 / 4) == pytest.approx(won - lost + norm.isf(0.025 / 4) * error, abs=2e-4)


def test_several_tasks_are_price_and_bonetts_interval() -> None:
    wins, sizes, weights = {"a": 198, "b": 96}, {"a": 200, "b": 100}, {"a": 1.0, "b": 3.0}
    tasks = [task for task in wins for _ in range(sizes[task])]
    scores = [float(place < wins[task]) for task in wins for place in range(sizes[task])]
    sample = mean_of(scores, strata(tasks, weights))
    shares = {task: weight / 4 for task, weight in weights.items()}
    tilde = {task: (wins[task] + 1) / (sizes[task] + 2) for task in wins}
    variance = sum(shares[t] ** 2 * tilde[t] * (1 - tilde[t]) / (sizes[t] + 2) for t in wins)
    assert sample.mean == pytest.approx(0.25 * 0.99 + 0.75 * 0.96)
    assert sample.centre == pytest.approx(sum(shares[t] * tilde[t] for t in wins))
    assert sample.standard_error == pytest.approx(math.sqrt(variance), rel=0.01)


@pytest.mark.parametrize(("truth", "count"), [(0.9, 200), (0.97, 200), (0.985, 1000), (0.5, 50), (0.02, 300)])
def test_the_interval_covers_the_truth_and_the_plain_one_does_not(truth: float, count: int) -> None:
    """Exactly, by the binomial distribution, not by drawing."""
    covered = plain = 0.0
    for successes in range(count + 1):
        chance = float(binom.pmf(successes, count, truth))
        if chance < 1e-12:
            continue
        sample = mean_of([1.0] * successes + [0.0] * (count - successes), one(count))
        covered += chance * (sample.lower() <= truth <= sample.upper())
        rate = successes / count
        plain += chance * (abs(rate - truth) <= 1.96 * math.sqrt(rate * (1 - rate) / count))
    assert 0.94 <= covered <= 0.985
    if truth * count < 10 or (1 - truth) * count < 10:
        assert plain < 0.94


def test_a_win_by_chance_is_rare() -> None:
    """Without a true gain the lower bound is above 0 in at most 2.5% of the cases, whatever the discordance.

    Exactly: given the number of items on which two differ, wins are binomial.
    """
    for count, share in product((300, 1000), (0.004, 0.02, 0.1, 0.4)):
        chance = 0.0
        for differ in range(count + 1):
            here = float(binom.pmf(differ, count, share))
            if here < 1e-7:
                continue
            # a larger win counts where a smaller one does, so the least that counts is found by bisection
            least = bisect_left(
                range(differ + 1),
                True,
                key=lambda won, differ=differ: (  # type: ignore[misc]
                    difference_of(*zeros_and_ones(won, differ - won, count), one(count)).lower() > 0
                ),
            )
            chance += here * float(binom.sf(least - 1, differ, 0.5))
        assert chance <= 0.0275, (count, share)


def test_everything_solved_is_no_certainty() -> None:
    sample = mean_of([1.0] * 200, one(200))
    assert sample.mean == 1.0
    assert 0.97 < sample.lower() < 0.985  # the rule of three says 0.985, two-sided exact 0.982
    assert sample.upper() == 1.0
    same = difference_of([1.0] * 200, [1.0] * 200, one(200))
    assert same.mean == 0.0
    assert -0.02 < same.lower() < 0.0 < same.upper() < 0.02
    assert same.p_value == 1.0


@pytest.mark.parametrize("tasks", [["a"], ["a", "b"], ["a", "b", "c"], ["a", "a", "b"], ["a", "a", "b", "c", "d"]])
def test_one_item_per_task_does_not_break_it(tasks: list[str]) -> None:
    parts = strata(tasks, dict.fromkeys(tasks, 1.0))
    assert sum(part.weight for part in parts) == pytest.approx(1.0)
    assert sorted(index for part in parts for index in part.index) == list(range(len(tasks)))
    for scores in product((0.0, 0.3, 1.0), repeat=len(tasks)):
        for sample in (mean_of(scores, parts), difference_of(scores, scores[::-1], parts)):
            assert sample.low <= sample.lower() <= sample.mean + 1e-12
            assert sample.mean - 1e-12 <= sample.upper() <= sample.high
            assert sample.upper() - sample.lower() > 0.2  # so few items say little


def test_many_tasks_of_one_item_say_what_one_task_of_them_says() -> None:
    generator = np.random.default_rng(0)
    scores = (generator.random(60) < 0.7).astype(float).tolist()
    names = [f"t{index}" for index in range(60)]
    split, together = mean_of(scores, strata(names, dict.fromkeys(names, 2.0))), mean_of(scores, one(60))
    assert split.lower() == pytest.approx(together.lower())
    assert split.upper() == pytest.approx(together.upper())


@pytest.mark.parametrize("items", [2, 3])
def test_few_items_per_task_do_not_narrow_the_interval(items: int) -> None:
    """Of 40 tasks with two items each, the truth is covered as often as it should be."""
    generator = np.random.default_rng(items)
    tasks = [f"t{task}" for task in range(40) for _ in range(items)]
    parts, covered = strata(tasks, dict.fromkeys(tasks, 1.0)), 0
    for _ in range(400):
        sample = mean_of((generator.random(len(tasks)) < 0.6).astype(float).tolist(), parts)
        covered += sample.lower() <= 0.6 <= sample.upper()
    assert covered / 400 >= 0.93


def test_an_item_that_is_alone_in_its_task_joins_the_smallest_other_task() -> None:
    parts = strata(["a", "a", "a", "b", "b", "c"], {"a": 1.0, "b": 1.0, "c": 2.0})
    assert [(part.index, part.weight) for part in parts] == [((0, 1, 2), 0.25), ((3, 4, 5), 0.75)]
    assert parts[1].shares == pytest.approx((1 / 6, 1 / 6, 2 / 3))
    assert parts[1].size == pytest.approx(2.0)  # the lone item says the most, and the three no more than two would
    together = strata(["a", "b", "c"], {"a": 1.0, "b": 1.0, "c": 1.0})
    assert [part.index for part in together] == [(0, 1, 2)]


def test_degrees_of_freedom_are_satterthwaites() -> None:
    scores = [1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0]
    parts = strata(["a"] * 3 + ["b"] * 6, {"a": 1.0, "b": 2.0})
    terms, sizes = [], [3, 6]
    for part, size in zip(parts, sizes, strict=True):
        middle = (sum(scores[index] for index in part.index) + 1) / (size + 2)
        terms.append(part.weight**2 * middle * (1 - middle) / (size + 1))
    expected = sum(terms) ** 2 / sum(term**2 / (size + 1) for term, size in zip(terms, sizes, strict=True))
    assert mean_of(scores, parts).freedom == pytest.approx(expected)
    first, second = mean_of(scores, one(9)), mean_of(scores[:4], one(4))
    gap = gap_of(scores, one(9), scores[:4], one(4))
    assert min(first.freedom, second.freedom) < gap.freedom < first.freedom + second.freedom
    half = gap_of(scores, one(9), scores, one(9))
    assert half.freedom == pytest.approx(2 * 10)  # of two equal samples of nine, each with two added: the sum


def test_the_mean_weighs_tasks_and_not_items() -> None:
    parts = strata(["a", "a", "a", "b", "b"], {"a": 1.0, "b": 1.0})
    assert mean_of([1.0, 1.0, 1.0, 0.0, 0.0], parts).mean == pytest.approx(0.5)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=40), st.integers(0, 2**32 - 1))
def test_intervals_of_any_scores(scores: list[float], seed: int) -> None:
    generator = np.random.default_rng(seed)
    tasks = [f"t{index}" for index in generator.integers(0, 3, len(scores))]
    parts = strata(tasks, {task: 1.0 + index for index, task in enumerate(sorted(set(tasks)))})
    other = generator.permutation(scores).tolist()
    sample, back = difference_of(scores, other, parts), difference_of(other, scores, parts)
    assert sample.mean == pytest.approx(-back.mean, abs=1e-12)
    assert sample.lower() == pytest.approx(-back.upper(), abs=1e-9)
    assert sample.upper(0.025 / 4) >= sample.upper() >= sample.lower() >= sample.lower(0.025 / 4)
    assert (sample.p_value < 0.05) == (sample.lower() > 0 or sample.upper() < 0) or sample.upper() == 1.0
    assert 0 <= mean_of(scores, parts).lower() <= mean_of(scores, parts).upper() <= 1


def test_graded_scores_of_little_spread_have_a_narrow_interval() -> None:
    graded = mean_of([0.4, 0.6] * 200, one(400))
    binary = mean_of([0.0, 1.0] * 200, one(400))
    assert [graded.mean, binary.mean] == pytest.approx([0.5, 0.5], abs=1e-12)
    assert graded.upper() - graded.lower() < 0.4 * (binary.upper() - binary.lower())


def test_a_gap_between_two_sets_of_items_is_agresti_and_caffos_interval() -> None:
    gap = gap_of([1.0] * 45 + [0.0] * 5, one(50), [1.0] * 80 + [0.0] * 20, one(100))
    first, second = 46 / 52, 81 / 102
    error = math.sqrt(first * (1 - first) / 52 + second * (1 - second) / 102)
    assert gap.mean == pytest.approx(0.1)
    assert gap.centre == pytest.approx(first - second)
    assert gap.standard_error == pytest.approx(error, rel=0.01)


def test_discordance_is_the_share_that_differs() -> None:
    first, second = zeros_and_ones(30, 10, 400)
    assert discordances(first, second, one(400)) == (pytest.approx(42 / 402),)
    halves = strata(["a", "b"] * 200, {"a": 1.0, "b": 1.0})
    assert discordances(first, second, halves) == (pytest.approx(21 / 201), pytest.approx(21 / 201))


def test_holm_is_holm() -> None:
    assert holm((0.01, 0.04, 0.03)) == pytest.approx((0.03, 0.06, 0.06))
    assert holm((0.5, 0.6)) == pytest.approx((1.0, 1.0))
    assert holm(()) == ()
