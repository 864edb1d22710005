"""The tokenizer of an exported policy: made of its symbols, and loaded by transformers without code of its own."""

from __future__ import annotations

from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors

from evoswarm.export.transformers.symbol_ids import MARKS, SymbolIds

CHAT_TEMPLATE = """{%- for message in messages %}
    {%- if message['role'] not in ('system', 'user', 'assistant') %}
        {{- raise_exception("expected a role of system, user or assistant, got " ~ message['role']) }}
    {%- endif %}
    {{- '<|evoswarm_' ~ message['role'] ~ '|>' }}
    {%- if message['content'] is string %}
        {{- message['content'] }}
    {%- else %}
        {%- for part in message['content'] %}
            {%- if part['type'] != 'text' %}
                {{- raise_exception('expected texts alone, got ' ~ part['type']) }}
            {%- endif %}
            {{- part['text'] }}
        {%- endfor %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|evoswarm_answer|>' }}{% endif %}
"""
"""Writes the marks of turns alone: each member renders the turns through its own template."""


def mark_text(name: str) -> str:
    """How a mark is written in a text: so that no text holds it by chance."""
    return f"<|evoswarm_{name}|>"


def make_tokenizer(vocabulary: SymbolIds) -> Any:
    """A tokenizer of transformers.

    It reads a text as its bytes, and puts the mark behind it where an answer begins; what it writes are symbols.
    """
    from transformers import PreTrainedTokenizerFast

    named = {mark_text(name): vocabulary.mark(name) for name in MARKS}
    backend = Tokenizer(models.BPE({**_texts(vocabulary), **named}, []))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in named])
    answer = mark_text("answer")
    backend.post_processor = processors.TemplateProcessing(
        single=f"$A {answer}", pair=f"$A $B {answer}", special_tokens=[(answer, named[answer])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        eos_token=mark_text("end"),
        pad_token=mark_text("pad"),
        additional_special_tokens=[mark_text(name) for name in MARKS if name not in ("end", "pad")],
        chat_template=CHAT_TEMPLATE,
        padding_side="left",
        truncation_side="left",
        clean_up_tokenization_spaces=False,
        model_input_names=["input_ids", "attention_mask"],
    )


def _texts(vocabulary: SymbolIds) -> dict[str, int]:
    """By text of the byte-level alphabet the id; symbols that nothing spells, or an earlier one, have a name."""
    letters = _letters()
    found: dict[str, int] = {}
    for number, raw in enumerate(vocabulary.spellings):
        if raw and vocabulary.ids[raw] == number:
            found["".join(letters[byte] for byte in raw)] = number
        elif number < len(vocabulary.symbols):
            found[f"<|evoswarm_symbol_{number}|>"] = number
    return found


def _letters() -> list[str]:
    """By byte its character in the byte-level alphabet: itself where it can be seen, else one from 256 on."""
    seen = {*range(33, 127), *range(161, 173), *range(174, 256)}
    hidden = (byte for byte in range(256) if byte not in seen)
    other = {byte: chr(256 + place) for place, byte in enumerate(hidden)}
    return [chr(byte) if byte in seen else other[byte] for byte in range(256)]
