"""Knowing a question again, whatever is done to it on its way to a model.

Whoever has seen the answer to a question has seen it under every prompt format, template, scorer, limit and name of a
file or task. An item's key will not do: it covers the name of the file and the columns of both templates. So a question
has keys of its own, of texts alone:

- what is *asked*: the values of the columns that the prompt is made of, in the template's order (or the prompt, where
  the source has no columns), without examples, without the right answer, without the columns' names;
- the *row*: all that the source gave, in its order, so that another choice of columns from the same table is the same
  question.

Two items are the same question where any key of theirs agrees. Texts are compared in Unicode's normal form C, every run
of white space as one blank. A whole number is its digits, stored as an integer or as a float; any other is as Python
writes it shortest. A text is never read as a number: "2.50" in a file of texts is another question than the number 2.5.
What slips through is a table with other columns *and* other words: a question that was rewritten. An item without any
text is known by its item key alone.

What a key is can never change: records of years hold them. A better one would be a further kind beside these two.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from evoswarm.canonical import canonical_json, sha256
from evoswarm.tasks.task import Item

_BETWEEN = "\x1f"  # white space, so that no text has it within

LENGTH = 32
"""Hexadecimal digits of a key: 16 bytes, of which two agree by chance once in 10^38 pairs."""


def question_keys(item: Item) -> tuple[str, ...]:
    """The keys by which an item's question is known; at least one."""
    kinds = {"asked": {"prompt": item.prompt} if item.asked is None else item.asked, "row": item.raw}
    keys = [_key(kind, content) for kind, content in kinds.items() if content]
    return tuple(key for key in keys if key) or (_key("item", {"key": item.key}),)


def _key(kind: str, columns: Mapping[str, Any]) -> str:
    """Of the values of some columns, whatever these are called; "" where there are none or they are no plain data."""
    try:
        texts = [*filter(None, map(_text, columns.values()))]  # tables tell a missing value in several ways
    except (RecursionError, TypeError):  # too many levels; keys that are no texts: in a column that nobody asks
        return ""
    if not texts:
        return ""
    return sha256(_BETWEEN.join([kind, *texts]).encode("utf-8", "surrogatepass"))[:LENGTH]


def _text(value: Any) -> str:
    """A value in the one form that is compared; "" where there is none."""
    plain = _plain(value)
    if plain is None or isinstance(plain, str):
        return plain or ""
    return canonical_json(plain, default=str)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return " ".join((value if value.isascii() else unicodedata.normalize("NFC", value)).split())
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, list | tuple) else value
