"""Scorers by example and by property."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoswarm.errors import TaskError
from evoswarm.tasks.scorers import Choice, Contains, Exact, Numeric, Regex, Scorer
from evoswarm.tasks.scorers.settings import ScorerSettings
from evoswarm.tasks.task import Item


def item(gold: str) -> Item:
    return Item("0" * 64, "task", "question", gold)


ALL: dict[str, tuple[Scorer, str]] = {
    "exact": (Exact(), "132 regit"),
    "exact, any case": (Exact(ignore_case=True), "Straße"),
    "contains": (Contains(), "132"),
    "numeric": (Numeric(), "so it is 1,320.5"),
    "choice": (Choice(), "B"),
    "regex": (Regex(r"<(\w+)>"), "<b>"),
}


@pytest.mark.parametrize(("scorer", "gold"), ALL.values(), ids=ALL.keys())
def test_every_scorer_accepts_its_gold_and_refuses_nonsense(scorer: Scorer, gold: str) -> None:
    scorer.check_gold(gold)
    assert scorer.score(item(gold), gold) == 1.0
    assert scorer.score(item(gold), f"\n {gold}\t") == 1.0
    assert scorer.score(item(gold), "?") == 0.0
    assert scorer.score(item(gold), "") == 0.0


@pytest.mark.parametrize(("scorer", "gold"), ALL.values(), ids=ALL.keys())
@given(text=st.text(max_size=40))
def test_any_text_has_a_score_and_an_answer(scorer: Scorer, gold: str, text: str) -> None:
    assert scorer.score(item(gold), text) in (0.0, 1.0)
    assert scorer.extract(text) == scorer.extract(text + " ")
    if scorer.extract(text) == "" and not isinstance(scorer, Exact):
        assert scorer.score(item(gold), text) == 0.0, "no answer is never right"


def test_ids_tell_settings_apart() -> None:
    scorers = [
        Exact(),
        Exact(True),
        Contains(),
        Numeric(),
        Numeric(0.5),
        Choice(),
        Choice(("yes", "no")),
        Regex("a"),
        Regex("b"),
        Regex("a", True),
    ]
    assert len({scorer.id for scorer in scorers}) == len(scorers)
    assert ScorerSettings(kind="choice").scorer().id == Choice().id


def test_the_unknown_is_refused() -> None:
    for kind in ("fuzzy", "verifier", "regex"):
        with pytest.raises(ValueError, match="expected one of exact, numeric"):
            ScorerSettings(kind=kind).scorer()


# exact, contains


def test_exact_is_the_whole_answer() -> None:
    assert Exact().score(item("12"), "12 ") == 1.0
    assert Exact().score(item("12"), "12.") == 0.0
    assert Exact().score(item("Yes"), "yes") == 0.0
    assert Exact(ignore_case=True).score(item("STRASSE"), "straße") == 1.0
    assert Exact().score(item(""), " ") == 1.0, "an empty answer is valid"


def test_contains() -> None:
    assert Contains().score(item("Paris"), "It is Paris, I think.") == 1.0
    assert Contains().score(item("Paris"), "It is paris.") == 0.0
    assert Contains(ignore_case=True).score(item("Paris"), "It is PARIS.") == 1.0
    with pytest.raises(ValueError, match="not empty"):
        Contains().check_gold("  ")


# numeric


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("72", "72"),
        ("The answer is 72.", "72"),
        ("3 + 4 = 7", "7"),
        ("#### 1,234", "1234"),
        ("$1,234,567.80 in all", "1234567.8"),
        ("-5", "-5"),
        ("x=-5", "-5"),
        ("-$5", "-5"),
        ("\N{MINUS SIGN}5", "-5"),
        ("3-5", "5"),
        ("(3)-5", "5"),
        ("pages 10-12", "12"),
        ("+7.50", "7.5"),
        (".5", "0.5"),
        ("1e3", "1000"),
        ("1.5E-2 m", "0.015"),
        ("1,23", "23"),
        ("1,2345", "2345"),
        ("1234,567", "567"),
        ("0.0", "0"),
        ("-0", "0"),
        ("100", "100"),
        ("two", ""),
        ("", ""),
        ("1e999999999999", "999999999999"),
        ("12345678901234567890123456789012345", "12345678901234567890123456789012345"),
    ],
)
def test_the_last_number(text: str, expected: str) -> None:
    assert Numeric().extract(text) == expected


@given(st.integers(-(10**40), 10**40))
def test_whole_numbers_are_read_exactly(number: int) -> None:
    assert Numeric().extract(f"so {number}") == str(number)
    assert Numeric().extract(f"so {number:,}.") == str(number)
    assert Numeric().score(item(str(number)), f"{number}") == 1.0
    assert Numeric().score(item(str(number)), f"{number + 1}") == 0.0


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12))
def test_decimals_keep_their_value(number: Decimal) -> None:
    spelled = format(number, "f")
    assert Decimal(Numeric().extract(spelled)) == number
    assert Numeric().extract(spelled + "0") == Numeric().extract(spelled), "one spelling per value"


def test_the_tolerance_is_absolute() -> None:
    assert Numeric(0.01).score(item("0.33"), "0.3333") == 1.0
    assert Numeric(0.001).score(item("0.33"), "0.3333") == 0.0
    assert Numeric(0.0).score(item("0.1"), "0.1000") == 1.0
    with pytest.raises(ValueError, match="a number in the gold"):
        Numeric().check_gold("none")


# choice


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("B", "B"),
        ("B.", "B"),
        ("(B) Paris", "B"),
        ("**B**", "B"),
        ("B) because A is wrong", "B"),
        ("The answer is B, not A.", "B"),
        ("Answer: (C)", "C"),
        ("answer is: D", "D"),
        ("First the answer is A. No, the answer is C", "C"),
        ("I choose option B", "B"),
        ("Not A but B", "B"),
        ("BAD", ""),
        ("b", ""),
        ("", ""),
        ("E", ""),
    ],
)
def test_choices(text: str, expected: str) -> None:
    assert Choice().extract(text) == expected


def test_choices_of_one_s_own() -> None:
    yes_no = Choice(("yes", "no", "no idea"), ignore_case=True)
    assert yes_no.extract("No idea.") == "no idea", "the longest option wins"
    assert yes_no.extract("NO") == "no"
    assert yes_no.score(item("Yes"), "Well, YES!") == 1.0
    assert Choice(("C++", "C")).extract("C++") == "C++"
    with pytest.raises(ValueError, match="one of the choices"):
        yes_no.check_gold("maybe")


# regex


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (r"\d+", "1 then 22", "22"),
        (r"#### (\d+)", "#### 1 #### 2", "2"),
        (r"a=(\d)|b=(\d)", "b=3", "3"),
        (r"x( y)?", "x", "x"),
        (r"\d+", "none", ""),
    ],
)
def test_regex_finds_the_first_group_of_the_last_match(pattern: str, text: str, expected: str) -> None:
    assert Regex(pattern).extract(text) == expected


def test_regex_reads_the_gold_likewise_or_takes_it_as_it_is() -> None:
    scorer = Regex(r"#### (\w+)", ignore_case=True)
    assert scorer.score(item("long text #### Ab"), "#### aB") == 1.0
    assert scorer.score(item("ab"), "#### AB") == 1.0
    assert scorer.score(item("ab"), "ab") == 0.0, "an answer that does not match is none"
    with pytest.raises(ValueError, match="not empty"):
        scorer.check_gold(" ")


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(?:a|aa)+$"])
def test_an_expression_that_never_ends_is_named(pattern: str) -> None:
    scorer = Regex(pattern)
    with pytest.raises(TaskError, match="that reads a text of 61 characters in 1 s") as caught:
        scorer.extract("a" * 60 + "!")
    assert pattern in str(caught.value)
    assert scorer.extract("x") == "", "the next text has its own time"
