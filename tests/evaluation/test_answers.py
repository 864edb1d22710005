"""Votes over whole answers: who wins, what it costs, who abstains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from evoswarm.chat import Turn
from evoswarm.decoding.swarm import Swarm
from evoswarm.evaluation.answers import answer_of
from evoswarm.evaluation.evaluation import Evaluation, summarize
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.evaluation.judge import elected
from evoswarm.evaluation.kept import KeptEvaluations
from evoswarm.evaluation.ledger import Ledger
from evoswarm.evaluation.mixes import TransientFailures
from evoswarm.failure import Failure
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Fusion, Recipe, RecipeMember
from evoswarm.policies.route import PromptCluster, Route
from evoswarm.policies.vote import Vote, Voter
from evoswarm.tasks.reasoning_gym import ReasoningGymTask
from evoswarm.tasks.task import Item

NAMES = ("llama-a", "llama-b", "mamba-b")


@pytest.fixture(scope="module")
def swarm() -> Iterator[Swarm]:
    """Three members: one spells wrongly, two spell rightly."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield Swarm.load([MemberSpec(name=name, path=f"zoo:{name}") for name in NAMES])
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def task() -> ReasoningGymTask:
    """Words to be spelt backwards."""
    return ReasoningGymTask.verified(name="spell", family="spell_backward", max_bytes=10)


@pytest.fixture(scope="module")
def items(task: ReasoningGymTask) -> list[Item]:
    """Six of its items."""
    source = task.items()
    return [next(source) for _ in range(6)]


@pytest.fixture
def evaluator(swarm: Swarm, task: ReasoningGymTask) -> Iterator[Evaluator]:
    """Over a fresh ledger."""
    with Ledger(":memory:") as ledger:
        yield Evaluator(swarm, {task.name: task}, ledger)


def alone(swarm: Swarm, place: int, samples: int = 1, temperature: float = 1.0) -> Recipe:
    """One member, greedy or with a vote over its samples."""
    spec = swarm.specs[place]
    return Recipe(members=(RecipeMember(spec=spec),), lead=spec.name, samples=samples, sampling_temperature=temperature)


def of(swarm: Swarm, *weights: float) -> Vote:
    """The first members, greedy, with these weights."""
    return Vote(voters=tuple(Voter(recipe=alone(swarm, place), weight=weight) for place, weight in enumerate(weights)))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 4)), min_size=1, max_size=8))
def test_the_greatest_weight_wins_and_the_first_voter_breaks_ties(votes: list[tuple[str, int]]) -> None:
    sums = {answer: sum(weight for one, weight in votes if one == answer) for answer, _ in votes}
    best = [answer for answer in sums if sums[answer] == max(sums.values())]
    first = min(place for place, (answer, _) in enumerate(votes) if answer in best)
    assert elected([(answer, weight / 7) for answer, weight in votes]) == first


@given(st.lists(st.sampled_from(["", "a", "b"]), min_size=1, max_size=9))
def test_equal_weights_are_a_majority_vote(answers: list[str]) -> None:
    voting = [answer for answer in answers if answer] or answers
    most = max(voting.count(answer) for answer in voting)
    first = next(place for place, one in enumerate(answers) if one in voting and answers.count(one) == most)
    assert elected([(answer, 0.1) for answer in answers]) == first


def test_a_sum_that_is_rounded_still_ties() -> None:
    assert 0.1 + 0.2 > 0.3  # the reason
    assert elected([("a", 0.3), ("b", 0.1), ("b", 0.2)]) == 0


def test_a_lone_voter_is_its_recipe(swarm: Swarm, evaluator: Evaluator, items: list[Item]) -> None:
    recipes = [alone(swarm, 0), alone(swarm, 1, samples=4, temperature=1.4)]
    held = evaluator.evaluate([Vote(voters=(Voter(recipe=recipe, weight=3.0),)) for recipe in recipes], items)
    for rows, direct in zip(held, evaluator.evaluate(recipes, items), strict=True):
        assert [replace(row, entropy=0.0) for row in rows] == [
            replace(row, lead_tokens_touched=0, entropy=0.0) for row in direct
        ]
        assert [row.entropy for row in rows] == pytest.approx([row.entropy for row in direct])


