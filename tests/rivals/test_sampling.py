"""How many answers a champion's compute buys."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoswarm.evaluation.cost import Cost, MemberCost
from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.experiment.workbench import Workbench
from evoswarm.failure import Failure
from evoswarm.genomes.plain import single
from evoswarm.rivals.sampling import FEWEST, Price, price_of, sampled, samples_for

MOST = 64
prices = st.builds(Price, st.floats(0, 1e9), st.floats(1e3, 1e9))


def answered(flops: float, tokens: int, behind: int) -> Evaluation:
    return Evaluation(1.0, cost=Cost((MemberCost("a", tokens, 1, 1.0, flops, 4),)), lead_tokens=behind)


@pytest.mark.parametrize(
    ("flops", "samples"),
    [
        (30.0, FEWEST),  # less than a prompt
        (150.0, FEWEST),  # exactly one answer
        (300.0, 4),  # 100 + 4 * 50, exactly
        (300.1, 5),  # rounded up
        (100.0 + 50.0 * MOST, MOST),
    ],
)
def test_answers_are_rounded_up_and_at_least_three(flops: float, samples: int) -> None:
    assert samples_for(flops, [Price(100.0, 50.0)], MOST) == (samples, False)


def test_the_cap_says_that_it_binds() -> None:
    assert samples_for(100.0 + 50.0 * MOST + 1, [Price(100.0, 50.0)], MOST) == (MOST, True)
    assert samples_for(200.0, [Price(100.0, 0.0)], MOST) == (MOST, True), "empty answers are never enough"
    assert samples_for(50.0, [Price(100.0, 0.0)], MOST) == (FEWEST, False)


def test_several_members_share_what_may_be_spent() -> None:
    assert samples_for(500.0, [Price(100.0, 50.0)], MOST) == (8, False)
    assert samples_for(500.0, [Price(100.0, 50.0), Price(60.0, 10.0)], MOST) == (6, False)  # (500 - 160) / 60


@given(st.floats(0, 1e11), st.lists(prices, min_size=1, max_size=4), st.integers(FEWEST, MOST))
def test_it_is_enough_and_one_fewer_is_not(flops: float, of: list[Price], most: int) -> None:
    samples, capped = samples_for(flops, of, most)

    def costs(count: int) -> float:
        return math.fsum(price.prompt + count * price.answer for price in of)

    assert FEWEST <= samples <= most
    assert capped == (costs(samples) < flops * (1 - 1e-9))
    if samples > FEWEST:
        assert costs(samples - 1) < flops


def test_the_price_is_parted_by_tokens_and_tasks_weigh(bench: Workbench) -> None:
    """Two sums (weight 1, two items) and one word (weight 3, one item)."""
    items = [item for item in bench.items["selection"] if item.task == "sums"][:2]
    items += [item for item in bench.items["selection"] if item.task == "spell"][:1]
    rows = [answered(100.0, 10, 2), answered(200.0, 10, 5), answered(1000.0, 20, 1)]
    price = price_of(items, rows, bench.tasks)
    assert price.answer == pytest.approx(0.125 * 20 + 0.125 * 100 + 0.75 * 50)
    assert price.prompt + price.answer == pytest.approx(0.125 * 100 + 0.125 * 200 + 0.75 * 1000)
    failed = Evaluation(None, failure=Failure("no_mass", ""))
    assert price_of(items, [rows[0], rows[1], failed], bench.tasks).answer == pytest.approx(60.0)
    assert price_of(items, [failed] * 3, bench.tasks) == Price(0.0, 0.0)


def test_the_price_of_real_answers_is_near_what_more_of_them_cost(bench: Workbench) -> None:
    """Hot samples share little: what k of them cost is near the prompt and k answers."""
    items = bench.items["selection"]
    recipe = single(bench.space, bench.pool[0])
    greedy, hot = bench.evaluator.evaluate([recipe, sampled(recipe, 8, 50.0)], items)
    price = price_of(items, greedy, bench.tasks)
    tokens = sum(row.lead_tokens for row in hot) / sum(row.lead_tokens for row in greedy)
    real = sum(row.cost.flops for row in hot) / len(items)
    assert price.prompt + tokens * price.answer == pytest.approx(real, rel=0.35)


def test_samples_are_nested(bench: Workbench) -> None:
    recipe = single(bench.space, bench.pool[0])
    few, many = bench.evaluator.evaluate([sampled(recipe, 3, 1.0), sampled(recipe, 8, 1.0)], bench.items["selection"])
    assert [row.answers for row in few] == [row.answers[:3] for row in many]
    assert any(len(set(row.answers)) > 1 for row in many)


def test_sampling_keeps_the_rest_of_a_recipe(bench: Workbench) -> None:
    recipe = single(bench.space, bench.pool[0])
    hot = sampled(recipe, 5, 0.7)
    assert (hot.samples, hot.sampling_temperature) == (5, 0.7)
    assert sampled(hot, 1, 1.0) == recipe
