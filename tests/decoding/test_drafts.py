"""Reading along a draft changes what is read when, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evoswarm.decoding import drafts
from evoswarm.decoding.drafts import best_length
from evoswarm.decoding.member import Member, load_member
from evoswarm.decoding.request import Completion, Request
from evoswarm.decoding.step.streams import LONGEST
from evoswarm.decoding.swarm import Swarm
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe
from tests.decoding import tiny
from tests.decoding.integrity import check_integrity
from tests.decoding.recipes import recipe, recipes

NAMES = ("one", "other")
PROMPTS = ("the cat", "In 1984", "naïve café", "def total")


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> list[Member]:
    """Two random models that mostly agree, and never come to an end soon."""
    directory, tokenizer = tmp_path_factory.mktemp("drafts"), tiny.KINDS["gpt2"]()
    made = []
    for name in NAMES:
        model = tiny.random_model("llama", tokenizer.get_vocab_size(), **tiny.SMALL)
        torch.manual_seed(len(name))
        for parameter in model.parameters():
            parameter.data.mul_(1 + 0.05 * (name != NAMES[0]) * torch.randn_like(parameter))
        path = tiny.save(directory / name, model, tokenizer)
        made.append(load_member(MemberSpec(name=name, path=str(path), device="cpu"), 4096))
    return made


def decode(
    members: list[Member], asked: Sequence[Request], drafting: bool, **settings: Any
) -> tuple[list[Completion], Swarm]:
    """One after the other, as few streams draft."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drafts, "LEAST_PARAMETERS", 0 if drafting else 1 << 60)
        swarm = Swarm(members, **settings)
        done = [swarm.decode([one])[0] for one in asked]
        check_integrity(swarm)
    return done, swarm


def outcome(done: Completion) -> Any:
    """All that rounding leaves alone: a row of a chunk differs from one read alone in its last digits."""
    samples = [(one.text, one.finish, [step.symbol for step in one.trace]) for one in done.samples]
    said = [(step.symbol, step.speakers) for step in done.trace]
    counted = done.steps, done.open_steps, done.lead_tokens, done.lead_tokens_touched
    return samples, done.failure, done.use, counted, said


def check_same(got: Sequence[Completion], want: Sequence[Completion]) -> None:
    assert list(map(outcome, got)) == list(map(outcome, want))
    for one, other in zip(got, want, strict=True):
        assert (one.margin, one.entropy) == pytest.approx((other.margin, other.entropy), abs=1e-3)


MIXES: dict[str, dict[str, Any]] = {
    "mixture": {},
    "product, the other leads": {"lead": "other", "fusion": {"rule": "product"}},
    "hardly heard": {"weights": (1.0, 0.05)},
    "drawn": {"sampled": True, "fusion": {"rule": "product"}, "sampling_temperature": 0.8},
    "drawn from a part": {"sampled": True, "fusion": {"rule": "product"}, "top_p": 0.9, "temperatures": (0.7, 1.0)},
    "three samples": {"samples": 3, "fusion": {"rule": "product"}},
}


def mix(members: Sequence[Member], **fields: Any) -> Recipe:
    one, other = recipe(*NAMES, alphabet="tokens", **fields).members
    parts = [part.model_copy(update={"spec": member.spec}) for part, member in zip((one, other), members, strict=True)]
    return recipe(*NAMES, alphabet="tokens", **fields).model_copy(update={"members": tuple(parts)})


@pytest.mark.parametrize("name", MIXES)
def test_answers_are_the_same_and_forwards_fewer(members: list[Member], name: str) -> None:
    asked = [
        Request(mix(members, **MIXES[name]), prompt, key=prompt, max_bytes=60, trace=True, logprobs=2, stop=stop)
        for prompt in PROMPTS
        for stop in ((), ("1",))
    ]
    want, plainly = decode(members, asked, drafting=False)
    got, drafted = decode(members, asked, drafting=True)
    check_same(got, want)
    assert drafted.counters.forwards < plainly.counters.forwards
    assert drafted.counters.symbols == plainly.counters.symbols


def test_a_text_to_follow_is_its_own_draft(members: list[Member]) -> None:
    asked = [Request(mix(members), PROMPTS[0], forced="the cat sat on 1234 mats, and so on: é", max_bytes=100)]
    want, plainly = decode(members, asked, drafting=False)
    got, drafted = decode(members, asked, drafting=True)
    check_same(got, want)
    assert drafted.counters.rows_forwarded == plainly.counters.rows_forwarded
    assert drafted.counters.forwards < 0.8 * plainly.counters.forwards


@settings(max_examples=25, deadline=None)
@given(drawn=recipes(NAMES, alphabet="tokens"), symbols=st.integers(1, 12), prompt=st.sampled_from(PROMPTS))
def test_any_recipe(members: list[Member], drawn: Recipe, symbols: int, prompt: str) -> None:
    specs = {member.spec.name: member.spec for member in members}
    parts = tuple(part.model_copy(update={"spec": specs[part.spec.name]}) for part in drawn.members)
    asked = [Request(drawn.model_copy(update={"members": parts}), prompt, key="k", max_bytes=40, max_symbols=symbols)]
    check_same(decode(members, asked, drafting=True)[0], decode(members, asked, drafting=False)[0])


def test_in_little_memory(members: list[Member]) -> None:
    asked = [Request(mix(members), prompt, max_bytes=60) for prompt in PROMPTS]
    want, _ = decode(members, asked, drafting=False)
    little = {"state_memory_bytes": 1, "row_memory_bytes": 1, "text_memory_bytes": 1}
    got, swarm = decode(members, asked, drafting=True, **little)
    check_same(got, want)
    assert swarm.counters.rows_reforwarded > 0


def test_in_an_engine_where_requests_come_and_go(members: list[Member], monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [
        Request(mix(members, **MIXES[name]), prompt, key=prompt, max_bytes=60) for prompt in PROMPTS for name in MIXES
    ]
    want, _ = decode(members, asked, drafting=False)
    monkeypatch.setattr(drafts, "LEAST_PARAMETERS", 0)
    swarm = Swarm(members)
    decoding, waiting, done = swarm.continuous(), list(enumerate(asked)), {}
    tickets: dict[int, int] = {}
    while waiting or not decoding.idle:
        if waiting:
            number, request = waiting.pop(0)
            tickets[decoding.join(request)] = number
        for ticket, completion in decoding.turn().items():
            done[tickets[ticket]] = completion
    check_same([done[number] for number in range(len(asked))], want)
    check_integrity(swarm)


def test_lengths() -> None:
    flat, steep = np.linspace(1, 4, 16), np.linspace(1, 16, 16)
    assert best_length(1.0, 2.0, flat, 1) == LONGEST
    assert best_length(0.0, 2.0, flat, 1) == 1
    assert best_length(0.9, 2.0, steep, 1) == 1  # nothing is gained by chunks
    assert best_length(0.8, 2.0, flat, 1) < best_length(0.8, 20.0, flat, 1)  # a small lead drafts for large ones
    assert best_length(1.0, 2.0, flat, 4) <= 4
    assert best_length(1.0, 2.0, flat, 9) == best_length(1.0, 2.0, flat, 99) == 1
    for agreed in (0.3, 0.6, 0.9):
        costs = {
            length: (length + 2.0 * flat[length - 1]) / sum(agreed**step for step in range(length))
            for length in range(1, LONGEST + 1)
        }
        assert best_length(agreed, 2.0, flat, 1) == min(costs, key=costs.__getitem__)
