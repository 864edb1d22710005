"""A request that fails says why, by whose fault and what it took, whoever is decoded beside it or was before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from evoswarm.decoding.member import Member
from evoswarm.decoding.request import Completion, Request
from evoswarm.decoding.swarm import Swarm
from tests.decoding.recipes import PROMPTS, recipe

HOT: dict[str, Any] = {"samples": 5, "sampling_temperature": 4.0}


@pytest.fixture
def short(zoo: Swarm, monkeypatch: pytest.MonkeyPatch) -> list[Member]:
    """Three members that have no room for long answers, two of them less than the first."""
    members = [one for one in zoo.members if one.spec.name in ("llama-a", "llama-b", "gemma3-f")]
    for member in members:
        room = {"llama-a": 12, "llama-b": 7, "gemma3-f": 5}[member.spec.name]
        monkeypatch.setattr(member.reader, "context_length", len(member.render(PROMPTS[0])) + room)
    return members


def outcome(done: Completion) -> tuple[object, ...]:
    """What a completion says, to the bit: numbers that are rounded depend on the batch."""
    return done.failure, done.samples, done.use, done.steps, done.open_steps


def decoded(members: Sequence[Member], requests: Sequence[Request], warm: Sequence[Request] = ()) -> list[Completion]:
    """Decode in a fresh swarm, behind what was decoded before."""
    swarm = Swarm(members)
    if warm:
        swarm.decode(warm)
    return swarm.decode(requests)


def test_a_failure_names_the_member_and_what_was_read(short: list[Member]) -> None:
    alone = recipe("llama-a", **HOT)
    (done,) = decoded(short, [Request(alone, PROMPTS[0], "k", 40)])
    assert done.failure is not None
    assert (done.failure.kind, done.failure.member) == ("prompt_too_long", "llama-a")
    assert done.samples == ()
    assert done.use[0].tokens > done.use[0].prompt_tokens > 0
    assert done.steps == done.use[0].steps > 0


def test_the_lead_is_to_blame_before_a_follower_and_followers_in_the_order_of_the_recipe(short: list[Member]) -> None:
    followed = recipe("llama-a", "gemma3-f", "llama-b", **HOT)
    (done,) = decoded(short, [Request(followed, PROMPTS[0], "k", 40)])
    assert done.failure is not None
    assert done.failure.member in ("gemma3-f", "llama-b")
    assert done.open_steps == done.steps > 0


def test_failures_depend_on_nobody_beside_or_before(short: list[Member]) -> None:
    recipes = [
        recipe("llama-a", **HOT),
        recipe("llama-a", "gemma3-f", "llama-b", **HOT),
        recipe("llama-b", "llama-a", thresholds=(0.0, 1.0), **HOT),
        recipe("gemma3-f", "llama-b", "llama-a", thresholds=(0.0, 0.5, 0.0), **HOT),
    ]
    requests = [Request(one, PROMPTS[0], key, 40) for one in recipes for key in ("k", "l")]
    together = decoded(short, requests)
    assert sum(done.failure is not None for done in together) > len(requests) / 2
    assert len({done.failure.member for done in together if done.failure}) > 1
    backwards = decoded(short, requests[::-1])[::-1]
    behind = decoded(short, requests, warm=requests[::2])
    for request, *same in zip(requests, together, backwards, behind, strict=True):
        (alone,) = decoded(short, [request])
        assert {outcome(one) for one in same} == {outcome(alone)}
