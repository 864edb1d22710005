"""What the parser of the command line refuses, in our words: what was expected, and what was typed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false"}
_BOUNDS = {
    "greater_than_equal": ("ge", "of at least"),
    "less_than_equal": ("le", "of at most"),
    "greater_than": ("gt", "greater than"),
    "less_than": ("lt", "less than"),
}


def refusal(error: Any, arguments: Sequence[str]) -> str:
    """One sentence for an error of the parser's own.

    Args:
        error: it has a ``format_message``.
        arguments: as typed.
    """
    said = str(error.format_message())
    cause = error.__cause__
    if hasattr(cause, "errors") and getattr(error, "param", None) is not None:
        mistake = cause.errors()[0]
        name = error.param.opts[0] if error.param.opts[0].startswith("-") else error.param.human_readable_name
        return f"{name}: expected {_expected(mistake)}, got {mistake['input']!r:.60}"
    if extra := re.fullmatch(r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)", said):
        said = f"expected no further argument, got {extra[1]:.200}"
    return f"{said} ({_hint(arguments, said)})"


def _expected(mistake: Mapping[str, Any]) -> str:
    if mistake["type"] in _BOUNDS:
        key, words = _BOUNDS[mistake["type"]]
        return f"a number {words} {mistake['ctx'][key]}"
    kind = str(mistake["type"]).partition("_")[0]
    return _KINDS.get(kind, str(mistake["msg"]).removeprefix("Input should be "))


def _hint(arguments: Sequence[str], message: str) -> str:
    """How to go on after a mistake in the words of the command line."""
    if arguments[:1] == ["generate"] and re.match("No such option: -[^-]", message):
        return "a question that begins with a dash goes behind --, such as: evoswarm generate RUN -- -5+3="
    return "evoswarm --help shows what there is"