def test_two_that_agree_win_and_the_cost_is_that_of_all(
    swarm: Swarm, evaluator: Evaluator, task: ReasoningGymTask, items: list[Item]
) -> None:
    wrong, right, also_right = evaluator.evaluate([alone(swarm, place) for place in range(3)], items)
    assert {row.score for row in right} == {row.score for row in also_right} == {1.0}
    assert {row.score for row in wrong} == {0.0}
    for weights, winner in (((1, 1, 1), right), ((3, 1, 1), wrong), ((2, 1, 1), wrong), ((1.9, 1, 1), right)):
        (rows,) = evaluator.evaluate([of(swarm, *weights)], items)
        assert [row.answer for row in rows] == [row.answer for row in winner]
        assert [row.score for row in rows] == [row.score for row in winner]
    for row, *parts in zip(rows, wrong, right, also_right, strict=True):
        assert row.cost.members == tuple(member for part in parts for member in part.cost.members)
        assert row.cost.flops == pytest.approx(sum(part.cost.flops for part in parts))
        assert row.steps == sum(part.steps for part in parts)
    assert [member.name for member in summarize(items, rows, {task.name: task}).cost.members] == list(NAMES)


def test_samples_share_the_weight_of_their_voter(swarm: Swarm, evaluator: Evaluator, items: list[Item]) -> None:
    """Were every sample to count in full, five of them would outvote one greedy answer of half again their weight."""
    voters = (
        Voter(recipe=alone(swarm, 0, samples=5, temperature=0.05)),
        Voter(recipe=alone(swarm, 1), weight=1.5),
    )
    (rows,) = evaluator.evaluate([Vote(voters=voters)], items)
    (greedy,) = evaluator.evaluate([alone(swarm, 1)], items)
    assert [row.answer for row in rows] == [row.answer for row in greedy]
    assert [len(row.answers) for row in rows] == [6] * len(items)


