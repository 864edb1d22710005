"""What may stand behind a colon in a placeholder: ways to write the value of a column.

=========================  ==========================================================================================
``{column:integer}``       a whole number without a fraction: 1.0, which tables make of integers with gaps, becomes 1
``{choices:lettered}``     options, each on a line behind its letter: ``A. yes``
``{key:letter}``           the letter of a right option that is counted from 0; a letter stays itself
``{key:letter from 1}``    the same, counted from another number
``{key:letter of chs}``    the letter of the right option among those of the column ``chs``
=========================  ==========================================================================================

Options are a list of texts (the key is the number of one from 0, its text or its letter), or texts with labels (the
key is a label): ``{"text": [...], "label": [...]}``, ``[{"text": ..., "label": ...}, ...]`` or ``{label: text, ...}``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from string import ascii_uppercase
from typing import Any, Literal

Kind = Literal["integer", "lettered", "letter"]

KNOWN = ("integer", "lettered", "letter", "letter from NUMBER", "letter of COLUMN")
"""How a filter is written."""

_WRITTEN = re.compile(r"(integer|lettered|letter)(?:(?<=letter)\s+(?:from\s+([0-9]{1,3})|of\s+(\S.*)))?")


@dataclass(frozen=True)
class Filter:
    """A way to write a value.

    Attributes:
        kind: of it.
        start: of ``letter``: the number of the first option.
        options: of ``letter``: the column that holds the options; None where none does.
    """

    kind: Kind
    start: int = 0
    options: str | None = None

    @classmethod
    def parse(cls, text: str) -> Filter | None:
        """What stands behind a colon; None where it is no filter."""
        found = _WRITTEN.fullmatch(text.strip())
        if found is None:
            return None
        kind: Kind = found[1]  # type: ignore[assignment]  # the expression knows no others
        return cls(kind, int(found[2] or 0), found[3])

    def write(self, name: str, value: Any, options: Any) -> str:
        """A value as text.

        Args:
            name: of its column, for errors.
            value: of the column.
            options: the value of the column of options, if the filter names one.

        Raises:
            ValueError: the value is not what the filter writes, or no option.
        """
        if self.kind == "integer":
            return _integer(name, value)
        if self.kind == "lettered":
            texts = _Options.of(name, value).texts
            return "\n".join(f"{letter}. {text}" for letter, text in zip(ascii_uppercase, texts, strict=False))
        if self.options is None:
            return _letter(name, value, self.start)
        return ascii_uppercase[_Options.of(self.options, options).index_of(value)]


def plain_text(name: str, value: Any) -> str:
    """A value as text: JSON for lists and mappings.

    Raises:
        ValueError: it is null, no number, or bytes.
    """
    if value is None:
        raise ValueError(f"expected a value in column {name!r}, got null")
    if isinstance(value, float) and math.isnan(value):
        raise ValueError(f"expected a value in column {name!r}, got NaN (no number)")
    if isinstance(value, bytes):
        raise ValueError(f"expected a text or a number in column {name!r}, got bytes")
    if isinstance(value, dict | list):
        try:
            return json.dumps(value, ensure_ascii=False, default=str)
        except (RecursionError, TypeError) as error:  # too deep; keys that are lists
            raise ValueError(f"expected plain data in column {name!r}, got: {error}") from None
    return str(value)


@dataclass(frozen=True)
class _Options:
    """The options of a question.

    Attributes:
        name: of their column.
        texts: of the options.
        labels: what a key names an option by, None where they have none.
    """

    name: str
    texts: tuple[str, ...]
    labels: tuple[str, ...] | None = None

    @classmethod
    def of(cls, name: str, value: Any) -> _Options:
        """The options that a column holds."""
        labels: Sequence[Any] | None = None
        texts: Any = value
        if isinstance(value, Mapping) and isinstance(value.get("text"), list) and isinstance(value.get("label"), list):
            texts, labels = value["text"], value["label"]
        elif isinstance(value, Mapping):
            texts, labels = list(value.values()), list(value)
        elif isinstance(value, list) and value and all(isinstance(entry, Mapping) for entry in value):
            texts, labels = [entry.get("text") for entry in value], [entry.get("label") for entry in value]
        if not isinstance(texts, list) or not texts or len(texts) > len(ascii_uppercase):
            got = f"{len(texts)} of them" if isinstance(texts, list) else f"{value!r:.40}"
            raise ValueError(f"expected 1 to {len(ascii_uppercase)} options in column {name!r}, got {got}")
        if labels is not None and len(labels) != len(texts):
            raise ValueError(f"expected as many labels as options in {name!r}, got {len(labels)} and {len(texts)}")
        return cls(name, _texts(name, texts), None if labels is None else _texts(name, labels))

    def index_of(self, key: Any) -> int:
        """The place of the right option, from 0."""
        text = _shown(key)
        if self.labels is not None:
            if self.labels.count(text) != 1:
                listed = ", ".join(self.labels)
                raise ValueError(f"expected one of the labels {listed:.80} of {self.name!r}, got {text!r:.40}")
            return self.labels.index(text)
        number = key if isinstance(key, int) and not isinstance(key, bool) else None
        if isinstance(key, float) and key.is_integer():
            number = int(key)
        if number is None and isinstance(key, str):
            letters = ascii_uppercase[: len(self.texts)]
            if self.texts.count(key) == 1:
                number = self.texts.index(key)
            elif len(key) == 1 and key in letters and key not in self.texts:
                number = letters.index(key)
        if number is None or not 0 <= number < len(self.texts):
            raise ValueError(
                f"expected the number (0 to {len(self.texts) - 1}), the text or the letter of one of the options of "
                f"{self.name!r}, got {text!r:.40}"
            )
        return number


def _texts(name: str, values: Sequence[Any]) -> tuple[str, ...]:
    return tuple(plain_text(name, value) for value in values)


def _shown(key: Any) -> str:
    return str(int(key)) if isinstance(key, float) and key.is_integer() else str(key)


def _letter(name: str, value: Any, start: int) -> str:
    """The letter of a counted option; a letter stays itself."""
    text = _shown(value).strip()
    if len(text) == 1 and text.upper() in ascii_uppercase:
        return text.upper()
    number = int(text) - start if text.isdecimal() and len(text) < 4 else -1
    if not 0 <= number < len(ascii_uppercase):
        last = start + len(ascii_uppercase) - 1
        raise ValueError(f"expected a letter or a number from {start} to {last} in column {name!r}, got {text!r:.40}")
    return ascii_uppercase[number]


def _integer(name: str, value: Any) -> str:
    try:
        if isinstance(value, bool):
            raise ValueError
        number = Decimal(plain_text(name, value).strip())
        if not number.is_finite() or number != number.to_integral_value() or abs(number.adjusted()) > 100:
            raise ValueError
    except (InvalidOperation, ValueError):
        raise ValueError(f"expected a whole number in column {name!r}, got {value!r:.40}") from None
    return str(int(number))
