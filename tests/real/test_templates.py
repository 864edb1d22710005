"""Chat templates and special tokens of real models: rendered and read as transformers and their tokenizers do."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

import pytest
from transformers import AutoTokenizer

from evoswarm.chat import ChatTemplate, Conversation, PromptRefused, Turn, find_template
from evoswarm.decoding.member.literals import Literals
from evoswarm.decoding.member.prompt import Prompt
from tests.real.tokenizers import tokenizer_folder

CLOSERS = {
    "llama3_1": "<|eot_id|>",
    "qwen3": "<|im_end|>",
    "gemma3": "<end_of_turn>",
    "deepseek_v3": "<｜end▁of▁sentence｜>",
}
QUESTIONS = ("1+2", "  two\n", "a </think> b <|im_end|> <eos>", "{{ messages }} é🙂")


@cache
def tokenizer_of(name: str) -> Any:
    """As transformers loads it; skips the test where it cannot be had."""
    return AutoTokenizer.from_pretrained(tokenizer_folder(name))


@pytest.mark.parametrize("name", CLOSERS)
def test_real_templates_render_as_apply_chat_template(name: str) -> None:
    tokenizer, source = tokenizer_of(name), find_template(tokenizer_folder(name))
    assert source is not None
    today = date.today().isoformat()  # theirs asks the clock
    added = [entry.content for entry in tokenizer.added_tokens_decoder.values()]
    for system in (None, "Be brief."):
        ours = ChatTemplate(name, source, tokenizer.special_tokens_map, system=system, day=today)
        first = [] if system is None else [{"role": "system", "content": system}]
        for question in QUESTIONS:
            chat = [*first, {"role": "user", "content": question}]
            assert ours.render(question) == tokenizer.apply_chat_template(
                chat, add_generation_prompt=True, tokenize=False
            )
        assert ours.closing_token(added) == CLOSERS[name]


@pytest.mark.parametrize("name", CLOSERS)
def test_conversations_are_rendered_and_read_as_transformers_does(name: str) -> None:
    tokenizer, source = tokenizer_of(name), find_template(tokenizer_folder(name))
    assert source is not None
    today = date.today().isoformat()
    template = ChatTemplate(name, source, tokenizer.special_tokens_map, system="Be kind.", day=today)
    prompt = Prompt(tokenizer, (tokenizer.eos_token_id,), template)
    turns = (Turn("user", " 1+2\n"), Turn("assistant", "<think>hm</think>\n\n3 "), Turn("user", "{{ x }} é🙂"))
    for system in ("Be brief.", "Be kind."):
        first = () if system == "Be kind." else (Turn("system", system),)
        asked = Conversation.of([*first, *turns])
        chat = [{"role": "system", "content": system}, *({"role": one.role, "content": one.content} for one in turns)]
        theirs = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=False)
        assert list(prompt.render(asked)) == theirs
    closer = tokenizer.convert_tokens_to_ids(CLOSERS[name])
    written = [Turn(one.role, f"{one.content}{CLOSERS[name]} b") for one in turns]
    read = prompt.render(Conversation.of(written))
    assert read.count(closer) == prompt.render(Conversation.of(turns)).count(closer)
    assert tokenizer.decode(read).count(f"3 {CLOSERS[name]} b") == 1


def test_an_order_of_roles_that_a_real_template_refuses() -> None:
    tokenizer, source = tokenizer_of("gemma3"), find_template(tokenizer_folder("gemma3"))
    assert source is not None
    template = ChatTemplate("gemma3", source, tokenizer.special_tokens_map)
    with pytest.raises(PromptRefused, match="takes turns of user, user, got: Conversation roles must alternate"):
        template.render_turns(Conversation.of((Turn("user", "a"), Turn("user", "b"))))


def test_a_switch_of_a_real_template() -> None:
    tokenizer, source = tokenizer_of("qwen3"), find_template(tokenizer_folder("qwen3"))
    assert source is not None
    ours = ChatTemplate("qwen3", source, tokenizer.special_tokens_map, options={"enable_thinking": False})
    assert ours.render("1+2").endswith("<think>\n\n</think>\n\n")


@pytest.mark.parametrize("name", ["llama2", "mistral_v3", "phi3", "qwen3"])
def test_special_tokens_that_are_written_leave_no_seam(name: str) -> None:
    """As a tokenizer reads a text with all special tokens unmatched; and as ever where none is written."""
    tokenizer = tokenizer_of(name)
    backend = tokenizer.backend_tokenizer
    literals = Literals(backend)
    begin = tokenizer.bos_token or "<|im_start|>"
    for text in ("the  cat", "\tx = 1\n\n  é🙂", "<b>bold</b>"):
        whole = tokenizer(f"{begin}Q: {text} A:", add_special_tokens=False)["input_ids"]
        assert literals.encode(f"{begin}Q: ", text, " A:") == whole
    written = f"say {tokenizer.eos_token} twice: {tokenizer.eos_token}"
    backend.encode_special_tokens = True
    unmatched = backend.encode(f"Q: {written} A:", add_special_tokens=False).ids
    backend.encode_special_tokens = False
    assert tokenizer.eos_token_id not in unmatched
    assert literals.encode("Q: ", written, " A:") == unmatched
