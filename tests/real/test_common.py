"""The alphabet ``common`` on real tokenizers and models: one alone is ``generate``, two are as the judge says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic_core import from_json
from transformers import AutoModelForCausalLM

from evoswarm.decoding.member import Member, load_member
from evoswarm.decoding.request import Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.decoding.text.alphabet import CommonAlphabet
from evoswarm.member_spec import MemberSpec
from tests.decoding.lone_view import LoneView
from tests.decoding.recipes import SURE
from tests.decoding.symbol_texts import symbol_texts
from tests.oracle_member import OracleMember
from tests.oracle_symbols import symbols_of, view_of
from tests.real.answers import ANSWERS
from tests.real.conftest import GEMMA3, SMOLLM2
from tests.real.measure import RESULTS, alone, questions
from tests.real.pairs import MOST_STEPS, NAMES, pair
from tests.real.test_models import generated
from tests.real.tokenizers import FETCHED, INSTALLED, Standing, with_model

EPSILON = 1e-3
PROMPTS = ("The capital of France is", "def add(a, b):\n    ", "東京は")
CHAT = (
    "What is the capital of France?",
    "Name three colours.",
    "What is 12 plus 7?",
    "Who wrote Hamlet?",
    "Why is the sky blue?",
    "Translate 'good morning' into Spanish.",
    "Write a haiku about the sea.",
    "How many legs does a spider have?",
    "What does a baker do?",
    "Give me a short recipe for pancakes.",
)
"""One asks so, and what is generated is what one knows the model by."""
CHAT_TOKENS = 24


@pytest.mark.parametrize("standing", [*INSTALLED, *FETCHED], indirect=True)
def test_one_member_with_any_real_tokenizer_is_generate(standing: Standing) -> None:
    path, member = standing.checkpoint, standing.member
    asked = [Request(alone(member, "common"), prompt, max_symbols=8, trace=True) for prompt in PROMPTS]
    model, ends = AutoModelForCausalLM.from_pretrained(path), member.codec.end_ids
    layout = from_json((path / "tokenizer.json").read_bytes())  # several times as fast as Python's own
    special = {one["id"] for one in layout["added_tokens"] if one["special"]}
    known = {*layout["model"]["vocab"].values(), *(one["id"] for one in layout["added_tokens"])} - special
    silent = [token for token in range(model.config.vocab_size) if token not in known and token not in ends]
    compared = 0
    for request, done in zip(asked, Swarm([member]).decode(asked), strict=True):
        if done.margin <= SURE:
            continue
        compared += 1
        ids = torch.tensor([member.render(request.prompt)])
        options: dict[str, Any] = {"max_new_tokens": 8, "suppress_tokens": silent, "eos_token_id": list(ends)}
        out = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, pad_token_id=0, **options)
        want = [token for token in out[0, ids.shape[1] :].tolist() if token not in ends]
        symbols = [step.symbol for step in done.trace]
        assert symbols[: len(symbols) - (done.samples[0].finish == "end")] == want
    assert compared >= 2


@pytest.mark.parametrize("name", [SMOLLM2, GEMMA3])
def test_a_trained_model_alone_answers_as_it_is_known(
    real_member: Callable[..., Member], real_tokenizer: Callable[[str], Any], name: str
) -> None:
    """Ten questions of ten: through the template where there is one, else behind two that have been answered."""
    has_template = name == SMOLLM2
    member = real_member(name, chat_template=True) if has_template else real_member(name)
    asked = CHAT if has_template else [prompt for prompt, _ in questions()[::3][: len(CHAT)]]
    assert len(asked) == len(CHAT)
    requests = [Request(alone(member, "common"), one, max_bytes=999, max_symbols=CHAT_TOKENS) for one in asked]
    tokenizer = real_tokenizer(name)
    for request, done in zip(requests, Swarm([member]).decode(requests), strict=True):
        want = generated(member, tokenizer, member.render(request.prompt), CHAT_TOKENS)
        assert done.failure is None
        assert done.margin > SURE
        assert done.samples[0].text == tokenizer.decode(want).removesuffix("\ufffd")


@pytest.mark.parametrize("names", [("qwen2", "mistral_v3")], ids="+".join)
def test_two_real_tokenizers_are_as_the_judge_says(names: tuple[str, str], tmp_path: Path) -> None:
    paths = [with_model(name, tmp_path, seed) for seed, name in enumerate(names)]
    judges = [OracleMember(path) for path in paths]
    for judge in judges:
        judge.model.double()  # ours is single: what differs is rounding
    symbols = symbols_of("common", judges)
    views = [view_of(judge, symbols) for judge in judges]
    texts = symbol_texts(views, [text[:60] for text in ANSWERS.values()], 12)
    members = [load_member(MemberSpec(name="real", path=str(path), device="cpu"), 64) for path in paths]
    alphabet = CommonAlphabet([member.codec for member in members])
    for member, view in zip(members, views, strict=True):
        spelled = alphabet.decomposition(member.codec).spelled
        assert {token: spelled[token] for token in view.made} == view.made
        reader, prompt = LoneView(member, EPSILON, alphabet=alphabet), view.member.prompt(PROMPTS[0])
        for text, said in zip(texts, reader.read(PROMPTS[0], texts), strict=True):
            want = view.next_symbol(prompt, text, EPSILON)
            assert want is not None
            assert np.abs(reader.probs(said).numpy() - np.array(want[0])).max() < 1e-6, text
            assert said.left_out == pytest.approx(want[1], abs=1e-6)


def test_two_tokenizers_share_most_of_what_they_write() -> None:
    found = pair("qwen2", "llama3")
    assert found.symbols > 100_000, "more than two thirds of either vocabulary"
    assert found.everyday <= MOST_STEPS
    assert min(found.symbols_per_token) >= 1.0
    assert max(found.symbols_per_token) < 1.1


def test_the_record_of_pairs_meets_the_bar() -> None:
    pairs = json.loads(RESULTS.read_text("utf-8"))["pairs"]
    assert len(pairs) == len(NAMES) * (len(NAMES) - 1) // 2
    for name, found in pairs.items():
        assert found["everyday"] <= MOST_STEPS, name
        assert found["alike"] >= 0.9, name
        assert max(found["symbols_per_token"]) < 2.0, name


def test_the_record_of_two_models_meets_the_bar() -> None:
    record = json.loads(RESULTS.read_text("utf-8"))
    for name in (SMOLLM2, GEMMA3):
        for asked in (one for key, one in record[name].items() if key.startswith("agreement")):
            assert asked["answers_alike"]["common"] == asked["questions"]
    assert record["together"]["steps_of_bytes"] <= MOST_STEPS
