"""A real chat model that its pool asks without a template answers as its owner knows it when it is tried alone."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from evoswarm.decoding.beside import Beside
from evoswarm.decoding.request import Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.policies import Recipe
from evoswarm.policies.mix import RecipeMember
from evoswarm.rivals.as_deployed import ways_of
from tests.real.conftest import SMOLLM2, real_spec

QUESTIONS = ("What is the capital of France?", "Name a colour.")
TOKENS = 12


@pytest.fixture(scope="module")
def owned() -> tuple[Swarm, dict[str, Recipe]]:
    """The pool, and the ways to answer once in which its member is tried besides the space's."""
    swarm = Swarm.load([real_spec(SMOLLM2)], batch_tokens=2048)
    both = Beside(swarm)
    ways = ways_of(Recipe(members=(RecipeMember(spec=swarm.specs[0]),), lead=SMOLLM2), both)
    assert [one.name.partition(" ")[2] for one in ways] == [
        f"as its owner runs it (own tokens{template}), one greedy answer" for template in ("", ", own chat template")
    ]
    return swarm, {one.policy.specs[0].name: one.policy.mixes("")[0] for one in ways}


def test_its_own_way_is_what_generate_answers(owned: tuple[Swarm, dict[str, Recipe]]) -> None:
    swarm, recipes = owned
    both = Beside(swarm)
    tokenizer = AutoTokenizer.from_pretrained(swarm.specs[0].path)
    model = AutoModelForCausalLM.from_pretrained(swarm.specs[0].path, dtype=torch.float32)
    for question in QUESTIONS:
        turns = [{"role": "user", "content": question}]
        framed = tokenizer.apply_chat_template(
            turns, add_generation_prompt=True, return_tensors="pt", return_dict=False
        )
        plain = tokenizer(question, return_tensors="pt").input_ids
        for recipe, ids in zip(recipes.values(), (plain, framed), strict=True):
            (done,) = both.decode([Request(recipe, question, max_bytes=1000, max_symbols=TOKENS)])
            out = model.generate(ids, do_sample=False, max_new_tokens=TOKENS)[0, ids.shape[1] :]
            want = tokenizer.decode(out, skip_special_tokens=True)
            assert done.samples[0].text == want or done.margin < 1e-4


def test_asked_through_its_template_it_knows_the_capital(owned: tuple[Swarm, dict[str, Recipe]]) -> None:
    swarm, recipes = owned
    (done,) = Beside(swarm).decode([Request(recipes[f"{SMOLLM2}.chat"], QUESTIONS[0], max_symbols=TOKENS)])
    assert "Paris" in done.samples[0].text
