"""Traces of policies of every kind, over members with different tokenizers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch

from evoswarm.decoding.swarm import Swarm
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.evaluation.ledger import Ledger
from evoswarm.evaluation.traces.lines import PolicyKey, TraceLine, TraceStep
from evoswarm.evaluation.traces.parts import parts_of
from evoswarm.evaluation.traces.tracing import Tracer
from evoswarm.member_spec import MemberSpec
from evoswarm.policies import Policy, Recipe, Route, Vote
from evoswarm.policies.mix import RecipeMember
from evoswarm.policies.route import PromptCluster
from evoswarm.policies.vote import Voter
from evoswarm.tasks.reasoning_gym import ReasoningGymTask
from evoswarm.tasks.task import Item
from evoswarm.zoo.catalogue import member_path
from tests import oracle as judge
from tests.oracle_member import OracleMember

NAMES = ("gpt2-c", "llama-b")  # of different tokenizers


@pytest.fixture(scope="module")
def swarm() -> Iterator[Swarm]:
    """Two members that share no tokenizer."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield Swarm.load([MemberSpec(name=name, path=f"zoo:{name}") for name in NAMES])
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def oracle() -> Callable[[str], OracleMember]:
    """The judge's members by name."""
    return cache(lambda name: OracleMember(member_path(name)))


@pytest.fixture
def evaluator(swarm: Swarm, task: ReasoningGymTask) -> Iterator[Evaluator]:
    """Over a fresh ledger."""
    with Ledger(":memory:") as ledger:
        yield Evaluator(swarm, {task.name: task}, ledger)


def mix(swarm: Swarm, *places: int, **fields: Any) -> Recipe:
    """Some of the members, the first of which leads."""
    specs = [swarm.specs[place] for place in places]
    return Recipe(members=tuple(RecipeMember(spec=one) for one in specs), lead=specs[0].name, **fields)


def traced(evaluator: Evaluator, policy: Policy, items: Sequence[Item]) -> list[list[TraceLine]]:
    """What a policy did, item by item, as it is written and read back."""
    roles: dict[PolicyKey, tuple[str, Policy]] = {"champion": ("champion", policy)}
    texts = Tracer(evaluator, roles).lines(items, first=3)
    found = [[TraceLine.from_json(text) for text in some] for some in texts]
    assert [[line.to_json() for line in some] for some in found] == texts
    return found


def spelled(steps: Sequence[TraceStep]) -> str:
    return b"".join(step.symbol or b"" for step in steps).decode()


@pytest.mark.parametrize("alphabet", ["bytes", "common"])
def test_a_mix_of_two_tokenizers_is_traced_as_the_judge_decodes_it(
    swarm: Swarm, evaluator: Evaluator, items: list[Item], oracle: Callable[[str], OracleMember], alphabet: Any
) -> None:
    both = mix(swarm, 0, 1, alphabet=alphabet)
    members = [oracle(name) for name in NAMES]
    rows = evaluator.evaluate([both], items)[0]
    for number, (item, row, (line,)) in enumerate(zip(items, rows, traced(evaluator, both, items), strict=True)):
        assert (line.number, line.item, line.policy, line.part) == (3 + number, item.key, "champion", 0)
        assert (line.question, line.gold) == (item.prompt, item.gold)
        assert (line.score, line.answer, line.failure) == (row.score, row.answer, None)
        want = judge.decode(both, members, item.prompt, item.key, 10)
        if min(want.margin, row.margin) > 1e-4:
            assert spelled(line.steps) == want.text == row.answer
            assert [step.entropy for step in line.steps] == pytest.approx(want.entropies, abs=1e-3)
        assert {step.speakers for step in line.steps} == {(0, 1)}
        assert all(step.candidates[0][0] == step.symbol for step in line.steps), "greedily, the likeliest is chosen"
        assert all(step.moved and step.log_prob is not None for step in line.steps)
    assert any(len(step.symbol or b"") > 1 for line in traced(evaluator, both, items) for step in line[0].steps) == (
        alphabet == "common"
    )


def test_what_was_traced_before_is_not_decoded_again(swarm: Swarm, evaluator: Evaluator, items: list[Item]) -> None:
    both = mix(swarm, 1, 0)
    first = traced(evaluator, both, items)
    before = swarm.counters.symbols
    assert traced(evaluator, both, items) == first
    assert swarm.counters.symbols == before


def test_of_a_vote_the_first_sample_of_each_voter_is_traced(
    swarm: Swarm, evaluator: Evaluator, items: list[Item]
) -> None:
    drawn = mix(swarm, 0, samples=3, sampling_temperature=1.5)
    vote = Vote(voters=(Voter(recipe=drawn, weight=1), Voter(recipe=mix(swarm, 1), weight=2)))
    elected, samples, greedy = evaluator.evaluate([vote, drawn, mix(swarm, 1)], items)
    assert [part.label for part in parts_of(vote)] == list(NAMES)
    for place, lines in enumerate(traced(evaluator, vote, items)):
        assert [line.part for line in lines] == [0, 1]
        assert {(line.score, line.answer) for line in lines} == {(elected[place].score, elected[place].answer)}
        assert [spelled(line.steps) for line in lines] == [samples[place].answers[0], greedy[place].answer]
        assert {step.moved for line in lines for step in line.steps} == {0.0}, "each speaks alone"
    assert any(len({*row.answers}) > 1 for row in samples), "or any sample would have done"


def test_of_a_route_whoever_answered_is_traced(swarm: Swarm, evaluator: Evaluator, items: list[Item]) -> None:
    one, other = mix(swarm, 0), Vote(voters=(Voter(recipe=mix(swarm, 1)),))
    cluster = PromptCluster(ngrams={items[1].prompt[-8:]: 1}, policy=1)
    routes = {
        "by task": Route(by="task", policies=(one, other), tasks={items[0].task: 1}),
        "by cluster": Route(by="cluster", policies=(one, other), clusters=(cluster,)),
        "by confidence": Route(by="confidence", policies=(one, other)),
    }
    assert [part.label for part in parts_of(routes["by task"])] == ["anything else", f"{items[0].task}: llama-b"]
    assert [part.label for part in parts_of(routes["by confidence"])] == list(NAMES)
    alone = evaluator.evaluate([one, other], items)
    parts: dict[str, list[int]] = {}
    for kind, route in routes.items():
        rows, found = evaluator.evaluate([route], items)[0], traced(evaluator, route, items)
        assert [spelled(line.steps) for (line,) in found] == [row.answer for row in rows], kind
        parts[kind] = [line.part for (line,) in found]
        assert [alone[line.part][place].answer for place, (line,) in enumerate(found)] == [row.answer for row in rows]
    assert parts["by task"] == [1] * len(items)
    surest = [min((0, 1), key=lambda place: alone[place][number].entropy) for number in range(len(items))]
    assert parts["by confidence"] == surest
    assert parts["by cluster"][1] == 1
    assert 0 in parts["by cluster"]


def test_failures_are_lines_without_steps(swarm: Swarm, evaluator: Evaluator, items: list[Item]) -> None:
    long = replace(items[0], prompt="word " * 4000)
    vote = Vote(voters=tuple(Voter(recipe=mix(swarm, place)) for place in (0, 1)))
    for line in traced(evaluator, vote, [long])[0]:
        assert (line.failure, line.score, line.steps) == ("prompt_too_long", None, ())
        assert len(line.question) < 2100
        assert " [...] " in line.question
