"""Texts that spreadsheets would take for formulas."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoswarm.spreadsheets import marked, unmarked

BEGINNINGS = st.text(alphabet="'=+-@ \t\r\n\0\ufeff＝－5.e", max_size=6)


@given(st.one_of(st.text(), st.builds("".join, st.tuples(BEGINNINGS, st.text(max_size=4)))))
def test_what_is_marked_is_no_formula_and_comes_back(text: str) -> None:
    cell = marked(text)
    assert unmarked(cell) == text
    assert cell in (text, f"'{text}")
    begins = cell.lstrip(" \t\r\n\0\ufeff")[:1]
    assert begins not in ("=", "@", "＝", "＋", "－", "＠")
    if begins in ("+", "-"):
        float(cell)  # raises where it is no number


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1+1",
        "-1+1",
        "@SUM(A1)",
        " =cmd|' /C calc'!A0",
        "\t=1",
        "\r\n=1",
        "＝1",
        "--5",
        "-",
        "-5\n",
        "'=1",
        "-５",
    ],
)
def test_what_looks_like_a_formula_gets_an_apostrophe(text: str) -> None:
    assert marked(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "-5", "+5", "-.5e-3", "12", "a=b", "'tis", "'-5", "''", "3-1", "…"])
def test_everything_else_stays_as_it_is(text: str) -> None:
    assert marked(text) == unmarked(text) == text
