"""The byte view against its own definition, written down a second time by the oracle."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from evoswarm.decoding.member import Member
from tests.decoding.lone_view import LoneView
from tests.oracle_member import OracleMember
from tests.oracle_symbols import allowed, view_of

EPSILON = 1e-3
PROMPT = "47+85="
TEXTS = {
    "multi-byte characters": "naïve ß東京",
    "emoji": "a 🙂🎉",
    "leading space": "  the cat",
    "runs of spaces": "a    b  c   ",
    "newlines and tabs before a word": "x\n\n\t\tword\n  y",
    "digit groups": "1234567 20,480",
    "literal special tokens": "<eos>a<|im_end|><0x41><|turn|>",
    "added tokens": "a  <tool>    b<end>  cat 2nd é 🙂\n\n<td>",
    "visible spaces": "a▁b ▁▁",
    "dashes and quotes": "a  — “b”   ½",
    "a contraction": "it's they'll",
    "what nobody would write": "zQ~|}{^qx\x00\x7f\u0301\U0010ffff",
    "an answer": "132",
}
TOKENIZERS = (
    *("gemma3-f", "llama-a", "gpt2-c", "neox-e", "mistral-h", "qwen3-d", "mamba-b"),
    *(
        "plain bytes",
        "one pretoken",
        "gpt2",
        "llama3",
        "added tokens",
        "flagged tokens",
        "added pieces",
        "llama2",
        "gemma",
        "metaspace",
        "unigram",
    ),
)


def prefixes(text: str) -> list[bytes]:
    """Every beginning of a text, those inside characters included."""
    raw = text.encode()
    return [raw[:length] for length in range(len(raw) + 1)]


@pytest.mark.parametrize("name", TOKENIZERS)
def test_every_position_of_every_text_is_as_defined(
    name: str, any_member: Callable[[str], Member], any_oracle: Callable[[str], OracleMember]
) -> None:
    reader, judge = LoneView(any_member(name), EPSILON), any_oracle(name)
    prompt = judge.prompt(PROMPT)
    assert reader.member.render(PROMPT) == prompt
    every = sorted({prefix for text in TEXTS.values() for prefix in prefixes(text)})
    spoken = 0
    for text, node in zip(every, reader.read(PROMPT, every), strict=True):
        want = view_of(judge).next_symbol(prompt, text, EPSILON)
        assert node.abstains == (want is None), text
        if want is None:
            continue
        spoken += 1
        got = np.exp(reader.probs(node).log().numpy())
        assert np.abs(got - np.array(want[0])).max() < 1e-5, text
        assert node.left_out == pytest.approx(want[1], abs=1e-5), text
        assert node.entropy == pytest.approx(-sum(p * np.log(p) for p in want[0] if p > 0), abs=1e-4), text
        assert got.sum() == pytest.approx(1.0, abs=1e-5)
        assert (np.isneginf(np.log(got, where=got > 0, out=np.full(257, -np.inf))) == ~np.array(allowed(text))).all()
    assert spoken > 0.9 * len(every)


@pytest.mark.parametrize("name", TOKENIZERS)
def test_what_is_left_out_is_bounded_as_reported(name: str, any_member: Callable[[str], Member]) -> None:
    every = sorted({prefix for text in TEXTS.values() for prefix in prefixes(text)})
    exact = LoneView(any_member(name), 0.0)
    whole = exact.read(PROMPT, every)
    assert all(node.left_out == 0.0 for node in whole)
    for epsilon in (EPSILON, 0.03):
        rough = LoneView(any_member(name), epsilon)
        for text, node, other in zip(every, rough.read(PROMPT, every), whole, strict=True):
            distance = 0.5 * (probabilities(rough, node) - probabilities(exact, other)).abs().sum().item()
            assert distance <= node.left_out + 1e-6, text
            assert len(node.reads) <= len(other.reads)


def probabilities(reader: Any, node: Any) -> Any:
    return reader.probs(node)


@pytest.mark.parametrize("name", ["llama-a", "gpt2", "llama2", "mamba-b"])
def test_warm_and_cold_memory_give_the_same_vector(name: str, any_member: Callable[[str], Member]) -> None:
    every = sorted({prefix for text in TEXTS.values() for prefix in prefixes(text)})
    knows_more = LoneView(any_member(name), 0.0)
    knows_more.read(PROMPT, every)
    warm = LoneView(any_member(name), EPSILON, shares=knows_more)  # rows lie in memory that epsilon leaves unread
    chance = random.Random(7)
    for text in chance.sample(every, 12):
        cold = LoneView(any_member(name), EPSILON)
        one, other = cold.read(PROMPT, [text])[0], warm.read(PROMPT, [text])[0]
        assert (probabilities(cold, one) - probabilities(warm, other)).abs().max() < 1e-5
        assert one.left_out == pytest.approx(other.left_out, abs=1e-6)
        assert len(one.reads) == len(other.reads)


def test_some_texts_leave_something_out(any_member: Callable[[str], Member]) -> None:
    """Otherwise the tests of the bound and of warm memory would hold nothing."""
    reader = LoneView(any_member("gpt2"), EPSILON)
    nodes = reader.read(PROMPT, prefixes(TEXTS["newlines and tabs before a word"]) + prefixes(TEXTS["a contraction"]))
    assert any(node.left_out > 0 for node in nodes)


def test_more_rows_are_waited_for_than_may_be_kept(any_member: Callable[[str], Member]) -> None:
    """Each turn must leave those that wait what they have: else they take it from each other for ever."""
    member = any_member("gpt2")
    asked = [(f"{number}+1=", b"it's  th") for number in range(100)]
    tight, roomy = LoneView(member, 0.0, row_bytes=1), LoneView(member, 0.0)
    for one, other in zip(tight.read_all(asked), roomy.read_all(asked), strict=True):
        assert len(one.reads) > 2
        assert (probabilities(tight, one) - probabilities(roomy, other)).abs().max() < 1e-5


def test_nothing_is_read_twice(any_member: Callable[[str], Member]) -> None:
    reader = LoneView(any_member("llama3"), EPSILON)
    every = sorted({prefix for text in TEXTS.values() for prefix in prefixes(text)})
    first = reader.read(PROMPT, every)
    forwarded = reader.counters.rows_forwarded
    needed = {one for said in first for read in said.reads for one in reader.memory.nodes.path(read).tolist()}
    assert forwarded == len(needed)
    assert reader.counters.rows_reforwarded == 0
    assert reader.read(PROMPT, every) == first
    assert reader.counters.rows_forwarded == forwarded
