"""A policy answers in the place of any model, in that model's own tokens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from evoswarm import as_custom_generate
from evoswarm.errors import EvoswarmError
from evoswarm.zoo.catalogue import member_path

Loaded = tuple[Any, Any]


@pytest.fixture(scope="module")
def generate(loaded: Callable[[Path], Loaded], policy_file: Path) -> Callable[..., Any]:
    """Answers by a mix that is loaded already."""
    return as_custom_generate(loaded(policy_file)[0].engine)


def test_a_hundred_items_in_the_tokens_of_a_model(
    generate: Callable[..., Any], items: list[str], evoswarm_answers: list[str]
) -> None:
    host = AutoModelForCausalLM.from_pretrained(member_path("llama-b"))
    words = AutoTokenizer.from_pretrained(member_path("llama-b"), padding_side="left")
    inputs = words(items, return_tensors="pt", padding=True, return_token_type_ids=False)
    rows = host.generate(**inputs, custom_generate=generate, max_new_tokens=16)
    width = inputs.input_ids.shape[1]
    assert words.batch_decode(rows[:, width:], skip_special_tokens=True) == evoswarm_answers
    short = host.generate(**inputs, custom_generate=generate, max_new_tokens=2, return_dict_in_generate=True)
    assert short.sequences.shape[1] == width + 2


def test_a_chat_template_is_known_again_and_conversations_are_told(
    generate: Callable[..., Any], items: list[str], evoswarm_answers: list[str]
) -> None:
    host = AutoModelForCausalLM.from_pretrained(member_path("qwen3-d"))
    words = AutoTokenizer.from_pretrained(member_path("qwen3-d"))
    message = [{"role": "user", "content": items[0]}]
    inputs = words.apply_chat_template(message, add_generation_prompt=True, return_tensors="pt")
    options = {"custom_generate": generate, "max_new_tokens": 16}
    width = inputs["input_ids"].shape[1]
    for turns in ({}, {"turns": message}):
        row = host.generate(**inputs, **options, **turns)[0, width:]
        assert words.decode(row, skip_special_tokens=True) == evoswarm_answers[0]
    talk = [*message, {"role": "assistant", "content": "?"}, {"role": "user", "content": items[1]}]
    inputs = words.apply_chat_template(talk, add_generation_prompt=True, return_tensors="pt")
    with pytest.raises(EvoswarmError, match="expected one question, or turns= beside ids of a conversation"):
        host.generate(**inputs, **options)
    with pytest.raises(EvoswarmError, match="prompt_refused"):
        host.generate(**inputs, **options, turns=talk)
    with pytest.raises(EvoswarmError, match="one conversation for each of 1 rows, got 2"):
        host.generate(**inputs, **options, turns=[talk, talk])
