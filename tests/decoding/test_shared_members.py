"""Two alphabets, two epsilons or two swarms on the same loaded members do not write over each other's states."""

from __future__ import annotations

import gc
from dataclasses import replace
from typing import Any, Never

import pytest
import torch

from evoswarm.decoding.request import DoesNotFit, Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.policies.mix import Recipe
from tests.decoding.recipes import ONE_TOKENIZER, recipe

PROMPTS = [f"{number}+{number + 7} & tiger=" for number in range(10, 22)]


def asked(one: Recipe) -> list[Request]:
    return [Request(one, prompt, max_bytes=12) for prompt in PROMPTS]


@pytest.fixture
def members(zoo: Swarm) -> Any:
    by_name = {member.spec.name: member for member in zoo.members}
    return [by_name[name] for name in ONE_TOKENIZER]


def test_alphabets_and_epsilons_mixed_in_one_call_decode_as_alone(members: Any) -> None:
    recipes = [recipe(*ONE_TOKENIZER, epsilon=1e-3), recipe(*ONE_TOKENIZER, epsilon=0.0)]
    recipes.append(recipe(*ONE_TOKENIZER, alphabet="tokens"))
    alone = [[done.samples for done in Swarm(members).decode(asked(one))] for one in recipes]
    together = Swarm(members).decode([request for one in recipes for request in asked(one)])
    assert [done.samples for done in together] == [samples for row in alone for samples in row]


def test_a_state_is_still_there_after_others_have_read_through_the_same_member(members: Any) -> None:
    one, other = recipe(*ONE_TOKENIZER, epsilon=1e-3), recipe(*ONE_TOKENIZER, epsilon=0.0)
    want = [done.samples for done in Swarm(members).decode(asked(one))]
    swarm = Swarm(members)
    swarm.decode([replace(request, max_bytes=2) for request in asked(one)])
    Swarm(members).decode([replace(request, prompt=f"rev {request.prompt}") for request in asked(other)])
    swarm.decode([replace(request, prompt=f"gcd 4{request.prompt}") for request in asked(other)])
    assert [done.samples for done in swarm.decode(asked(one))] == want  # goes on behind what was read first


def test_a_swarm_that_is_gone_gives_its_slots_back(members: Any) -> None:
    one = recipe(*ONE_TOKENIZER)
    first = [done.samples for done in Swarm(members).decode(asked(one))]
    gc.collect()
    assert all(member.reader.slots._free for member in members)
    taken = [member.reader.slots.end for member in members]
    again = [done.samples for done in Swarm(members).decode(asked(one))]
    assert again == first
    assert [member.reader.slots.end for member in members] == taken


def test_a_forward_that_broke_off_leaves_no_slot_without_its_state(
    members: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = recipe(*ONE_TOKENIZER)
    want = [done.samples for done in Swarm(members).decode(asked(one))]
    swarm = Swarm.load([member.spec for member in members])  # its slots have never held a right state
    reader = swarm.members[0].reader

    def scarce(chunks: Any) -> Never:  # not even the prompts are read: several tokens each, all with a slot by now
        raise torch.OutOfMemoryError("not now")

    with monkeypatch.context() as patch:
        patch.setattr(reader.backend, "forward", scarce)  # type: ignore[attr-defined]
        patch.setattr(reader, "batch_tokens", reader.batch_tokens)  # type: ignore[attr-defined]  # it shrinks, and comes back with the patch
        patch.setattr(torch.cuda, "empty_cache", lambda: None)
        with pytest.raises(DoesNotFit, match=members[0].spec.name):
            swarm.decode(asked(one))
    assert [done.samples for done in swarm.decode(asked(one))] == want
