"""Added tokens in what is being said: which are found in a text, and what they spell."""

from __future__ import annotations

from typing import Any

import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models
from transformers import PreTrainedTokenizerFast

from evoswarm.decoding.text.codec import Codec
from evoswarm.decoding.text.split_points import find_split_points
from tests.decoding import tiny


def codec_of(tokenizer: Tokenizer, ends: tuple[str, ...] = ("<eos>",), columns: int = 10**9) -> Codec:
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>", pad_token="<pad>")
    return Codec(wrapped, tuple(wrapped.convert_tokens_to_ids(list(ends))), columns, "added")


def shown(codec: Codec, text: str) -> list[bytes]:
    path = codec.encode(text.encode())
    assert path is not None
    return [codec.token_bytes[token] for token in path]  # type: ignore[misc]


def test_they_are_found_before_the_text_is_split_and_special_ones_are_not() -> None:
    tokenizer = tiny.KINDS["added tokens"]()
    codec = codec_of(tokenizer)
    assert shown(codec, "a<tool>b") == [b"a", b"<tool>", b"b"]
    assert b"    " in shown(codec, "a" + " " * 5 + "b")
    special = tokenizer.token_to_id("<|turn|>")
    assert special not in codec.encode(b"<|turn|>")  # type: ignore[operator]
    assert codec.token_bytes[special] is None  # type: ignore[index]


@pytest.mark.parametrize("kind", ["added tokens", "flagged tokens", "added pieces"])
def test_every_token_spells_what_decoding_it_between_others_gives(kind: Any) -> None:
    tokenizer = tiny.KINDS[kind]()
    codec = codec_of(tokenizer)
    around = codec.encode(b"(")
    for token in codec.continuation.added:
        decoded = tokenizer.decode([*around, token, *around], skip_special_tokens=False)  # type: ignore[misc]
        assert decoded == f"({codec.token_bytes[token].decode()}("


def test_runs_of_visible_spaces_are_runs_of_spaces() -> None:
    codec = codec_of(tiny.KINDS["added pieces"]())
    assert shown(codec, "a  t") == [b"a", b"  ", b"t"]
    spelled = [text for text in codec.token_bytes if text]
    assert b"    " in spelled, "even where the tokenizer finds it in no text"
    assert not any("▁".encode() in text for text in spelled)


@pytest.mark.parametrize("kind", ["llama2", "gemma", "metaspace", "unigram", "added pieces"])
def test_a_visible_space_in_a_text_is_written_in_bytes(kind: Any) -> None:
    codec = codec_of(tiny.KINDS[kind]())
    assert shown(codec, "a▁▁t") == [b"a", *([b"\xe2", b"\x96", b"\x81"] * 2), b"t"]
    assert codec.encode("▁".encode()[:2]) == codec.encode("▁".encode())[:2]  # type: ignore[index]


def test_none_takes_the_spaces_around_it() -> None:
    codec = codec_of(tiny.KINDS["flagged tokens"]())
    for text in ("a  <end>   b", "a  <mid>   b"):
        assert b"".join(shown(codec, text)) == text.encode()
        assert text.strip("ab ").encode() in shown(codec, text)


def test_whole_words_are_found_only_as_such_and_no_cut_parts_them_from_their_neighbours() -> None:
    codec = codec_of(tiny.KINDS["flagged tokens"]())
    assert b"cat" in shown(codec, "a cat")
    assert b"cat" not in shown(codec, "acat") + shown(codec, "cats")
    flags = find_split_points(codec)
    assert flags[ord(".") << 8 | ord(" ")]
    assert not flags[ord(".") << 8 | ord("2")], "'2nd' begins so"
    assert not flags[ord("t") << 8 | ord(" ")], "'cat' ends so"
    assert find_split_points(codec_of(tiny.KINDS["added tokens"]()))[ord("t") << 8 | ord(" ")]


def test_one_that_stands_across_a_place_leaves_it_uncut() -> None:
    tokenizer = tiny.byte_level(tiny.GPT2_PATTERN, 400)
    assert find_split_points(codec_of(tokenizer))[ord("e") << 8 | ord(" ")]
    tokenizer.add_tokens([AddedToken("<the end>", normalized=False)])
    assert not find_split_points(codec_of(tokenizer))[ord("e") << 8 | ord(" ")]


def test_numbers_stay_where_there_are_holes_among_them() -> None:
    tokenizer = tiny.byte_level(tiny.GPT2_PATTERN, 400)
    tokenizer.add_special_tokens([AddedToken(f"<special {number}>") for number in range(5)])
    tokenizer.add_tokens([AddedToken("<last>", normalized=False)])
    codec = codec_of(tokenizer)
    assert codec.encode(b"<last>") == (tokenizer.token_to_id("<last>"),)
    assert shown(codec, "a<last>") == [b"a", b"<last>"]


def test_one_that_the_model_has_no_logits_for_is_not_found() -> None:
    tokenizer = tiny.byte_level(tiny.GPT2_PATTERN, 400)
    columns = tokenizer.get_vocab_size()
    tokenizer.add_tokens([AddedToken("<late>", normalized=False)])
    assert b"<late>" in shown(codec_of(tokenizer), "a<late>")
    late = shown(codec_of(tokenizer, columns=columns), "a<late>")
    assert b"".join(late) == b"a<late>"
    assert len(late) > 3


def test_pieces_that_cannot_be_said_are_written_without_them() -> None:
    """An end token may be any piece of text; the text is spelled by others all the same."""
    merges = [("a", "t"), ("Ġ", "at"), ("h", "e")]
    symbols = [*tiny.SPECIALS[:2], *sorted(tiny.pre_tokenizers.ByteLevel.alphabet()), *map("".join, merges)]
    for whole in (False, True):
        vocabulary = {symbol: index for index, symbol in enumerate(symbols)}
        made = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, ignore_merges=whole))
        made.pre_tokenizer = tiny.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        made.decoder = decoders.ByteLevel()
        made.add_special_tokens(tiny.SPECIALS[:2])
        codec = codec_of(made, ends=("<eos>", "Ġat", "he"))
        assert shown(codec, "x at") == [b"x", b" ", b"a", b"t"]
        assert shown(codec, "the") == [b"t", b"h", b"e"]
        assert shown(codec, "<eos>") == [bytes((byte,)) for byte in b"<eos>"]
        assert shown(codec, "at") == [b"at"]


def test_a_single_byte_that_cannot_be_said_leaves_texts_that_nothing_spells() -> None:
    codec = codec_of(tiny.byte_level(None, 258), ends=("<eos>", "Ċ"))
    assert codec.encode(b"a\nb") is None
    assert codec.paths(b"a\n") == ()
