"""The ``tokens`` alphabet: one member is that member, as transformers itself decodes it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from evoswarm.decoding.member import Member
from evoswarm.decoding.request import Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.errors import RecipeError
from evoswarm.policies.mix import Recipe, RecipeMember
from evoswarm.zoo.catalogue import member_path
from tests.decoding.recipes import ONE_TOKENIZER, PROMPTS, ZOO, recipe, spec
from tests.oracle_member import OracleMember

STEPS = 16


@pytest.fixture(scope="module")
def one_end(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The directory of a zoo member that has one end token; of those with more, a copy that keeps the first."""

    def directory(name: Any) -> Any:
        judge = OracleMember(member_path(name))
        if len(judge.ends) == 1:
            return member_path(name)
        copy = shutil.copytree(member_path(name), tmp_path_factory.mktemp("one-end") / name)
        for file in ("config.json", "generation_config.json"):
            held = json.loads((copy / file).read_text())
            (copy / file).write_text(json.dumps({**held, "eos_token_id": judge.tokenizer.eos_token_id}))
        return copy

    return directory


def generate(judge: Any, ids: Any) -> Any:
    """Greedy, by transformers, with everything suppressed that stands for no text; END left out."""
    can_say = {*judge.spelling, *judge.ends}
    silent = [token for token in range(judge.model.config.vocab_size) if token not in can_say]
    out = judge.model.generate(
        torch.tensor([ids]),
        attention_mask=torch.ones(1, len(ids), dtype=torch.long),
        do_sample=False,
        max_new_tokens=STEPS,
        suppress_tokens=silent or None,
        eos_token_id=judge.ends,
        pad_token_id=0,
    )[0, len(ids) :].tolist()
    return [token for token in out if token not in judge.ends]


@pytest.mark.parametrize("name", ZOO)
def test_one_member_is_generate(name: str, one_end: Any) -> None:
    directory = one_end(name)
    judge = OracleMember(directory, chat_template=name == "qwen3-d")
    assert len(judge.ends) == 1
    member = spec(name, path=str(directory))
    alone = Recipe(members=(RecipeMember(spec=member),), lead=name, alphabet="tokens")
    asked = [Request(alone, prompt, max_bytes=999, max_symbols=STEPS, trace=True) for prompt in (*PROMPTS, "a", "é 7")]
    for request, done in zip(asked, Swarm.load([member]).decode(asked), strict=True):
        symbols = [step.symbol for step in done.trace]
        want = generate(judge, judge.prompt(request.prompt))
        ended = done.samples[0].finish == "end"
        assert symbols[: len(symbols) - ended] == want, request.prompt
        assert done.samples[0].text == judge.spelled(tuple(want)).decode(errors="replace")
        assert ended == (len(want) < STEPS)


def test_every_row_is_the_models_with_all_ends_summed_and_nothing_for_special_tokens(
    any_member: Callable[[str], Member], any_oracle: Callable[[str], OracleMember]
) -> None:
    for name in ("qwen3-d", "added tokens", "metaspace"):
        swarm, judge = Swarm([any_member(name)]), any_oracle(name)
        own = Recipe(members=(RecipeMember(spec=swarm.specs[0]),), lead=swarm.specs[0].name, alphabet="tokens")
        swarm.decode([Request(own, PROMPTS[0], max_symbols=3)])
        room = next(iter(swarm.views))
        prompt = judge.prompt(PROMPTS[0])
        contexts = room.contexts
        for context in np.flatnonzero(contexts.known[: len(contexts), 0]):
            row = contexts.distributions.take(contexts.row[context, :1])[0].double().exp().numpy()
            tokens, end = judge.next_token((*prompt, *contexts.text(int(context))))
            want = np.zeros(len(row))
            want[list(tokens)], want[-1] = list(tokens.values()), end
            assert np.abs(row - want).max() < 1e-5
            assert (row > 0).sum() == len(judge.spelling) + 1


def test_members_of_one_tokenizer_mix(zoo: Swarm) -> None:
    swarm = Swarm([member for member in zoo.members if member.spec.name in ONE_TOKENIZER])
    mixed = recipe(*ONE_TOKENIZER, alphabet="tokens")
    done = swarm.decode([Request(mixed, prompt, max_symbols=6) for prompt in PROMPTS])
    assert all(one.failure is None for one in done)
    assert {use.name for one in done for use in one.use if use.steps} == set(ONE_TOKENIZER)


def test_members_of_different_tokenizers_are_refused(zoo: Swarm) -> None:
    with pytest.raises(
        RecipeError, match=r"alphabet: expected 'common' or 'bytes'.*'llama-a' and 'gpt2-c'.*got 'tokens'"
    ):
        zoo.decode([Request(recipe("llama-a", "gpt2-c", alphabet="tokens"), "1+1=")])
    alone = zoo.decode([Request(recipe("llama-a", alphabet="tokens"), "1+1=")])[0]
    assert alone.failure is None, "there is nobody whose tokenizer could differ"


def test_recipes_of_unknown_or_other_members_are_refused(zoo: Swarm) -> None:
    strange = Recipe(members=(RecipeMember(spec=spec("nobody")),), lead="nobody")
    with pytest.raises(RecipeError, match=r"expected members of the swarm .*'nobody'"):
        zoo.decode([Request(strange, "1+1=")])
    other = Recipe(members=(RecipeMember(spec=spec("llama-a", fingerprint="0" * 64)),), lead="llama-a")
    with pytest.raises(RecipeError, match=r"'llama-a' as the recipe knows it .fingerprint 000000000000."):
        zoo.decode([Request(other, "1+1=")])
