"""Templates: every brace is a placeholder or written twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoswarm.tasks.template import Template


@pytest.mark.parametrize(
    ("template", "columns", "rendered"),
    [
        ("{q}", ("q",), "why"),
        ("Q: { q }\nA:", ("q",), "Q: why\nA:"),
        ("{{{q}}}", ("q",), "{why}"),
        ("{q}{n}{q}", ("q", "n"), "why3why"),
        ("{d.x.1} {l.0}", ("d.x.1", "l.0"), "b 1"),
        ("{dotted.name}", ("dotted.name",), "own"),
        ("{l}", ("l",), "[1, 2]"),
        ("none", (), "none"),
        ("", (), ""),
    ],
)
def test_rendering(template: str, columns: tuple[str, ...], rendered: str) -> None:
    row = {"q": "why", "n": 3, "d": {"x": ["a", "b"]}, "l": [1, 2], "dotted.name": "own"}
    parsed = Template.parse(template)
    assert parsed.columns == columns
    assert parsed.render(row) == rendered


@pytest.mark.parametrize(("template", "place"), [("{", 1), ("a}", 2), ("{a{b}", 1), ("{}", 1), ("{{}", 3), ("{a}}", 4)])
def test_stray_braces_are_named(template: str, place: int) -> None:
    with pytest.raises(ValueError, match=rf"a stray '.' at character {place} of"):
        Template.parse(template)


def test_missing_values_are_named() -> None:
    for template, words in [("{x}", "none at 'x'"), ("{d.y}", "none at 'y'"), ("{l.2}", "none at '2'")]:
        with pytest.raises(ValueError, match=words):
            Template.parse(template).render({"d": {"x": 1}, "l": [1]})
    with pytest.raises(ValueError, match="column 'q', got null"):
        Template.parse("{q}").render({"q": None})
    with pytest.raises(ValueError, match=r"expected a column 'x\.y'"):
        Template.parse("{x.y}").top_columns(["q"])


@given(st.text(max_size=50))
def test_doubled_braces_stand_for_themselves(text: str) -> None:
    assert Template.parse(text.replace("{", "{{").replace("}", "}}")).render({}) == text
