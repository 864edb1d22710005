"""The compact forms ask reasoning-gym's own questions, and the same ones every time."""

from __future__ import annotations

import json
from typing import Any

import pytest
import reasoning_gym

from evoswarm.tasks.compact_forms import FAMILIES, CompactItem, entries, entry

SINGLE_FAMILIES = sorted(set(FAMILIES) - {"pair"})


def _verdict(family: str, item: CompactItem) -> float:
    assert item.entry is not None
    verifier = reasoning_gym.create_dataset(family, seed=0, size=1)
    answer = item.answer
    if family == "number_sorting":  # its verifier reads a JSON list, the compact answer has no brackets
        answer = json.dumps(answer.split(","))
    return float(verifier.score_answer(answer, item.entry))


@pytest.mark.parametrize("family", SINGLE_FAMILIES)
def test_answers_satisfy_the_verifier(family: str) -> None:
    for item in entries(family, {}, seed=11, size=60):
        assert _verdict(family, item) == 1.0, item


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_items_depend_on_seed_and_index_only(family: str) -> None:
    forward = [entry(family, {}, 21, index) for index in range(8)]
    backward = [entry(family, {}, 21, index) for index in reversed(range(8))]
    assert forward == backward[::-1] == list(entries(family, {}, 21, 8))
    assert forward != list(entries(family, {}, 5_021, 8))


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_prompts_are_short_and_end_in_an_equals_sign(family: str) -> None:
    for item in entries(family, {}, seed=3, size=40):
        assert item.prompt.endswith("=")
        assert len(item.prompt) <= 32
        assert item.prompt.isascii()
        assert item.answer == item.answer.strip() != ""
    prompt, answer = FAMILIES[family].example
    assert prompt.endswith("=")
    assert answer


@pytest.mark.parametrize(
    ("family", "raw", "prompt", "answer"),
    [
        ("chain_sum", {"metadata": {"expression": "23 - 60"}, "answer": "-37"}, "23-60=", "-37"),
        ("spell_backward", {"metadata": {"word": "Tiger"}, "answer": "regiT"}, "rev tiger=", "regit"),
        ("gcd", {"metadata": {"numbers": [48, 36]}, "answer": "12"}, "gcd 48,36=", "12"),
        ("count_bits", {"metadata": {"number": 242}, "answer": "5"}, "bits 242=", "5"),
        (
            "letter_counting",
            {"metadata": {"target_letter": "d", "span": ["The", "second"]}, "answer": "1"},
            "count d the second=",
            "1",
        ),
        (
            "number_sorting",
            {
                "metadata": {
                    "direction": "descending",
                    "original_numbers": ["30.0", "47.0", "7.0"],
                    "sorted_numbers": ["47.0", "30.0", "7.0"],
                }
            },
            "desc 30,47,7=",
            "47,30,7",
        ),
        (
            "pair",
            {
                "sum": {"metadata": {"expression": "47 + 85"}, "answer": "132"},
                "word": {"metadata": {"word": "tiger"}, "answer": "regit"},
            },
            "47+85 & tiger=",
            "132 regit",
        ),
    ],
)
def test_rendering_by_hand(family: str, raw: dict[str, Any], prompt: str, answer: str) -> None:
    assert FAMILIES[family].render(raw) == (prompt, answer)


def test_a_pair_joins_a_sum_and_a_word() -> None:
    for item in entries("pair", {}, seed=1, size=50):
        assert item.entry is None
        expression, word = item.prompt.removesuffix("=").split(" & ")
        sign = "-" if "-" in expression else "+"
        left, right = (int(number) for number in expression.split(sign))
        assert item.answer == f"{left - right if sign == '-' else left + right} {word[::-1]}"
        assert 4 <= len(word) <= 5


def test_settings_override_the_defaults() -> None:
    items = list(entries("spell_backward", {"min_word_len": 7, "max_word_len": 8}, seed=1, size=30))
    assert {len(item.answer) for item in items} == {7, 8}
    lists = list(entries("letter_counting", {"max_letters": 4, "balanced": False}, seed=1, size=30))
    assert all(len(item.prompt) <= len("count x abcd efg=") for item in lists)
    ones = [item.answer == "1" for item in entries("letter_counting", {}, seed=1, size=300)]
    assert 0.3 < sum(ones) / len(ones) < 0.6


@pytest.mark.parametrize(
    ("family", "config", "seed", "index", "text"),
    [
        ("chain_summ", {}, 0, 0, "expected one of .*chain_sum.* got 'chain_summ'"),
        ("gcd", {"max_valu": 3}, 0, 0, "expected one of .*max_value.* got 'max_valu'"),
        ("pair", {"balanced": True}, 0, 0, "expected one of .*min_word_len.* got 'balanced'"),
        ("gcd", {"min_numbers": 9}, 0, 0, "gcd.*max_numbers must be >= min_numbers"),
        ("letter_counting", {"max_letters": 0}, 0, 0, "accept an item"),
        ("gcd", {}, -1, 0, "seed -1"),
        ("gcd", {}, 0, -1, "index -1"),
    ],
)
def test_bad_requests_are_named(family: str, config: dict[str, Any], seed: int, index: int, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        entry(family, config, seed, index)
