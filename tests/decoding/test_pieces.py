"""How tokens that are not common are taken apart."""

from __future__ import annotations

from functools import cache
from itertools import combinations
from typing import Any

import pytest
from transformers import PreTrainedTokenizerFast

from evoswarm.decoding.text.alphabet import ByteAlphabet, CommonAlphabet, TokenAlphabet
from evoswarm.decoding.text.codec import Codec
from evoswarm.decoding.text.pieces import CommonPieces
from tests.decoding import tiny

KINDS = ("gpt2", "llama3", "llama2", "gemma", "metaspace", "unigram", "plain bytes")


@cache
def codec_of(name: str) -> Codec:
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=tiny.KINDS[name](), eos_token="<eos>", pad_token="<pad>")
    return Codec(tokenizer, (tokenizer.eos_token_id,), 10**9, name)


@pytest.mark.parametrize(("one", "other"), list(combinations(KINDS, 2)))
def test_every_token_is_spelled_by_its_symbols_and_only_what_both_have_is_one(one: str, other: str) -> None:
    codecs = [codec_of(one), codec_of(other)]
    common = CommonAlphabet(codecs)
    shared = set.intersection(*({text for text in codec.token_bytes if text} for codec in codecs))
    assert common.end == 256 + sum(len(text) > 1 for text in shared)
    for codec in codecs:
        made = common.decomposition(codec)
        several = 0
        for token in codec.order.tolist():
            symbols, text = made.spelled[token] or (), codec.token_bytes[token] or b""
            assert made.raw(symbols) == text
            assert (len(symbols) == 1) == (text in shared or len(text) == 1)
            several += len(symbols) > 1
        assert made.decomposed == several


def pieces(words: list[bytes]) -> tuple[CommonPieces, list[bytes]]:
    symbols = [*(bytes((byte,)) for byte in range(256)), *sorted(words)]
    return CommonPieces(codec_of("gpt2"), symbols, {text: number for number, text in enumerate(symbols)}), symbols


def apart(words: list[bytes], text: bytes) -> Any:
    made, symbols = pieces(words)
    return [symbols[number] for number in made.of(text)]


def test_merges_that_lead_to_symbols_come_first_and_the_rest_is_joined_greedily() -> None:
    codec = codec_of("gpt2")
    the = codec.encode(b" the")
    assert the is not None
    assert len(the) == 1, "else nothing is taken apart here"
    assert apart([b" the"], b" the") == [b" the"]
    assert apart([b"he", b" t"], b" the") == [b" t", b"he"], "by merges"
    assert apart([b"the"], b" the") == [b" ", b"the"], "merges of this tokenizer do not lead there"
    assert apart([], b" the") == [b" ", b"t", b"h", b"e"]


def test_bytes_and_tokens_are_the_two_ends() -> None:
    codec = codec_of("gpt2")
    by_bytes, by_tokens = ByteAlphabet().decomposition(codec), TokenAlphabet(codec).decomposition(codec)
    alone = CommonAlphabet([codec, codec_of("plain bytes")]).decomposition(codec)
    for token in codec.order.tolist():
        assert bytes(alone.spelled[token] or ()) == by_bytes.spelled[token] == codec.token_bytes[token]
        assert by_tokens.spelled[token] == (token,)
    assert by_tokens.whole
    assert not by_bytes.whole
