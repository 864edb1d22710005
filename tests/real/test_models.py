"""Two trained models as they are shipped: a Llama with a template and 49k tokens, a Gemma with 262k and none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch

from evoswarm.decoding.member import Member
from evoswarm.decoding.request import Completion, Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.policies.mix import Recipe
from tests.decoding.recipes import SURE
from tests.real.conftest import GEMMA3, SMOLLM2
from tests.real.measure import alone

PROMPTS = (
    "The capital of France is",
    "Question: What is 12 plus 7?\nAnswer:",
    "Water boils at",
    "def add(a, b):\n    ",
    "Once upon a time there was a",
    "Die Hauptstadt von Deutschland heißt",
    "1, 2, 3, 4,",
    "<p>A paragraph",
    "| name | age |\n| --- | --- |\n|",
    "東京は",
    "List three colours:\n-",
    "Dear Sir,",
)
QUESTIONS = tuple(prompt.strip() for prompt in PROMPTS[:4])
NEW_TOKENS = 10
LONG = 999


def decode(members: Sequence[Member], one: Recipe, prompts: Sequence[str], **fields: int) -> list[Completion]:
    """One answer to each prompt."""
    return Swarm(members).decode([Request(one, prompt, trace=True, **fields) for prompt in prompts])  # type: ignore[arg-type]


def generated(member: Member, tokenizer: Any, ids: Sequence[int], new_tokens: int = NEW_TOKENS) -> list[int]:
    """What transformers itself goes on with, greedily, special tokens suppressed; the end left out."""
    ends = member.codec.end_ids
    silent = [token for token, added in tokenizer.added_tokens_decoder.items() if added.special and token not in ends]
    with torch.inference_mode():
        out = member.reader.model.generate(  # type: ignore[attr-defined]
            torch.tensor([ids]),
            attention_mask=torch.ones(1, len(ids), dtype=torch.long),
            do_sample=False,
            max_new_tokens=new_tokens,
            suppress_tokens=silent,
            eos_token_id=list(ends),
            pad_token_id=0,
        )
    return [token for token in out[0, len(ids) :].tolist() if token not in ends]


@pytest.mark.parametrize("name", [SMOLLM2, GEMMA3])
def test_one_member_by_tokens_is_generate(
    real_member: Callable[..., Member], real_tokenizer: Callable[[str], Any], name: str
) -> None:
    member, tokenizer = real_member(name), real_tokenizer(name)
    done = decode([member], alone(member, "tokens"), PROMPTS, max_bytes=LONG, max_symbols=NEW_TOKENS)
    compared = 0
    for prompt, completion in zip(PROMPTS, done, strict=True):
        ids = tokenizer(prompt)["input_ids"]
        assert member.render(prompt) == tuple(ids)
        compared += _is_generated(member, completion, ids, tokenizer)
    assert compared


def test_a_template_by_tokens_is_generate(
    real_member: Callable[..., Member], real_tokenizer: Callable[[str], Any]
) -> None:
    member, tokenizer = real_member(SMOLLM2, chat_template=True), real_tokenizer(SMOLLM2)
    done = decode([member], alone(member, "tokens"), QUESTIONS, max_bytes=LONG, max_symbols=NEW_TOKENS)
    compared = 0
    for question, completion in zip(QUESTIONS, done, strict=True):
        chat = [{"role": "user", "content": question}]
        ids = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=True)["input_ids"]
        assert member.render(question) == tuple(ids)
        compared += _is_generated(member, completion, ids, tokenizer)
    assert compared


def _is_generated(member: Member, completion: Completion, ids: Sequence[int], tokenizer: Any) -> bool:
    """Whether the choices are sure; then they are those of ``generate``."""
    want = generated(member, tokenizer, ids)
    assert completion.failure is None
    if completion.margin <= SURE:  # two tokens are as likely, and rounding chooses
        return False
    assert completion.samples[0].text.encode() == tokenizer.decode(want).encode().rstrip("\ufffd".encode())
    symbols = [step.symbol for step in completion.trace]
    ended = completion.samples[0].finish == "end"
    assert symbols[: len(symbols) - ended] == want
    assert ended == (len(want) < NEW_TOKENS)
    return True
