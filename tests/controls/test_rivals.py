"""The choice of rivals on made-up evaluations."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from evoswarm.controls.plain import single
from evoswarm.controls.rivals import Singles, best_sampling, best_single, better_router
from evoswarm.controls.sampling import sampled
from evoswarm.controls.trial import Trials
from evoswarm.controls.ways import Decode, MostConfident, RouteByTask
from evoswarm.evaluation.cost import Cost, MemberCost
from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.experiment.workbench import Workbench
from evoswarm.recipe import Recipe
from tests.controls.conftest import tell


@pytest.fixture
def alone(bench: Workbench) -> list[Recipe]:
    """Every member alone."""
    return [single(bench.space, spec) for spec in bench.pool]


@pytest.fixture
def trials(bench: Workbench) -> Trials:
    """On a sum, a word, a sum and a word; words weigh three times as much."""
    return Trials(bench.evaluator, bench.items["selection"][:4])


def believe(
    trials: Trials, recipe: Recipe, scores: Sequence[float], flops: float, nats: Sequence[float] = (1.0,) * 4
) -> None:
    cost = Cost((MemberCost(recipe.lead, 1.0, 1.0, 8.0, flops, 1.0),))
    rows = [Evaluation(score, cost=cost, entropy=one, steps=1) for score, one in zip(scores, nats, strict=True)]
    tell(trials.evaluator, recipe, trials.items, rows)


def singles(trials: Trials, alone: Sequence[Recipe], hot: Sequence[Recipe]) -> Singles:
    greedy = trials.run([(f"{recipe.lead}, greedy", Decode(recipe)) for recipe in alone])
    return Singles(tuple(greedy), tuple(trials.run([(f"{recipe.lead}, hot", Decode(recipe)) for recipe in hot])))


def test_the_best_single_member_is_greedy_and_sampling_includes_greedy(trials: Trials, alone: list[Recipe]) -> None:
    for recipe, scores in zip(alone, [(1, 0, 1, 0), (0, 1, 0, 0), (0, 0, 0, 0)], strict=True):
        believe(trials, recipe, scores, 10)
    worse, better = sampled(alone[0], 3, 1.0), sampled(alone[0], 5, 1.0)
    believe(trials, worse, (1, 0, 0, 0), 30)
    believe(trials, better, (1, 1, 1, 1), 50)
    assert best_single(singles(trials, alone, [worse, better])).way.recipes == (alone[1],)
    assert best_sampling(singles(trials, alone, [worse])).way.recipes == (alone[1],)
    best = best_sampling(singles(trials, alone, [worse, better]))
    assert best.way.recipes == (better,)
    assert best.description.startswith("The best of 5 single-member recipes")
    assert best.description.endswith(": 100.0% on selection.")


def test_equally_good_is_the_cheaper(trials: Trials, alone: list[Recipe]) -> None:
    for recipe, flops in zip(alone, (30, 10, 20), strict=True):
        believe(trials, recipe, (1, 0, 1, 0), flops)
    hot = sampled(alone[1], 3, 1.0)
    believe(trials, hot, (1, 0, 1, 0), 40)
    assert best_single(singles(trials, alone, [hot])).way.recipes == (alone[1],)
    assert best_sampling(singles(trials, alone, [hot])).way.recipes == (alone[1],)


def test_the_router_by_task_takes_the_best_of_each_task_samples_included(trials: Trials, alone: list[Recipe]) -> None:
    for recipe, scores in zip(alone, [(1, 0, 1, 0), (0, 1, 0, 0), (0, 0, 0, 0)], strict=True):
        believe(trials, recipe, scores, 10)
    hot = sampled(alone[2], 3, 1.0)
    believe(trials, hot, (0, 1, 0, 1), 30)
    router = better_router(trials, singles(trials, alone, [hot]))
    assert router.way == RouteByTask((("sums", alone[0]), ("spell", hot)), otherwise=hot)
    assert (
        "sums: llama-a, greedy; spell: neox-e, hot (the router by confidence got 25.0%): 100.0%" in router.description
    )


def test_the_router_by_confidence_is_taken_where_it_is_better(trials: Trials, alone: list[Recipe]) -> None:
    """Each member knows when it knows: by task only half can be had."""
    believe(trials, alone[0], (1, 1, 0, 0), 10, (0.1, 0.1, 0.9, 0.9))
    believe(trials, alone[1], (0, 0, 1, 1), 10, (0.9, 0.9, 0.1, 0.1))
    believe(trials, alone[2], (0, 0, 0, 0), 10, (0.5,) * 4)
    router = better_router(trials, singles(trials, alone, []))
    assert router.way == MostConfident(tuple(alone))
    assert (router.key, router.name) == ("R4", "router by confidence")
    assert "(the router by task got 50.0%): 100.0% on selection." in router.description
