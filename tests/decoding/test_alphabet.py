"""Bytes, UTF-8 and where an answer is cut."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from evoswarm.decoding.step.stopping import truncate
from evoswarm.decoding.text.alphabet import ByteAlphabet, TokenAlphabet
from evoswarm.decoding.text.codec import Codec
from evoswarm.decoding.text.utf8 import allowed_after, split_character
from tests import oracle_symbols
from tests.decoding import tiny

few = settings(max_examples=60, deadline=None, derandomize=True)


@few
@given(text=st.text(min_size=1), data=st.data())
def test_what_may_follow_is_what_keeps_a_text_valid(text: str, data: Any) -> None:
    raw = text.encode()[: data.draw(st.integers(0, len(text.encode())))]
    whole, partial = split_character(raw)
    assert whole + partial == raw
    assert whole == raw.decode(errors="ignore").encode()
    assert allowed_after(partial).tolist() == oracle_symbols.allowed(raw)


@pytest.mark.parametrize(
    "partial", [b"", b"\xe0", b"\xed", b"\xf0", b"\xf4", b"\xc3", b"\xf0\x9f", b"\xe2\x82", b"\xf4\x8f"]
)
def test_the_table_of_unicode_row_by_row(partial: Any) -> None:
    assert allowed_after(partial).tolist() == oracle_symbols.allowed(partial)


def test_bytes_that_never_occur() -> None:
    assert not any(allowed_after(b"")[byte] for byte in (0x80, 0xBF, 0xC0, 0xC1, 0xF5, 0xFF))
    assert allowed_after(b"")[256]
    assert not allowed_after(b"\xc3")[256]


@pytest.mark.parametrize(
    ("raw", "limit", "stop", "kept"),
    [
        (b"abc", 5, [], (b"abc", None)),
        (b"abcde", 5, [], (b"abcde", "limit")),
        (b"abcdefgh", 5, [], (b"abcde", "limit")),
        ("abcé".encode(), 4, [], (b"abc", "limit")),
        ("ab🙂".encode(), 5, [], (b"ab", "limit")),
        (b"ab\ncd\n", 9, [b"\n"], (b"ab", "stop")),
        (b"\nab", 9, [b"\n"], (b"", "stop")),
        (b"abcd", 9, [b"d", b"bc"], (b"a", "stop")),
        (b"abcd", 9, [b"abcd", b"b"], (b"a", "stop")),
        (b"abcdSTOP", 5, [b"STOP"], (b"abcdS", "limit")),
        (b"abcdSTOP", 8, [b"STOP"], (b"abcd", "stop")),
        (b"abST", 9, [b"STOP"], (b"abST", None)),
    ],
)
def test_an_answer_is_truncate(raw: Any, limit: int, stop: Any, kept: Any) -> None:
    """As if it had come byte by byte: the stop string that is complete first ends it, within the limit."""
    assert truncate(raw, limit, stop) == kept


@few
@given(
    raw=st.binary(max_size=12).map(lambda b: bytes(97 + byte % 3 for byte in b)),
    limit=st.integers(1, 12),
    stop=st.lists(st.sampled_from([b"a", b"ab", b"ba", b"bcb", b"cc"]), max_size=2),
)
def test_a_token_of_many_bytes_is_cut_as_its_bytes_are(raw: Any, limit: int, stop: Any) -> None:
    for length in range(1, len(raw) + 1):
        kept, why = truncate(raw[:length], limit, stop)
        if why is not None:
            assert truncate(raw, limit, stop) == (kept, why)
            return
    assert truncate(raw, limit, stop) == (raw, None)


def made() -> Any:
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=tiny.KINDS["gpt2"](), eos_token="<eos>", pad_token="<pad>")
    codec = Codec(tokenizer, (tokenizer.eos_token_id,), 10**9, "gpt2")
    return codec, ByteAlphabet(), TokenAlphabet(codec)


def test_alphabets_number_their_symbols_and_put_end_last() -> None:
    codec, letters, tokens = made()
    assert (letters.size, letters.end) == (257, 256)
    assert letters.spell(0xC3) == b"\xc3"
    assert (tokens.size, tokens.end) == (len(codec.token_bytes) + 1, len(codec.token_bytes))
    the = codec.encode(b"the")
    assert tokens.spell(the[0]) == codec.token_bytes[the[0]]


def test_what_may_follow_goes_by_the_state_of_a_text() -> None:
    codec, letters, tokens = made()
    raws = [b"", b"a", "é".encode(), b"a\xc3", b"\xf0\x9f", b"b\xc3"]
    states = np.array([letters.state(raw) for raw in raws])
    assert letters.allowed(states).tolist() == [oracle_symbols.allowed(raw) for raw in raws]
    said = [text is not None for text in codec.token_bytes]
    assert tokens.allowed(np.array([tokens.state(raw) for raw in raws])).tolist() == [[*said, True]] * len(raws)


def test_texts_are_encoded_and_counted() -> None:
    codec, letters, tokens = made()
    text = "the cat, naïve"
    by_bytes, by_tokens = letters.decomposition(codec), tokens.decomposition(codec)
    assert letters.encode(text.encode(), by_bytes) == text.encode()
    ids = tokens.encode(text.encode(), by_tokens)
    assert b"".join(codec.token_bytes[token] for token in ids) == text.encode()
    assert len(ids) < len(text), "else counting tokens were counting bytes"
    assert by_bytes.symbols_per_token(text.encode()) == [len(codec.token_bytes[token]) for token in ids]
    assert by_tokens.symbols_per_token(ids) == [1] * len(ids)
