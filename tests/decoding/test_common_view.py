"""What members say in the symbols that they have in common, against the judge; and that these are what they should."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from evoswarm.decoding.member import Member
from evoswarm.decoding.text.alphabet import Alphabet, CommonAlphabet
from tests.decoding.lone_view import LoneView, Said
from tests.decoding.symbol_texts import symbol_texts
from tests.decoding.test_byte_view import EPSILON, PROMPT, TEXTS
from tests.oracle_member import OracleMember
from tests.oracle_symbols import OracleView, Symbols, Text, symbols_of, view_of

Group = tuple[str, ...]
GROUPS: tuple[Group, ...] = (
    ("gpt2", "llama3"),
    ("gpt2", "llama2"),
    ("llama3", "gemma"),
    ("unigram", "gpt2"),
    ("metaspace", "added pieces"),
    ("one pretoken", "flagged tokens"),
    ("plain bytes", "llama3"),
    ("mistral-h", "neox-e"),
    ("mamba-b", "qwen3-d"),
    ("gpt2", "llama2", "unigram"),
    ("llama3", "added tokens", "gemma"),
    ("gpt2-c", "neox-e", "mistral-h"),
)
COUNT = 90
EPSILONS = (0.0, EPSILON, 0.03)


@dataclass
class Shared:
    """A group of members, what the judge makes of it, and texts to ask about."""

    members: list[Member]
    alphabet: Alphabet
    symbols: Symbols
    views: list[OracleView]
    texts: list[Text]


@pytest.fixture(scope="module")
def shared(any_member: Callable[[str], Member], any_oracle: Callable[[str], OracleMember]) -> Callable[[Group], Shared]:
    """A group by its names."""

    def made(names: Group) -> Shared:
        members, judges = [any_member(name) for name in names], [any_oracle(name) for name in names]
        symbols = symbols_of("common", judges)
        views = [view_of(judge, symbols) for judge in judges]
        texts = symbol_texts(views, list(TEXTS.values()), COUNT)
        return Shared(members, CommonAlphabet([member.codec for member in members]), symbols, views, texts)

    return cache(made)


@pytest.mark.parametrize("names", GROUPS, ids="+".join)
def test_symbols_are_the_bytes_and_what_is_one_token_of_everybody(
    names: Group, shared: Callable[[Group], Shared]
) -> None:
    group = shared(names)
    size = group.alphabet.end
    spelled = [group.alphabet.spell(symbol) for symbol in range(size)]
    assert tuple(spelled) == group.symbols.strings
    assert group.alphabet.size == size + 1
    assert (size == 256) == ("plain bytes" in names)
    for member, view in zip(group.members, group.views, strict=True):
        own = {view.made[token]: text for token, text in view.member.spelling.items()}
        for symbol in range(256, size):
            assert own[symbol,] == spelled[symbol], "nobody is asked for a token that it does not have"
        made = group.alphabet.decomposition(member.codec).spelled
        assert {token: made[token] for token in view.made} == view.made
    assert any(len(symbols) > 1 for view in group.views for symbols in view.made.values()), "something decomposes"


@pytest.mark.parametrize("names", GROUPS, ids="+".join)
def test_every_position_of_every_text_is_as_defined(names: Group, shared: Callable[[Group], Shared]) -> None:
    group = shared(names)
    spoken = several = 0
    for member, view in zip(group.members, group.views, strict=True):
        prompt = view.member.prompt(PROMPT)
        for number, epsilon in enumerate(EPSILONS):
            asked = group.texts[number :: len(EPSILONS)]
            reader = LoneView(member, epsilon, alphabet=group.alphabet)
            for text, said in zip(asked, reader.read(PROMPT, asked), strict=True):
                want = view.next_symbol(prompt, text, epsilon)
                assert said.failure is None
                assert said.abstains == (want is None), text
                if want is not None:
                    spoken += 1
                    several += len(view.heads(text)) > 1
                    _is_said(reader, said, want, group.symbols.allowed(group.symbols.raw(text)))
    assert spoken > 0.9 * len(group.texts) * len(names)
    assert several > 10, "or no head but the last would have been tested"


def _is_said(reader: LoneView, said: Said, want: tuple[list[float], float], allowed: list[bool]) -> None:
    got = reader.probs(said).numpy()
    assert np.abs(got - np.array(want[0])).max() < 1e-5
    assert got.sum() == pytest.approx(1.0, abs=1e-5)
    assert ((got > 0) == allowed).all()
    assert said.left_out == pytest.approx(want[1], abs=1e-5)
    assert said.entropy == pytest.approx(-sum(p * np.log(p) for p in want[0] if p > 0), abs=1e-4)


@pytest.mark.parametrize("names", GROUPS[::3], ids="+".join)
def test_nobody_is_floored_for_what_it_cannot_say(names: Group, shared: Callable[[Group], Shared]) -> None:
    """Every symbol that may come first has mass of every member, but for bytes that the member has no token of."""
    group = shared(names)
    for view in group.views:
        prompt, bare = view.member.prompt(PROMPT), {text for text in view.member.spelling.values() if len(text) == 1}
        want = view.next_symbol(prompt, (), 0.0)
        assert want is not None
        may = group.symbols.allowed(b"")[: group.symbols.end]
        for symbol, ok in enumerate(may):
            assert not ok or want[0][symbol] > 0 or (symbol < 256 and bytes([symbol]) not in bare)


@pytest.mark.parametrize("names", GROUPS[1::3], ids="+".join)
def test_what_is_left_out_is_bounded_as_reported(names: Group, shared: Callable[[Group], Shared]) -> None:
    group = shared(names)
    for member in group.members:
        exact = LoneView(member, 0.0, alphabet=group.alphabet)
        whole = exact.read(PROMPT, group.texts)
        assert all(said.left_out == 0.0 for said in whole if not said.abstains)
        for epsilon in EPSILONS[1:]:
            rough = LoneView(member, epsilon, alphabet=group.alphabet)
            for text, said, other in zip(group.texts, rough.read(PROMPT, group.texts), whole, strict=True):
                distance = 0.5 * (rough.probs(said) - exact.probs(other)).abs().sum().item()
                assert distance <= said.left_out + 1e-6, text
                assert len(said.reads) <= len(other.reads)


@pytest.mark.parametrize("names", [GROUPS[0], GROUPS[8]], ids="+".join)
def test_warm_and_cold_memory_give_the_same_vector(names: Group, shared: Callable[[Group], Shared]) -> None:
    group = shared(names)
    for member in group.members:
        knows_more = LoneView(member, 0.0, alphabet=group.alphabet)
        knows_more.read(PROMPT, group.texts)
        warm = LoneView(member, EPSILON, shares=knows_more, alphabet=group.alphabet)
        for text in random.Random(3).sample(group.texts, 10):
            cold = LoneView(member, EPSILON, alphabet=group.alphabet)
            one, other = cold.read(PROMPT, [text])[0], warm.read(PROMPT, [text])[0]
            assert (cold.probs(one) - warm.probs(other)).abs().max() < 1e-5
            assert one.left_out == pytest.approx(other.left_out, abs=1e-6)
            assert len(one.reads) == len(other.reads)


@pytest.mark.parametrize("names", GROUPS[::4], ids="+".join)
def test_a_text_alone_and_among_others_is_the_same(names: Group, shared: Callable[[Group], Shared]) -> None:
    group = shared(names)
    asked: Sequence[Text] = group.texts[:40]
    for member in group.members:
        together = LoneView(member, EPSILON, alphabet=group.alphabet)
        other_way = LoneView(member, EPSILON, alphabet=group.alphabet)
        one = [together.probs(said) for said in together.read(PROMPT, asked)]
        two = [other_way.probs(other_way.read(PROMPT, [text])[0]) for text in asked[::-1]][::-1]
        assert max((a - b).abs().max().item() for a, b in zip(one, two, strict=True)) < 1e-5
        assert together.counters.rows_forwarded == other_way.counters.rows_forwarded
