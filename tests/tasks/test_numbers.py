"""Numbers as people and models write them."""

from __future__ import annotations

import time

import pytest

from evoswarm.tasks.scorers import Numeric
from evoswarm.tasks.task import Item

WRITTEN = [
    (r"\boxed{9{,}500}", "9500"),
    (r"10\,000", "10000"),
    ("8,000", "8000"),
    ("1/2", "0.5"),
    ("$5.00", "5"),
    ("-0", "0"),
    ("1 234", "1234"),
    ("1\u202f234", "1234"),
    ("1\u00a0234\u00a0567,5", "1234567.5"),
    ("1'234", "1234"),
    ("1’234.5", "1234.5"),
    ("–5", "-5"),
    ("it is –5 degrees", "-5"),
    ("pages 10–12", "12"),
    ("10^3", "1000"),
    ("10^{3}", "1000"),
    ("10³", "1000"),
    ("2^10", "1024"),
    ("5 m²", "5"),
    ("1.5 × 10^3", "1500"),
    (r"1.5 \times 10^{-3}", "0.0015"),
    ("３，５００", "3500"),
    ("９５００", "9500"),
    ("٣٤", "34"),
    ("50%", "50"),
    (r"50\%", "50"),
    ("€ 12", "12"),
    ("£1,200", "1200"),
    (r"\$5", "5"),
    ("$-5", "-5"),
    ("-$5", "-5"),
    ("12 €", "12"),
    (r"\frac{1}{2}", "0.5"),
    (r"-\frac{1}{3}", "-1/3"),
    (r"\dfrac12", "0.5"),
    (r"1\frac{1}{2}", "1.5"),
    ("1 1/2", "1.5"),
    ("½", "0.5"),
    ("1½", "1.5"),
    ("2/6", "1/3"),
    ("3 / 4", "0.75"),
    ("12/4 = 3", "3"),
    ("at 12:30 there are 5", "5"),
    ("5 people at 12:30", "5"),
    ("2024-01-05", ""),
    ("on 5/7/2024", ""),
    ("12:30", ""),
    ("ratio 3:4", ""),
    ("1.234,56", "1234.56"),
    ("1.234.567", "1234567"),
    ("1.2.3", ""),
    ("12,34,567", "1234567"),
    ("5/0", ""),
    ("24/7", "24/7"),
    ("step 1: 3, step 2: 4", "4"),
    (r"\boxed{72} which is 3 dozen", "72"),
    (r"\boxed{\text{none}} of 5", "5"),
    (r"\boxed{\frac{3}{4}}", "0.75"),
    ("9**9**9", "9"),
    ("1 200 35", "35"),
    ("12 345 678 9", "9"),
    ("3 100 times", "3100"),
    ("x^2", "2"),
    ("-3/4", "-0.75"),
    ("(-3)/4", "4"),
    ("1,000,000.", "1000000"),
    ("答案是42。", "42"),
    ("answer: 7.", "7"),
    ("7.5.", "7.5"),
    ("Rs. 5", "5"),
    ("#### 1,234", "1234"),
    ("5-3", "3"),
    ("5 - 3", "3"),
    ("x = - 5", "5"),
    ("0x1F", "1"),
    ("2 1/2 hours", "2.5"),
    ("1/2/3", ""),
    ("1/1/1/1", ""),
]


@pytest.mark.parametrize(("text", "expected"), WRITTEN)
def test_numbers_as_they_are_written(text: str, expected: str) -> None:
    assert Numeric().extract(text) == expected
    if expected:
        scorer = Numeric(0.0)
        assert scorer.score(Item("k", "t", "q", expected), text) == 1.0, "whatever the spelling of the gold"
        assert scorer.score(Item("k", "t", "q", "987654"), text) == 0.0


@pytest.mark.parametrize(
    "gold", ["3/2", "72", "$5", "so 3 + 4 = 7", "from 5-3", r"\boxed{3}", "#### 1,234", "1 1/2", "50%", "-0.5"]
)
def test_own_answers_of_one_number(gold: str) -> None:
    Numeric().check_gold(gold)
    assert Numeric().score(Item("k", "t", "q", gold), gold) == 1.0


@pytest.mark.parametrize(
    "gold",
    ["12:30", "it starts at 12:30", "2024-01-05", "1.2.3", "3:4", "10-12", "10 \u2013 12", "half", ""],
)
def test_own_answers_of_several_numbers_are_refused(gold: str) -> None:
    with pytest.raises(ValueError, match="number in the gold"):
        Numeric().check_gold(gold)


def test_fractions_are_compared_whole() -> None:
    gold = Item("k", "t", "q", "3/2")
    assert Numeric().score(gold, "1/2") == 0.0
    assert [Numeric().score(gold, text) for text in ("1.5", "6/4", "1 1/2", r"\frac{3}{2}", "3 / 2")] == [1.0] * 5


@pytest.mark.parametrize(
    "text", ["1 000" * 2000, "1," * 9000, "1." * 9000, "9" * 20000, "1/" * 9000, "\\frac{" * 3000, "\\boxed{" * 3000]
)
def test_no_text_takes_long(text: str) -> None:
    began = time.process_time()
    Numeric().extract(text)
    assert time.process_time() - began < 3
