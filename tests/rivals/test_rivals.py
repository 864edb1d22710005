"""The choice of rivals on made-up evaluations."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from evoswarm.evaluation.candidate import Candidate, score
from evoswarm.evaluation.cost import Cost, MemberCost
from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.experiment.workbench import Workbench
from evoswarm.genomes.plain import single
from evoswarm.policies import Recipe, Route, Vote
from evoswarm.rivals.drawing import Arm, Draw
from evoswarm.rivals.matched import Singles, best_sampling, best_single, members_vote
from evoswarm.rivals.routers import best_router
from evoswarm.rivals.sampling import sampled
from evoswarm.tasks.task import Item
from tests.rivals.conftest import mix, tell


@pytest.fixture
def alone(bench: Workbench) -> list[Recipe]:
    """Every member alone."""
    return [single(bench.space, spec) for spec in bench.pool]


At = tuple[Evaluator, Sequence[Item]]


@pytest.fixture
def at(bench: Workbench) -> At:
    """On a sum, a word, a sum and a word; words weigh three times as much."""
    return bench.evaluator, bench.items["selection"][:4]


def believe(at: At, recipe: Recipe, scores: Sequence[float], flops: float, nats: Sequence[float] = (1.0,) * 4) -> None:
    """Where a recipe is right it says so, and where it is wrong it says what all others say that are wrong."""
    cost = Cost((MemberCost(recipe.lead, 1.0, 1.0, 8.0, flops, 1.0),))
    rows = []
    for item, right, one in zip(at[1], scores, nats, strict=True):
        text = item.gold if right else "wrong"
        rows.append(Evaluation(right, answer=text, answers=(text,), cost=cost, entropy=one, steps=1))
    tell(at[0], recipe, at[1], rows)


def singles(at: At, alone: Sequence[Recipe], hot: Sequence[Recipe]) -> Singles:
    greedy = score([Candidate(f"{recipe.lead}, greedy", recipe) for recipe in alone], *at)
    votes = score([Candidate(f"{recipe.lead}, hot", recipe) for recipe in hot], *at)
    arms = [Arm(recipe, "at temperature 1", recipe.samples) for recipe in hot]
    return Singles(tuple(greedy), tuple(Draw(arm, (vote,), "spent") for arm, vote in zip(arms, votes, strict=True)))


def test_the_best_single_member_is_greedy_and_sampling_includes_greedy(at: At, alone: list[Recipe]) -> None:
    for recipe, scores in zip(alone, [(1, 0, 1, 0), (0, 1, 0, 0), (0, 0, 0, 0)], strict=True):
        believe(at, recipe, scores, 10)
    worse, better = sampled(alone[0], 3, 1.0), sampled(alone[0], 5, 1.0)
    believe(at, worse, (1, 0, 0, 0), 30)
    believe(at, better, (1, 1, 1, 1), 50)
    assert best_single(singles(at, alone, [worse, better])).policy == alone[1]
    assert best_sampling(singles(at, alone, [worse])).policy == alone[1]
    best = best_sampling(singles(at, alone, [worse, better]))
    assert best.policy == better
    assert best.description.startswith("The best of 5 single-member recipes")
    assert best.description.endswith(": 100.0% on selection.")


def test_equally_good_is_the_cheaper(at: At, alone: list[Recipe]) -> None:
    for recipe, flops in zip(alone, (30, 10, 20), strict=True):
        believe(at, recipe, (1, 0, 1, 0), flops)
    hot = sampled(alone[1], 3, 1.0)
    believe(at, hot, (1, 0, 1, 0), 40)
    assert best_single(singles(at, alone, [hot])).policy == alone[1]
    assert best_sampling(singles(at, alone, [hot])).policy == alone[1]


def test_the_router_by_task_takes_the_best_of_each_task_samples_included(at: At, alone: list[Recipe]) -> None:
    for recipe, scores in zip(alone, [(1, 0, 1, 0), (0, 1, 0, 0), (0, 0, 0, 0)], strict=True):
        believe(at, recipe, scores, 10)
    hot = sampled(alone[2], 3, 1.0)
    believe(at, hot, (0, 1, 0, 1), 30)
    router = best_router(*at, singles(at, alone, [hot]))
    assert router.policy == Route(by="task", policies=(hot, alone[0], hot), tasks={"sums": 1, "spell": 2})
    assert (
        "sums: llama-a, greedy; spell: neox-e, hot (the router by confidence got 25.0%): 100.0%" in router.description
    )


def test_the_router_by_confidence_is_taken_where_it_is_better(at: At, alone: list[Recipe]) -> None:
    """Each member knows when it knows: by task only half can be had."""
    believe(at, alone[0], (1, 1, 0, 0), 10, (0.1, 0.1, 0.9, 0.9))
    believe(at, alone[1], (0, 0, 1, 1), 10, (0.9, 0.9, 0.1, 0.1))
    believe(at, alone[2], (0, 0, 0, 0), 10, (0.5,) * 4)
    router = best_router(*at, singles(at, alone, []))
    assert router.policy == Route(by="confidence", policies=tuple(alone))
    assert (router.key, router.name) == ("R4", "router by confidence")
    assert "(the router by task got 50.0%): 100.0% on selection." in router.description


@pytest.fixture
def greedy_votes(
    at: At, alone: list[Recipe], bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Candidate]:
    """R3 of a champion of the first members, by how right each is and what it costs; nobody samples."""
    monkeypatch.setattr("evoswarm.rivals.matched.TEMPERATURES", ())

    def vote(*known: tuple[Sequence[float], float]) -> Candidate:
        for recipe, (scores, flops) in zip(alone, known, strict=False):
            believe(at, recipe, scores, flops)
        names = [spec.name for spec in bench.pool[: len(known)]]
        return members_vote(*at, bench.space, mix(bench, *names), 100.0, singles(at, [], []))

    return vote


def votes_of(rival: Candidate) -> list[tuple[str, float]]:
    assert isinstance(rival.policy, Vote)
    return [(voter.recipe.lead, voter.weight) for voter in rival.policy.voters]


def test_in_a_vote_ties_go_to_the_member_that_is_best_on_selection(greedy_votes: Callable[..., Candidate]) -> None:
    """Two members of one vote each: whoever comes first decides, and the champion's first one is the worse."""
    rival = greedy_votes(((1, 0, 0, 0), 10), ((0, 1, 1, 1), 20))
    assert votes_of(rival) == [("llama-b", 0.5), ("llama-a", 0.5)]
    assert "(llama-b, llama-a), one greedy answer each, equal weights, the best of 2 ballots tried" in rival.description


