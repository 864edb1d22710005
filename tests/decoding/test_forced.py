"""Following a given answer: everything as if it had been chosen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evoswarm.decoding.request import Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.errors import RecipeError
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe, RecipeMember
from tests.decoding import tiny
from tests.decoding.recipes import ONE_TOKENIZER, PROMPTS, recipe
from tests.decoding.test_tokenizations import few_characters


@pytest.mark.parametrize("alphabet", ["bytes", "tokens"])
def test_forced_along_its_own_answer_nothing_changes(zoo: Swarm, alphabet: str) -> None:
    members = [member for member in zoo.members if member.spec.name in ONE_TOKENIZER]
    gated = recipe(*ONE_TOKENIZER, alphabet=alphabet, thresholds=(0.0, 0.4, 1.0))
    asked = [Request(gated, prompt, max_bytes=20, trace=True) for prompt in PROMPTS]
    free = Swarm(members).decode(asked)
    ended = [(one, done) for one, done in zip(asked, free, strict=True) if done.samples[0].finish == "end"]
    assert ended
    forced = [replace(one, forced=done.samples[0].text) for one, done in ended]
    for (_, want), got in zip(ended, Swarm(members).decode(forced), strict=True):
        if alphabet == "bytes" or want.lead_tokens == got.lead_tokens:
            assert got == want


def test_a_foreign_text_is_followed_to_its_end(zoo: Swarm) -> None:
    mix = recipe("gpt2-c", "mistral-h", thresholds=(0.0, 0.5))
    text = "naïve café: 東京 it's"
    whole = Request(mix, PROMPTS[0], forced=text, trace=True)
    done = zoo.decode([whole, Request(mix, PROMPTS[0], forced=text, max_bytes=7)])
    assert [step.symbol for step in done[0].trace] == [*text.encode(), 256]
    assert (done[0].samples[0].text, done[0].samples[0].finish) == (text, "end")
    assert done[0].steps == len(text.encode()) + 1
    assert (done[1].samples[0].text, done[1].samples[0].finish) == ("naïve ", "limit")


def test_an_empty_answer_can_be_forced(zoo: Swarm) -> None:
    done = zoo.decode([Request(recipe("gpt2-c"), PROMPTS[0], forced="")])[0]
    assert (done.samples[0].text, done.samples[0].finish, done.steps) == ("", "end", 1)


def test_a_text_that_cannot_be_spelled_in_tokens_is_refused(tmp_path: Path) -> None:
    tokenizer = few_characters()
    model = tiny.random_model("llama", tokenizer.get_vocab_size(), **tiny.SMALL)
    path = tiny.save(tmp_path / "few", model, tokenizer)
    swarm = Swarm.load([MemberSpec(name="few", path=str(path), device="cpu")])
    own = Recipe(members=(RecipeMember(spec=swarm.specs[0]),), lead="few", alphabet="tokens")
    with pytest.raises(RecipeError, match="forced: expected a text that the tokenizer can spell, got '東京'"):
        swarm.decode([Request(own, "a", forced="東京")])
