"""Texts in tables that spreadsheets open: what they would take for a formula is marked, and can be unmarked exactly.

Whoever asks a model decides what it answers, and a program that opens a CSV file runs a cell that begins like a formula
(OWASP, "CSV Injection"). So an apostrophe goes before such a text. It also goes before a text that looks like one of
these already, apostrophes and all: taking one apostrophe away from every text that looks so gives back what was there.
"""

from __future__ import annotations

import re

_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z"
FORMULA = rf"'*(?!{_NUMBER})[\s\0\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]"
"""How a text begins, apostrophes aside, that would be a formula: behind blanks too, and in full width. A plain number,
which many right answers are, is a number there and stays as it is."""

_TO_MARK, _MARKED = re.compile(rf"(?={FORMULA})"), re.compile(rf"'(?={FORMULA})")


def marked(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would take it for a formula.

    Example:
        >>> marked("=1+1"), marked("-5"), marked("'=1+1"), marked("it's")
        ("'=1+1", '-5', "''=1+1", "it's")
    """
    return f"'{text}" if _TO_MARK.match(text) else text


def unmarked(text: str) -> str:
    """Undoes `marked`, for every text.

    Example:
        >>> unmarked("'=1+1"), unmarked("-5"), unmarked("''=1+1"), unmarked("'tis")
        ('=1+1', '-5', "'=1+1", "'tis")
    """
    return text[1:] if _MARKED.match(text) else text
