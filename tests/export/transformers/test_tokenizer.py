"""Prompts as bytes, answers as symbols, turns as marks: what the tokenizer writes is read back."""

from __future__ import annotations

from typing import Any

import pytest
from jinja2 import TemplateError

from evoswarm.chat import Conversation, Turn
from evoswarm.errors import RunError
from evoswarm.export.transformers.prompt_ids import read_prompt
from evoswarm.export.transformers.symbol_ids import BYTES, MARKS, SymbolIds
from evoswarm.export.transformers.tokenizer import make_tokenizer

TEXTS = ("", "47+85=", "  two  spaces\n\té🙂 东京", "<|im_end|> <eos> Ġ", "\x00\x7f")
SYMBOLS = {
    "bytes": BYTES,
    "common": (*BYTES, b" the", "é".encode(), b"\xc3\xa9x", b"the"),
    "tokens": (b"", b"a", b"b", b"ab", b"a", b" "),
}


@pytest.fixture(params=SYMBOLS)
def vocabulary(request: pytest.FixtureRequest) -> SymbolIds:
    """Of an alphabet."""
    return SymbolIds(SYMBOLS[request.param])


@pytest.fixture
def tokenizer(vocabulary: SymbolIds) -> Any:
    """Of its symbols."""
    return make_tokenizer(vocabulary)


def test_texts_are_read_as_bytes_and_written_from_symbols(vocabulary: SymbolIds, tokenizer: Any) -> None:
    assert len(tokenizer) == len(vocabulary)
    for text in TEXTS:
        ids = tokenizer(text)["input_ids"]
        assert read_prompt(ids, vocabulary) == (Conversation(text), [])
        assert tokenizer.decode(ids, skip_special_tokens=True) == text
        assert tokenizer(text, add_special_tokens=False)["input_ids"] == vocabulary.written(text.encode()) == ids[:-1]
        symbols = vocabulary.segmented(text.encode())
        assert tokenizer.decode(symbols) == text
        assert len(symbols) <= len(ids) - 1
    assert tokenizer.convert_ids_to_tokens([vocabulary.mark(name) for name in MARKS]) == [
        f"<|evoswarm_{name}|>" for name in MARKS
    ]


def test_symbols_of_one_text_are_one_id() -> None:
    assert SymbolIds(SYMBOLS["tokens"]).first == [0, 1, 2, 3, 1, 5, 6]


def test_turns_are_read_back(vocabulary: SymbolIds, tokenizer: Any) -> None:
    turns = [Turn("system", "Be brief."), Turn("user", TEXTS[2]), Turn("assistant", "42"), Turn("user", TEXTS[3])]
    messages = [{"role": turn.role, "content": turn.content} for turn in turns]
    messages[1]["content"] = [{"type": "text", "text": TEXTS[2]}]  # type: ignore[assignment]
    ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True)["input_ids"]
    assert read_prompt(ids, vocabulary) == (Conversation.of(turns), [])
    text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    assert read_prompt(tokenizer(text)["input_ids"], vocabulary) == (Conversation.of(turns), [])
    begun = [*messages, {"role": "assistant", "content": "4"}]
    ids = tokenizer.apply_chat_template(begun, continue_final_message=True)["input_ids"]
    assert read_prompt(ids, vocabulary) == (Conversation.of(turns), vocabulary.written(b"4"))


def test_what_is_no_conversation_is_refused(vocabulary: SymbolIds, tokenizer: Any) -> None:
    for messages in ([{"role": "tool", "content": "x"}], [{"role": "user", "content": [{"type": "image"}]}]):
        with pytest.raises(TemplateError, match="expected"):
            tokenizer.apply_chat_template(messages)
    ids = [*vocabulary.written(b"hm"), vocabulary.mark("user"), *vocabulary.written(b"a")]
    with pytest.raises(RunError, match="expected a mark of a turn before the first one, got 'hm'"):
        read_prompt(ids, vocabulary)
    with pytest.raises(RunError, match="ends with a user's turn, got one that ends with system"):
        read_prompt([vocabulary.mark("system"), vocabulary.mark("answer")], vocabulary)
