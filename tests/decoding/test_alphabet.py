"""Bytes, UTF-8 and where an answer is cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evoswarm.decoding.text.alphabet import Bytes, Tokens, allowed_after, cut, split_character
from tests import oracle

few = settings(max_examples=60, deadline=None, derandomize=True)


@few
@given(text=st.text(min_size=1), data=st.data())
def test_what_may_follow_is_what_keeps_a_text_valid(text, data):
    raw = text.encode()[: data.draw(st.integers(0, len(text.encode())))]
    whole, partial = split_character(raw)
    assert whole + partial == raw
    assert whole == raw.decode(errors="ignore").encode()
    assert allowed_after(partial).tolist() == oracle.allowed(raw)


@pytest.mark.parametrize(
    "partial", [b"", b"\xe0", b"\xed", b"\xf0", b"\xf4", b"\xc3", b"\xf0\x9f", b"\xe2\x82", b"\xf4\x8f"]
)
def test_the_table_of_unicode_row_by_row(partial):
    assert allowed_after(partial).tolist() == oracle.allowed(partial)


def test_bytes_that_never_occur():
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
def test_an_answer_is_cut(raw, limit, stop, kept):
    """As if it had come byte by byte: the stop string that is complete first ends it, within the limit."""
    assert cut(raw, limit, stop) == kept


@few
@given(
    raw=st.binary(max_size=12).map(lambda b: bytes(97 + byte % 3 for byte in b)),
    limit=st.integers(1, 12),
    stop=st.lists(st.sampled_from([b"a", b"ab", b"ba", b"bcb", b"cc"]), max_size=2),
)
def test_a_token_of_many_bytes_is_cut_as_its_bytes_are(raw, limit, stop):
    for length in range(1, len(raw) + 1):
        kept, why = cut(raw[:length], limit, stop)
        if why is not None:
            assert cut(raw, limit, stop) == (kept, why)
            return
    assert cut(raw, limit, stop) == (raw, None)


def test_alphabets_number_their_symbols_and_put_end_last():
    assert (Bytes().size, Bytes().end, Bytes().empty) == (257, 256, b"")
    assert Bytes().append(b"a", b"a", 0xC3) == (b"a\xc3", b"a\xc3")
    tokens = Tokens([b"a", None, b" bc"])
    assert (tokens.size, tokens.end, tokens.empty) == (4, 3, ())
    assert tokens.append((0,), b"a", 2) == ((0, 2), b"a bc")
