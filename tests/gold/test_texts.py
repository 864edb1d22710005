"""Which texts are right, and what leaving one means."""

from __future__ import annotations

from typing import Any

import pytest

from evoswarm.gold.texts import AnswerForm, Fate, decidable, fate, forms
from evoswarm.tasks.reasoning_gym import ReasoningGymTask
from evoswarm.tasks.scorers import Behind, Choice, Contains, Exact, Numeric, Scorer
from evoswarm.tasks.settings import FewShot
from evoswarm.tasks.task import Item


def task(scorer: Scorer, stop: tuple[str, ...] = (), max_bytes: int = 12, **fields: Any) -> ReasoningGymTask:
    return ReasoningGymTask(
        name="any",
        scorer=scorer,
        family="chain_sum",
        stop=stop,
        max_bytes=max_bytes,
        **fields,
    )


def item(gold: str) -> Item:
    return Item(key="k", task="any", prompt="?", gold=gold)


@pytest.mark.parametrize(
    ("scorer", "gold", "written", "ended", "meant"),
    [
        (Exact(), "new york", "new york", True, Fate.RIGHT),
        (Exact(), "new york", "new ", False, Fate.OPEN),
        (Exact(), "new york", "  new york", False, Fate.OPEN),
        (Exact(), "new york", "new york \n", True, Fate.RIGHT),
        (Exact(), "new york", "new york x", False, Fate.WRONG),
        (Exact(), "new york", "newyork", False, Fate.WRONG),
        (Exact(), "new york", "New", False, Fate.WRONG),
        (Exact(), "new york", "new", True, Fate.WRONG),
        (Exact(ignore_case=True), "New York", "NEW", False, Fate.OPEN),
        (Exact(ignore_case=True), "New York", "NEX", False, Fate.WRONG),
        (Exact(), "", "", True, Fate.RIGHT),
        (Exact(), "", "x", False, Fate.WRONG),
        (Contains(), "york", "new", False, Fate.OPEN),
        (Contains(), "york", "new york!", True, Fate.RIGHT),
        (Contains(), "york", "new", True, Fate.WRONG),
        (Numeric(), "72", "71", False, Fate.OPEN),
        (Numeric(), "72", "71", True, Fate.WRONG),
        (Numeric(), "72", "72.0", True, Fate.RIGHT),
        (Choice(), "B", "A", False, Fate.OPEN),
        (Behind(Exact(), ("####",)), "72", "#### 71", False, Fate.OPEN),
        (Behind(Exact(), ("####",)), "72", "#### 72", True, Fate.RIGHT),
        (Exact(), "0123456789ab", "0123456789ab", False, Fate.RIGHT),  # the limit ends it
        (Exact(), "0123456789ab", "0123456789ax", False, Fate.WRONG),
    ],
)
def test_what_leaving_a_text_means(scorer: Scorer, gold: str, written: str, ended: bool, meant: Fate) -> None:
    assert fate(task(scorer), item(gold), written.encode(), ended=ended) is meant


def test_a_stop_string_ends_it_where_it_is_complete() -> None:
    stopped = task(Exact(), stop=("\nQ",))
    assert fate(stopped, item("72"), b"72\n", ended=False) is Fate.OPEN
    assert fate(stopped, item("72"), b"72\nQ", ended=False) is Fate.RIGHT
    assert fate(stopped, item("72"), b"71\nQ", ended=False) is Fate.WRONG


def test_an_unfinished_character_is_not_yet_wrong() -> None:
    assert fate(task(Exact()), item("é"), "é".encode()[:1], ended=False) is Fate.OPEN
    assert fate(task(Exact()), item("é"), "è".encode(), ended=False) is Fate.WRONG


def test_only_exact_answers_are_decided_by_their_first_wrong_symbol() -> None:
    assert decidable(task(Exact()))
    assert decidable(task(Exact(ignore_case=True)))
    scorers: list[Scorer] = [Contains(), Numeric(), Choice(), Behind(Exact(), ("####",))]
    assert not any(decidable(task(scorer)) for scorer in scorers)


def test_forms_are_those_that_examples_show_with_every_ending() -> None:
    shown = task(Exact(), stop=("\n",), few_shot=FewShot(count=2, between=" "))
    known = list(forms(shown))
    assert known[0] == AnswerForm(before=" ", worked=True)
    assert {form.ending for form in known} == {"", "\n"}
    assert AnswerForm(before=" ").text(shown, item("72")) == " 72"
    assert [form.before for form in forms(task(Exact()))] == ["", " "]


def test_a_form_that_cannot_be_right_is_none() -> None:
    behind = task(Behind(Exact(), ("####", r"\boxed")), max_bytes=12)
    texts = [form.text(behind, item("72")) for form in forms(behind)]
    assert [text for text in texts if text is not None] == ["####72", " ####72", r"\boxed{72}", r" \boxed{72}"]
    assert AnswerForm().text(task(Exact(), max_bytes=3), item("1234")) is None
    assert AnswerForm().text(task(Exact(), stop=("2",)), item("1234")) is None
