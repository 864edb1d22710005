"""A policy answers in the place of any model, in that model's own tokens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LogitsProcessor

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


class _Own(LogitsProcessor):  # type: ignore[misc]  # transformers has no types
    """A caller's own."""

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        return scores


def test_what_a_policy_cannot_do_in_the_place_of_a_model_is_refused(
    generate: Callable[..., Any], items: list[str], evoswarm_answers: list[str]
) -> None:
    host = AutoModelForCausalLM.from_pretrained(member_path("llama-b"))
    words = AutoTokenizer.from_pretrained(member_path("llama-b"))
    inputs = words(items[0], return_tensors="pt", return_token_type_ids=False)
    options = {**inputs, "custom_generate": generate, "max_new_tokens": 16}
    for odd, named in (
        ({"num_beams": 2}, "num_beams"),
        ({"do_sample": True, "top_p": 0.5}, "top_p"),
        ({"logits_processor": [_Own()]}, "_Own"),
        ({"prefix_allowed_tokens_fn": lambda batch, ids: [1]}, "PrefixConstrainedLogitsProcessor"),
    ):
        with pytest.raises(EvoswarmError, match=f"temperature alone [^\n]*, got one with {named}$"):
            host.generate(**options, **odd)
    host.generation_config.update(repetition_penalty=1.05, top_p=0.8, top_k=20)  # as instructed models have them
    told = host.generate(**options)[0, inputs.input_ids.shape[1] :]
    assert words.decode(told, skip_special_tokens=True) == evoswarm_answers[0]


def test_the_tokenizer_of_a_model_is_loaded_once(
    generate: Callable[..., Any], items: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    host = AutoModelForCausalLM.from_pretrained(member_path("llama-b"))
    inputs = AutoTokenizer.from_pretrained(member_path("llama-b"))(items[0], return_tensors="pt")
    first = host.generate(inputs.input_ids, custom_generate=generate)
    monkeypatch.setattr(AutoTokenizer, "from_pretrained", None)
    assert torch.equal(host.generate(inputs.input_ids, custom_generate=generate), first)


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