def test_answers_are_counted_as_the_scorer_extracts_them(
    swarm: Swarm, evaluator: Evaluator, task: ReasoningGymTask, items: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the scorer finds the same, they agree; where it finds nothing, nobody is voted for."""
    (first, second) = evaluator.evaluate([alone(swarm, 0), alone(swarm, 1)], items)
    assert all(one.answer != other.answer for one, other in zip(first, second, strict=True))
    ballot = of(swarm, 1.5, 1, 1)
    golds = {item.gold for item in items}
    monkeypatch.setattr(ReasoningGymTask, "extract", lambda task, text: "-" if text in golds else text)
    (rows,) = evaluator.evaluate([ballot], items)
    assert [row.answer for row in rows] == [row.answer for row in second]
    monkeypatch.setattr(ReasoningGymTask, "extract", lambda task, text: "" if text in golds else text)
    (rows,) = evaluator.evaluate([ballot], items)
    assert [row.answer for row in rows] == [row.answer for row in first]
    monkeypatch.setattr(ReasoningGymTask, "extract", lambda task, text: "the same to me")
    (rows,) = evaluator.evaluate([of(swarm, 0.1, 1, 1)], items)
    assert [row.answer for row in rows] == [row.answer for row in first]


def test_who_fails_abstains_and_where_all_fail_the_first_failure_counts(
    swarm: Swarm, task: ReasoningGymTask, items: list[Item]
) -> None:
    with Ledger(":memory:") as ledger:
        digests = [Evaluator(swarm, {task.name: task}, ledger).item_digest(item, "{prompt}") for item in items]
        full, late = Failure("out_of_memory", "no room"), Failure("time_out", "too late")
        known = {(alone(swarm, 0).digest, digest): full for digest in digests}
        known[alone(swarm, 1).digest, digests[2]] = late
        evaluator = Evaluator(swarm, {task.name: task}, ledger, transient=TransientFailures(known))
        (rows,) = evaluator.evaluate([of(swarm, 9, 1)], items)
        (second,) = evaluator.evaluate([alone(swarm, 1)], items)
    assert [row.failure for row in rows] == [full if place == 2 else None for place in range(len(items))]
    assert [row.score for row in rows] == [row.score for row in second]
    assert all([member.name for member in row.cost.members] == ["llama-a", "llama-b"] for row in rows)
    assert rows[0].cost.flops == second[0].cost.flops > 0


def test_a_scorer_that_raises_is_a_failure(swarm: Swarm, task: ReasoningGymTask, items: list[Item]) -> None:
    scores = iter([1.0, 1.0, 2.0])  # the voters pass, the ballot does not

    class Fussy:
        name, weight, max_bytes, stop, scorer_id = "spell", 1.0, 10, (), "fussy"

        def extract(self, text: str) -> str:
            return text

        def score(self, item: Item, text: str) -> float:
            return next(scores)

    with Ledger(":memory:") as ledger:
        evaluator = Evaluator(swarm, {"spell": Fussy()}, ledger)  # type: ignore[dict-item]
        ((row,),) = evaluator.evaluate([of(swarm, 1, 1)], items[:1])
    assert row.score is None
    assert row.failure is not None
    assert row.failure.kind == "scorer_error"


def test_votes_are_decoded_once_and_replayed(swarm: Swarm, evaluator: Evaluator, items: list[Item]) -> None:
    ballots = [of(swarm, 1, 1), of(swarm, 1, 1, 1)]
    first = evaluator.evaluate(ballots, items)
    assert evaluator.decoded == 3 * len(items)
    assert evaluator.evaluate(ballots, items) == first
    assert evaluator.decoded == 3 * len(items)


def test_sums_of_votes_are_kept_and_counted_as_one_evaluation_an_item(
    swarm: Swarm, evaluator: Evaluator, task: ReasoningGymTask, items: list[Item]
) -> None:
    vote = of(swarm, 1, 1)
    (summary,) = evaluator.summaries([vote], items)
    assert evaluator.asked == len(items)
    (rows,) = evaluator.evaluate([vote], items)
    assert summary == summarize(items, rows, {task.name: task})
    assert evaluator.asked == len(items)
    again = Evaluator(swarm, {task.name: task}, evaluator.ledger)
    assert again.summaries([vote], items) == [summary]
    assert (again.asked, again.tokens, again.flops) == (evaluator.asked, evaluator.tokens, evaluator.flops)
    assert again.decoded == 0


def test_a_router_by_confidence_may_ask_a_vote(swarm: Swarm, evaluator: Evaluator, items: list[Item]) -> None:
    first, vote = alone(swarm, 0), of(swarm, 0.1, 1, 1)
    (routed,) = evaluator.evaluate([Route(by="confidence", policies=(first, vote))], items)
    (one,), (other,) = evaluator.evaluate([first], items), evaluator.evaluate([vote], items)
    for row, mine, theirs in zip(routed, one, other, strict=True):
        assert row.answer == (mine if mine.entropy <= theirs.entropy else theirs).answer
        assert row.cost.flops == pytest.approx(mine.cost.flops + theirs.cost.flops)
    assert {row.entropy for row in routed} == {min(a.entropy, b.entropy) for a, b in zip(one, other, strict=True)}


def test_who_never_drew_its_lead_is_least_sure(task: ReasoningGymTask, items: list[Item]) -> None:
    """No entropy of a lead is known then, which is kept as 0."""
    members = tuple(RecipeMember(spec=MemberSpec(name=name, path=f"zoo:{name}")) for name in NAMES[:2])
    drawn = Recipe(members=members, lead=NAMES[0], fusion=Fusion(rule="mixture"), samples=3)
    plain = Recipe(members=members[1:], lead=NAMES[1])
    assert drawn.draws_speaker
    route = Route(by="confidence", policies=(drawn, plain))

    def answer(entropy: float, other: float) -> str:
        rows = [
            Evaluation(score=0.0, answer="drawn", entropy=entropy),
            Evaluation(score=1.0, answer="plain", entropy=other),
        ]
        return answer_of(route, task, items[0], rows).answer

    assert [answer(0.0, 2.0), answer(0.1, 2.0), answer(0.1, 0.0)] == ["plain", "drawn", "plain"]
    lost = Evaluation(score=None, failure=Failure("no_mass", "nobody says anything"))
    assert answer_of(route, task, items[0], [Evaluation(score=0.0, answer="drawn"), lost]).answer == "drawn"


def test_every_policy_of_a_route_asks_in_its_own_way(swarm: Swarm, evaluator: Evaluator, items: list[Item]) -> None:
    first, second = alone(swarm, 0), alone(swarm, 1).changed(prompt_format="Q: {prompt}")
    routes = [Route(by="confidence", policies=(first, one)) for one in (alone(swarm, 1), second)]
    plain, own = evaluator.evaluate(routes, items)
    (one,), (other,) = evaluator.evaluate([first], items), evaluator.evaluate([second], items)
    assert [row.answer for row in own] == [
        (mine if mine.entropy <= theirs.entropy else theirs).answer for mine, theirs in zip(one, other, strict=True)
    ]
    assert [row.cost for row in own] != [row.cost for row in plain]
    sums = evaluator.summaries(routes, items)
    again = Evaluator(swarm, evaluator.tasks, evaluator.ledger)
    assert again.summaries(routes, items) == sums
    assert sums == [summarize(items, rows, evaluator.tasks) for rows in (plain, own)]


def test_a_router_by_prompt_decodes_and_pays_who_is_chosen_only(
    swarm: Swarm, evaluator: Evaluator, items: list[Item]
) -> None:
    first, vote = alone(swarm, 0), of(swarm, 0.1, 1, 1)
    letter = items[0].prompt[5]  # of one of the words: some prompts have it, some have not
    clusters = (PromptCluster(ngrams={letter: 5}, policy=1), PromptCluster(ngrams={items[0].prompt[:3]: 1}, policy=0))
    router = Route(by="cluster", policies=(first, vote), clusters=clusters)
    (routed,) = evaluator.evaluate([router], items)
    known = evaluator.decoded
    (summary,) = evaluator.summaries([router], items)
    there = [letter in item.prompt for item in items]
    assert any(there)
    assert not all(there)
    (mine,), (theirs,) = evaluator.evaluate([first], items), evaluator.evaluate([vote], items)
    assert known == there.count(False) + 3 * there.count(True), "of the three voters, and of one of them alone"
    for routed_row, one, other, voted in zip(routed, mine, theirs, there, strict=True):
        row = other if voted else one
        assert (routed_row.answer, routed_row.score) == (row.answer, row.score)
        assert routed_row.cost.flops == row.cost.flops
    assert summary == summarize(items, routed, evaluator.tasks)
    again = Evaluator(swarm, evaluator.tasks, evaluator.ledger)
    assert (again.summaries([router], items), again.decoded) == ([summary], 0)
    kept = KeptEvaluations(evaluator.ledger, evaluator.tasks)
    kept.settle([router], items)
    assert kept.evaluations(router, items) == routed


def test_copies_of_a_member_under_other_names_each_pay_for_themselves(
    task: ReasoningGymTask, items: list[Item]
) -> None:
    """Their recipes have one digest, so they are decoded once; costs are told by the names of whoever is asked."""
    twins = Swarm.load([MemberSpec(name=name, path="zoo:llama-b") for name in ("one", "two")])
    recipes = [alone(twins, place) for place in range(2)]
    assert recipes[0].digest == recipes[1].digest
    votes = [Vote(voters=(Voter(recipe=recipe),)) for recipe in recipes]
    both = Vote(voters=tuple(Voter(recipe=recipe) for recipe in recipes))
    with Ledger(":memory:") as ledger:
        evaluator = Evaluator(twins, {task.name: task}, ledger)
        rows = evaluator.evaluate([both, *reversed(votes)], items)[0]
        (last,) = evaluator.evaluate([votes[1]], items)
        assert evaluator.decoded == len(items)
    for row, single in zip(rows, last, strict=True):
        first, second = row.cost.members
        assert (first.name, second.name) == ("one", "two")
        assert first[1:] == second[1:] == single.cost.members[0][1:]
        assert single.cost.members[0].name == "two"


def test_votes_and_routes_hand_conversations_on(swarm: Swarm, evaluator: Evaluator, items: list[Item]) -> None:
    """None of these members has a chat template: what is asked as a conversation is refused, and nothing else is."""
    vote = of(swarm, 1, 1, 1)
    route = Route(by="confidence", policies=(alone(swarm, 0), vote))
    talk = replace(items[0], before=(Turn("system", "Be brief."),))
    for policy in (alone(swarm, 1), vote, route):
        plain, asked = evaluator.evaluate([policy], [items[0], talk])[0]
        assert plain.failure is None
        assert asked.failure is not None
        assert asked.failure.kind == "prompt_refused"
        assert "expected a chat template" in asked.failure.message
