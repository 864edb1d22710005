"""Tokenizations found byte by byte against the definition, which reads the whole text at every byte."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from evoswarm.decoding.compiled.text_states import ROOT_BRANCH
from evoswarm.decoding.text import split_points
from evoswarm.decoding.text.alphabet import ByteAlphabet
from evoswarm.decoding.text.codec import Codec
from evoswarm.decoding.text.split_points import find_split_points
from evoswarm.decoding.text.tokenizations import Tokenizations
from evoswarm.zoo.catalogue import member_path
from tests.decoding import tiny
from tests.decoding.recipes import ZOO

PROSE = (
    "the quick brown fox, naïve as ever, said: it's 1984 or so.\nAnd the lazy dog sat on the mat; we'll see",
    "def total(values):\n    result = 0\n\n    for value in values:\n\t\tresult += value  # x2\n    return result",
)
FOREIGN = (
    "1234567 20,480 3.14159 1 2  3\n4\n\n5 1+1=2",
    "東京 と 京都は日本の都市です。 the 🙂 🙂🎉🙂 cat",
    "a\u00a0 b\u3000  c\u2003 d \u00a0e é à f",
    "<eos>a <|im_end|> <0x41> <tool> <|turn|>    </s>",
    "\x00 \x7f\u0301 \U0010ffff e\r\n \r\r\n\t x  ",
    "'s 'll it's' tea 'twas o'clock they'Ll   're",
    "Привет мир, это текст. Γειά σου",
    "   leading and trailing   ",
    "e te tee t e  t the the thethe at at",
)
ALPHABET = "aest tE  \n\t\r0123'.,-(é東🙂\u00a0\u0301"
TEXTS = st.one_of(
    st.text(st.sampled_from(ALPHABET), max_size=24),
    st.lists(st.sampled_from(" ".join((*PROSE, *FOREIGN)).split(" ")), max_size=10).map(" ".join),
    st.text(max_size=12),
)


def superword(pairs: Any = (("e", "Ġ"), ("eĠ", "t"), ("t", "h"), ("a", "t"))) -> Any:
    """A byte-level BPE without pretokens whose vocabulary spans words: "e t"."""
    symbols = [*tiny.SPECIALS[:2], *sorted(tiny.pre_tokenizers.ByteLevel.alphabet()), *map("".join, pairs)]
    vocabulary = {symbol: index for index, symbol in enumerate(symbols)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=list(pairs)))
    tokenizer.pre_tokenizer = tiny.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = tiny.decoders.ByteLevel()
    tokenizer.add_special_tokens(tiny.SPECIALS[:2])
    return tokenizer


def spaced_numbers() -> Any:
    """Numbers take a space, words do not: behind spaces a letter says what neither the end nor a digit does."""
    lines = [*tiny.LINES, *(f"{gap}{end}" for gap in ("  ", "   ", "    ") for end in ("a", "0", ""))]
    return tiny.byte_level(r"\s+(?=\p{L})|\s+?(?=\s?\p{N}| )|\s?\p{N}+|\p{L}+|[^\s\p{L}\p{N}]+|\s", 500, lines)


def looks_ahead() -> Any:
    """No token spans words, but a number is one pretoken before a word and groups of two digits elsewhere."""
    pattern = r"\p{N}+(?=\s\p{L})|\p{N}{1,2}|\s?\p{L}+|[^\p{N}\p{L}]"
    return tiny.byte_level(pattern, 400, [*tiny.LINES, *(f"{year} a" for year in range(1980, 1990))])


def whole_texts() -> Any:
    """Pretokens are whole texts, and those that are tokens are taken as they are: no two sides are apart."""
    return tiny.byte_level(None, 300, ("the the", "at at"), ignore_merges=True)


def few_characters() -> Any:
    """A SentencePiece-like tokenizer that has no bytes to fall back on: most texts it cannot spell."""
    symbols = [*tiny.SPECIALS, *"▁aesth", "th", "▁a", "▁th"]
    merges = [("t", "h"), ("▁", "a"), ("▁", "th")]
    vocabulary = {symbol: index for index, symbol in enumerate(symbols)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, unk_token="<unk>", fuse_unk=True))
    tokenizer.add_special_tokens(tiny.SPECIALS)
    tokenizer.normalizer = tiny.normalizers.Replace(" ", "▁")
    tokenizer.decoder = tiny.decoders.Sequence([tiny.decoders.Replace("▁", " "), tiny.decoders.Fuse()])
    return tokenizer


OTHERS = {
    "superword": superword,
    "spaced numbers": spaced_numbers,
    "looks ahead": looks_ahead,
    "whole texts": whole_texts,
    "few characters": few_characters,
}
NAMES = (*ZOO, *tiny.KINDS, *OTHERS)


@cache
def codec_of(name: Any) -> Any:
    if name in ZOO:
        tokenizer = AutoTokenizer.from_pretrained(member_path(name))
    else:
        made = (tiny.KINDS | OTHERS)[name]()
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<eos>", pad_token="<pad>")
    return Codec(tokenizer, (tokenizer.eos_token_id,), 10**9, name)


class Text(NamedTuple):
    """What is known of a text at one of its beginnings."""

    known: Any
    context: int

    @property
    def length(self) -> int:
        return int(self.known.symbols[self.context])

    @property
    def split(self) -> Any:
        at = self.known.texts.split[self.context]
        return None if at == self.context else Text(self.known, at)

    def tail(self) -> bytes:
        return bytes(self.known.texts.symbols_of(self.number))

    @property
    def number(self) -> int:
        return int(self.known.texts.tail[self.context])

    @property
    def paths(self) -> Any:
        texts, tail = self.known.texts, self.number
        if not texts.spelled[self.context]:
            return ()
        if texts.paths[tail] < 0:
            texts.find_paths(tail)
        numbers = range(texts.first_path[tail], texts.first_path[tail] + texts.paths[tail])
        return tuple(
            tuple(np.asarray(texts.tokens)[texts.begin[one] : texts.begin[one + 1]].tolist()) for one in numbers
        )

    @property
    def starts(self) -> Any:
        """Ends of the text that some token strictly extends, the longest first: their begins and branches."""
        texts, found = self.known.texts, []
        branch = texts.branch[self.context]
        while branch != ROOT_BRANCH:
            start = self.context
            for _ in range(texts.depth[branch]):
                start = int(self.known.parents[start])
            found.append((Text(self.known, start), branch))
            branch = texts.link[branch]
        return found


class Texts:
    """Texts behind one prompt, numbered as contexts are, in one tokenizer."""

    def __init__(self, codec: Any, split_points: bytes) -> None:
        self.tokenizations = Tokenizations(ByteAlphabet().decomposition(codec), split_points)
        self.texts, self.tokens = self.tokenizations.texts, self.tokenizations.tokens
        self.parents, self.last, self.symbols = (
            np.array([0]),
            np.array([-1], dtype=np.int32),
            np.zeros(1, dtype=np.int32),
        )
        self.children: dict[tuple[int, int], int] = {}

    def step(self, text: Text, symbol: int) -> Text:
        context = self.children.setdefault((text.context, symbol), len(self.parents))
        if context == len(self.parents):
            self.parents = np.append(self.parents, text.context)
            self.last = np.append(self.last, np.int32(symbol))
            self.symbols = np.append(self.symbols, self.symbols[text.context] + np.int32(1))
        return Text(self, context)

    def find(self, text: Text) -> None:
        """Nothing is known of a text before somebody asks."""
        self.texts.make_room(len(self.parents))
        self.texts.find(np.array([text.context]), self.parents, self.last, self.symbols)


def fresh(name: Any) -> Any:
    return Texts(codec_of(name), split_points_of(name))


@cache
def split_points_of(name: Any) -> Any:
    return find_split_points(codec_of(name))


@cache
def trie_of(name: Any) -> Any:
    return fresh(name)


@cache
def sorted_of(codec: Any) -> Any:
    return sorted(text for text in codec.token_bytes if text)


@cache
def bounds_of(codec: Any, prefix: Any) -> Any:
    """Where the tokens that strictly extend a prefix stand among all, by their next byte; by bisection."""
    low = bisect_left(sorted_of(codec), prefix)
    found = [bisect_left(sorted_of(codec), prefix + bytes((byte,))) for byte in range(256)]
    last = max(
        [index + 1 for index in range(low, len(sorted_of(codec))) if sorted_of(codec)[index].startswith(prefix)]
        or [low]
    )
    return [*found, last]


def goes_on(codec: Any, prefix: Any) -> bool:
    """Whether a token strictly extends a prefix: the first behind it does, if any."""
    first = bisect_right(sorted_of(codec), prefix)
    return sorted_of(codec)[first : first + 1] != [] and sorted_of(codec)[first].startswith(prefix)


def bounds(trie: Any, branch: int) -> Any:
    """The same as the trie has it: where tokens begin that go on with each byte, and where the last of them ends."""
    ends, following = trie.tokens.following
    found = {symbol: (low, high) for symbol, low, high in following[ends[branch] : ends[branch + 1]].tolist()}
    low, last = trie.tokens.ranges[branch].tolist()
    assert sorted(found) == list(found)
    made = [last] * 257
    for byte in range(255, -1, -1):
        made[byte], stop = found.get(byte, (made[byte + 1], made[byte + 1]))
        assert stop == made[byte + 1]
    assert made[0] == low
    return made


def walk(trie: Any, raw: Any) -> Any:
    """Every beginning of a text."""
    found = [Text(trie, 0)]
    for byte in raw:
        found.append(trie.step(found[-1], byte))
    trie.find(found[-1])
    return found


def canonical(node: Any) -> Any:
    """E(x[:n]) of a node that is a cut."""
    return () if node.split is None else canonical(node.split) + node.paths[0]


def absolute(node: Any) -> Any:
    if not node.paths:
        return ()
    before = () if node.split is None else canonical(node.split)
    return tuple(before + path for path in node.paths)


def check(codec: Any, trie: Any, raw: Any) -> None:
    """Every attribute of every node on the way to a text."""
    for length, node in enumerate(walk(trie, raw)):
        text = raw[:length]
        assert node.length == length
        assert absolute(node) == codec.paths(text), text
        live = [start for start in range(length) if goes_on(codec, text[start:])]
        assert [start.length for start, _ in node.starts] == live, text
        for start, branch in node.starts:
            assert start == walk(trie, text[: start.length])[-1]
            assert bounds(trie, branch) == bounds_of(codec, text[start.length :])
        assert all(start.length >= node.split.length for start, _ in node.starts)


@pytest.mark.parametrize("name", NAMES)
def test_every_position_is_as_defined(name: str) -> None:
    for text in (*PROSE, *FOREIGN):
        check(codec_of(name), trie_of(name), text.encode())


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None)
@given(text=TEXTS)
@example(text="e t")
@example(text="12345 a")
@example(text="éx\u00a0 x")
def test_whatever_the_text(name: str, text: str) -> None:
    check(codec_of(name), trie_of(name), text.encode())


@pytest.mark.parametrize("name", ["gpt2-c", "qwen3-d", "gemma3-f", "unigram"])
def test_what_was_asked_before_changes_nothing(name: str) -> None:
    """The same texts in a trie of their own and in one that many texts went through, in another order."""
    for text in reversed((*PROSE, *FOREIGN)):
        walked = walk(trie_of(name), text.encode())
        for one, other in zip(walk(fresh(name), text.encode()), walked, strict=True):
            assert one.paths == other.paths
            assert one.tail() == other.tail()


def splits(name: Any, text: Any) -> Any:
    """Where the text has been cut when it ends."""
    node, found = walk(trie_of(name), text.encode())[-1], []
    while node.split is not None:
        node = node.split
        found.append(node.length)
    return found[::-1]


@pytest.mark.parametrize(
    "name", ["gpt2", "llama3", "llama2", "gemma", "metaspace", "unigram", "plain bytes", "qwen3-d"]
)
def test_words_are_cut_off(name: str) -> None:
    """Else all other tests compare the definition with itself."""
    text = "it is what they say, in 1984 too"
    assert {2, 5, 10, 15, 20, 23, 28} <= set(splits(name, text))
    longest = max(len(node.tail()) for node in walk(trie_of(name), text.encode()))
    assert longest <= 6


def test_words_that_end_with_other_letters_are_cut_off_too() -> None:
    for name in ("gpt2", "llama3", "qwen3-d"):
        assert {2, 5} <= set(splits(name, "ü ñ b"))
        assert 2 not in splits(name, "\u00a0 b"), "nothing visible ends there"


def test_lines_are_cut_where_no_pretoken_goes_on() -> None:
    assert {1, 4} <= set(splits("gpt2", "a\n12\n"))
    assert 1 not in splits("unigram", "a\n12\n"), "a line break may be in the pretoken of the word before"


@pytest.mark.parametrize("name", ["superword", "one pretoken", "whole texts"])
def test_words_that_do_not_stand_apart_are_not(name: str) -> None:
    assert not [place for place in splits(name, "he tea the at e t") if place in (2, 6, 10, 13, 15)]


def test_a_place_that_looks_ahead_is_found_by_trying() -> None:
    codec = codec_of("looks ahead")
    assert not [text for text in codec.token_bytes if text and any(a in b"012" and b == 32 for a, b in pairwise(text))]
    assert codec.encode(b"1984 a") != codec.encode(b"1984") + codec.encode(b" a")
    assert splits("looks ahead", "a 1984 a b") == [0, 1, 8]


def test_tokens_that_have_no_mass_stand_across_too() -> None:
    """An end token may be any piece of text: the tokenizer merges it all the same."""
    made = superword([("W", "Ġ"), ("WĠ", "t")])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<eos>", pad_token="<pad>")
    codec = Codec(tokenizer, tuple(tokenizer.convert_tokens_to_ids(["WĠ", "WĠt"])), 10**9, "ends")
    assert {b"W ", b"W t"} <= set(codec.silent_bytes)
    trie = Texts(codec, find_split_points(codec))
    for text in (*FOREIGN, "a W to be W", "W the"):
        check(codec, trie, text.encode())


def test_a_tokenizer_whose_sides_depend_on_each_other_is_never_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    codec = codec_of("gpt2")
    assert any(find_split_points(codec))
    monkeypatch.setattr(Codec, "encode", lambda self, text: (len(text),))
    assert not any(find_split_points(codec))


def test_points_are_looked_for_once_for_tokenizers_that_are_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Codec] = []

    def find(codec: Codec) -> bytes:
        asked.append(codec)
        return bytes([len(asked)])

    def codec(kind: str, ends: int = 1) -> Codec:
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=tiny.KINDS[kind](), eos_token="<eos>", pad_token="<pad>")
        return Codec(tokenizer, tuple(range(ends)), 10**9, kind)

    monkeypatch.setattr(split_points, "find_split_points", find)
    monkeypatch.setattr(split_points, "_found", cache(lambda digest: []))
    made = [codec("gpt2"), codec("gpt2"), codec("llama3"), codec("gpt2", ends=4), codec("one pretoken"), codec("gpt2")]
    assert [split_points.split_points_of(one) for one in made] == [b"\1", b"\1", b"\2", b"\3", b"\4", b"\1"]


def test_behind_what_cannot_be_spelled_there_is_no_path() -> None:
    walked = walk(trie_of("few characters"), "a thé at a".encode())
    assert [bool(node.paths) for node in walked] == [True] * 5 + [False] * 7
    assert walked[-1].split.length > 6, "it is cut there too"


@pytest.mark.parametrize(("name", "least"), [("gpt2", 257), ("llama3", 257), ("added tokens", 100), ("unigram", 50)])
def test_every_branch_has_the_bounds_of_its_string(name: str, least: Any) -> None:
    codec, trie = codec_of(name), fresh(name)
    assert len(trie.tokens.ranges) == 1
    assert bounds(trie, ROOT_BRANCH) == bounds_of(codec, b"")
    strings = {ROOT_BRANCH: b""}
    for text in filter(None, codec.token_bytes):
        for node in walk(trie, text)[1:]:
            strings |= {branch: text[start.length : node.length] for start, branch in node.starts}
    assert sorted(strings) == list(range(len(trie.tokens.ranges)))
    assert len(set(strings.values())) == len(strings) >= least, "the table has grown twice for some"
    assert all(bounds(trie, branch) == bounds_of(codec, text) for branch, text in strings.items())


def test_a_long_text_costs_no_stack_and_forgetting_changes_nothing() -> None:
    texts, codec = fresh("gpt2"), codec_of("gpt2")
    last = walk(texts, b"at the mat, " * 2000)[-1]
    assert len(last.paths) == len(codec.paths(last.tail()))
    for text in PROSE:
        texts.texts.forget(0)
        check(codec, texts, text.encode())
    texts.texts._forget_tails()
    texts.texts.forget(0)
    check(codec, texts, PROSE[0].encode())
