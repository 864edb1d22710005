"""Options and keys as data sets hold them, and the letters they become."""

from __future__ import annotations

from typing import Any

import pytest

from evoswarm.tasks.template import Template

ARC = {"text": ["this", "that", "both"], "label": ["A", "B", "C"]}
NUMBERED = {"text": ["this", "that"], "label": ["1", "2"]}
LISTED = [{"label": "x", "text": "this"}, {"label": "y", "text": "that"}]
MMLU = ["0", "1", "2", "3"]


@pytest.mark.parametrize(
    ("template", "row", "text"),
    [
        ("{key:letter of c}", {"key": "C", "c": ARC}, "C"),
        ("{key:letter of c}", {"key": "2", "c": NUMBERED}, "B"),
        ("{key:letter of c}", {"key": 2, "c": NUMBERED}, "B"),
        ("{key:letter of c}", {"key": "y", "c": LISTED}, "B"),
        ("{key:letter of c}", {"key": "b", "c": {"a": "this", "b": "that"}}, "B"),
        ("{key:letter of c}", {"key": 1, "c": MMLU}, "B"),
        ("{key:letter of c}", {"key": 1.0, "c": MMLU}, "B"),
        ("{key:letter of c}", {"key": "3", "c": ["2", "3"]}, "B"),
        ("{key:letter of c}", {"key": "B", "c": MMLU}, "B"),
        ("{q.key : letter  of q.c}", {"q": {"key": 0, "c": MMLU}}, "A"),
        ("{key:letter}", {"key": 3}, "D"),
        ("{key:letter}", {"key": "3"}, "D"),
        ("{key:letter}", {"key": " e "}, "E"),
        ("{key:letter from 1}", {"key": 1}, "A"),
        ("{key:letter from 1}", {"key": "B"}, "B"),
        ("{c:lettered}", {"c": ARC}, "A. this\nB. that\nC. both"),
        ("{c:lettered}", {"c": NUMBERED}, "A. this\nB. that"),
        ("{c:lettered}", {"c": LISTED}, "A. this\nB. that"),
        ("{c:lettered}", {"c": [1, 2.5]}, "A. 1\nB. 2.5"),
        ("{n:integer}", {"n": 12.0}, "12"),
        ("{n:integer}", {"n": "-1.0"}, "-1"),
        ("{n:integer}", {"n": 10**30}, "1" + "0" * 30),
        ("{a:b}", {"a:b": "own"}, "own"),
        ("{a:b:letter}", {"a:b": 0}, "A"),
    ],
)
def test_what_is_written(template: str, row: dict[str, Any], text: str) -> None:
    parsed = Template.parse(template)
    assert parsed.render(row) == text
    assert set(parsed.top_columns(row)) == set(row), "the options too: an item's key covers them"


@pytest.mark.parametrize(
    ("template", "row", "words"),
    [
        ("{key:letter of c}", {"key": "E", "c": ARC}, "one of the labels A, B, C of 'c', got 'E'"),
        ("{key:letter of c}", {"key": "2", "c": ARC}, "one of the labels A, B, C of 'c', got '2'"),
        ("{key:letter of c}", {"key": 4, "c": MMLU}, "the number (0 to 3), the text or the letter of one"),
        ("{key:letter of c}", {"key": -1, "c": MMLU}, "got '-1'"),
        ("{key:letter of c}", {"key": True, "c": MMLU}, "got 'True'"),
        ("{key:letter of c}", {"key": "1", "c": ["this", "that"]}, "got '1'"),
        ("{key:letter of c}", {"key": "x", "c": ["x", "x"]}, "got 'x'"),
        ("{key:letter of c}", {"key": 1, "c": "a, b"}, "expected 1 to 26 options in column 'c', got 'a, b'"),
        ("{key:letter of c}", {"key": 1, "c": ["a"] * 27}, "got 27 of them"),
        ("{key:letter of c}", {"key": 1, "c": {"text": ["a", "b"], "label": ["A"]}}, "as many labels as options"),
        ("{key:letter of c}", {"key": 1, "c": None}, "options in column 'c', got None"),
        ("{key:letter}", {"key": 26}, "a letter or a number from 0 to 25 in column 'key', got '26'"),
        ("{key:letter}", {"key": "yes"}, "got 'yes'"),
        ("{key:letter from 1}", {"key": 0}, "from 1 to 26 in column 'key', got '0'"),
        ("{c:lettered}", {"c": ["a", None]}, "a value in column 'c', got null"),
        ("{c:lettered}", {"c": []}, "got 0 of them"),
        ("{n:integer}", {"n": 1.5}, "a whole number in column 'n', got 1.5"),
        ("{n:integer}", {"n": "1e999999999"}, "a whole number"),
        ("{n:integer}", {"n": "x"}, "a whole number"),
        ("{n:integer}", {"n": float("inf")}, "a whole number"),
        ("{n:integer}", {"n": True}, "a whole number"),
        ("{n:integer}", {}, "expected a value at 'n'"),
    ],
)
def test_what_is_refused(template: str, row: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError) as caught:
        Template.parse(template).render(row)
    assert words in str(caught.value)


def test_an_unknown_filter_is_told_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"expected a column 'key:leter' .*known behind a colon: integer, lettered"):
        Template.parse("{key:leter}").top_columns(["key"])