def test_in_a_vote_ties_of_equally_good_members_go_to_the_cheaper(greedy_votes: Callable[..., Candidate]) -> None:
    assert votes_of(greedy_votes(((1, 1, 0, 0), 20), ((0, 0, 1, 1), 10))) == [("llama-b", 0.5), ("llama-a", 0.5)]


def test_a_vote_is_weighted_by_accuracy_where_that_is_better(greedy_votes: Callable[..., Candidate]) -> None:
    """Two that are mostly wrong outvote one that is mostly right, unless votes weigh as much as their voter knows."""
    rival = greedy_votes(((1, 0, 0, 0), 10), ((0, 1, 1, 1), 10), ((0, 0, 0, 0), 10))
    assert votes_of(rival) == [("llama-b", 0.874126), ("llama-a", 0.124875), ("neox-e", 0.000999001)]
    assert "weights by accuracy on selection" in rival.description
    assert rival.description.endswith(": 87.5% on selection.")


def test_the_router_by_prompt_is_taken_where_kinds_of_prompts_matter(bench: Workbench, alone: list[Recipe]) -> None:
    """Two kinds under one task's name: no router by task can tell them apart, and confidence misleads."""
    evaluator = bench.evaluator
    forms = ("rev {0}{0}=", "{0}7 + 1{0} = ?")
    items = [Item(f"k{n}", "sums", forms[n % 2].format(n % 10), str(n), {"answer": str(n)}) for n in range(60)]
    for place, recipe in enumerate(alone):
        right = [float(n % 2 == place) for n in range(60)]
        nats = [0.1 + score for score in right]
        believe((evaluator, items), recipe, right, 10, nats)
    router = best_router(evaluator, items, singles((evaluator, items), alone, []))
    assert isinstance(router.policy, Route)
    assert (router.key, router.name, router.policy.by) == ("R4", "router by prompt", "cluster")
    assert {recipe.lead for recipe in router.policy.mixes("sums", "4 + 5 = ?")} == {"llama-b"}
    assert "llama-a, greedy" in router.description
    assert "the router by task got 50.0%" in router.description
    assert router.description.endswith(": 100.0% on selection.")
