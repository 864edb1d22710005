"""The choice of rivals on made-up evaluations."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from evoswarm.controls.plain import single
from evoswarm.controls.rivals import Singles, best_sampling, best_single, better_router, members_vote
from evoswarm.controls.sampling import sampled
from evoswarm.controls.trial import Entrant, Trials
from evoswarm.controls.ways import Decode, MostConfident, RouteByTask, Vote
from evoswarm.evaluation.cost import Cost, MemberCost
from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.experiment.workbench import Workbench
from evoswarm.policies.mix import Recipe
from tests.controls.conftest import mix, tell


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
    """Where a recipe is right it says so, and where it is wrong it says what all others say that are wrong."""
    cost = Cost((MemberCost(recipe.lead, 1.0, 1.0, 8.0, flops, 1.0),))
    rows = []
    for item, score, one in zip(trials.items, scores, nats, strict=True):
        text = item.gold if score else "wrong"
        rows.append(Evaluation(score, answer=text, answers=(text,), cost=cost, entropy=one, steps=1))
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


@pytest.fixture
def greedy_votes(
    trials: Trials, alone: list[Recipe], bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Entrant]:
    """R3 of a champion of the first members, by how right each is and what it costs; nobody samples."""
    monkeypatch.setattr("evoswarm.controls.rivals.TEMPERATURES", ())

    def vote(*known: tuple[Sequence[float], float]) -> Entrant:
        for recipe, (scores, flops) in zip(alone, known, strict=False):
            believe(trials, recipe, scores, flops)
        names = [spec.name for spec in bench.pool[: len(known)]]
        return members_vote(trials, bench.space, mix(bench, *names), flops=100.0)

    return vote


def ballot_of(rival: Entrant) -> list[tuple[str, float]]:
    assert isinstance(rival.way, Vote)
    return [(voter.recipe.lead, voter.weight) for voter in rival.way.ballot.voters]


def test_in_a_vote_ties_go_to_the_member_that_is_best_on_selection(greedy_votes: Callable[..., Entrant]) -> None:
    """Two members of one vote each: whoever comes first decides, and the champion's first one is the worse."""
    rival = greedy_votes(((1, 0, 0, 0), 10), ((0, 1, 1, 1), 20))
    assert ballot_of(rival) == [("llama-b", 1.0), ("llama-a", 1.0)]
    assert "(llama-b, llama-a), one greedy answer each, equal weights, the best of 2 ballots tried" in rival.description


def test_in_a_vote_ties_of_equally_good_members_go_to_the_cheaper(greedy_votes: Callable[..., Entrant]) -> None:
    assert ballot_of(greedy_votes(((1, 1, 0, 0), 20), ((0, 0, 1, 1), 10))) == [("llama-b", 1.0), ("llama-a", 1.0)]


def test_a_vote_is_weighted_by_accuracy_where_that_is_better(greedy_votes: Callable[..., Entrant]) -> None:
    """Two that are mostly wrong outvote one that is mostly right, unless votes weigh as much as their voter knows."""
    rival = greedy_votes(((1, 0, 0, 0), 10), ((0, 1, 1, 1), 10), ((0, 0, 0, 0), 10))
    assert ballot_of(rival) == [("llama-b", pytest.approx(0.875)), ("llama-a", pytest.approx(0.125)), ("neox-e", 1e-3)]
    assert "weights by accuracy on selection" in rival.description
    assert rival.description.endswith(": 87.5% on selection.")
