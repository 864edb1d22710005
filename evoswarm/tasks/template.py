"""Templates of prompts and answers: text with ``{column}`` placeholders, ``{column:filter}`` where one says how."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from evoswarm.tasks.filters import KNOWN, Filter, plain_text

LONGEST = 10_000_000
"""Characters of a rendered text: few placeholders may stand for very much."""

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]+)\}|[{}]")


@dataclass(frozen=True)
class Placeholder:
    """A placeholder: the name of a column, or a dotted way into one (``choices.text.0``), and how it is written."""

    name: str
    filter: Filter | None = None

    @classmethod
    def parse(cls, text: str) -> Placeholder:
        """What stands between the braces."""
        name, _, behind = text.rpartition(":")
        written = Filter.parse(behind) if name.strip() else None
        return cls(text.strip()) if written is None else cls(name.strip(), written)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, or ways into them, that it reads."""
        options = self.filter.options if self.filter is not None else None
        return (self.name,) if options is None else (self.name, options)

    def write(self, row: Mapping[str, Any]) -> str:
        """The text for a row.

        Raises:
            ValueError: the value is missing, null or not what the filter writes.
        """
        value = value_at(self.name, row)
        if self.filter is None:
            return plain_text(self.name, value)
        options = None if self.filter.options is None else value_at(self.filter.options, row)
        return self.filter.write(self.name, value, options)


@dataclass(frozen=True)
class Template:
    """A parsed template. ``{{`` and ``}}`` stand for braces of the text itself."""

    text: str
    parts: tuple[str | Placeholder, ...]

    @classmethod
    def parse(cls, text: str) -> Template:
        """Parse a template.

        Raises:
            ValueError: a brace stands alone.
        """
        parts: list[str | Placeholder] = []
        end = 0
        for piece in _PIECE.finditer(text):
            parts.append(text[end : piece.start()])
            end = piece.end()
            if piece[1] is not None:
                parts.append(Placeholder.parse(piece[1]))
            elif len(piece[0]) == 2:
                parts.append(piece[0][0])
            else:
                raise ValueError(
                    f"expected {{column}} placeholders (a brace of the text is written twice), "
                    f"got a stray {piece[0]!r} at character {piece.start() + 1} of {_short(text)}"
                )
        parts.append(text[end:])
        return cls(text, tuple(part for part in parts if part != ""))

    @property
    def columns(self) -> tuple[str, ...]:
        """What the placeholders read, each name once, in order."""
        columns = (part for part in self.parts if isinstance(part, Placeholder))
        return tuple(dict.fromkeys(name for column in columns for name in column.names))

    def top_columns(self, columns: Collection[str]) -> tuple[str, ...]:
        """The columns of a table that the placeholders read.

        Raises:
            ValueError: one of them is not there.
        """
        found = [name if name in columns else name.split(".")[0] for name in self.columns]
        for name, top in zip(self.columns, found, strict=True):
            if top not in columns:
                known = f"; known behind a colon: {', '.join(KNOWN)}" if ":" in name else ""
                raise ValueError(
                    f"expected a column {name!r} (the template {_short(self.text)} uses it{known}), "
                    f"got columns {', '.join(columns):.500}"
                )
        return tuple(dict.fromkeys(found))

    def render(self, row: Mapping[str, Any]) -> str:
        """Fill in a row.

        Raises:
            ValueError: a placeholder's value is missing, null, or not what its filter writes; or the text is too long
                or holds half a character.
        """
        pieces: list[str] = []
        size = 0
        for part in self.parts:
            pieces.append(part if isinstance(part, str) else part.write(row))
            size += len(pieces[-1])
            if size > LONGEST:
                raise ValueError(f"expected a text of at most {LONGEST:,} characters, got a longer one")
        text = "".join(pieces)
        try:
            text.encode()
        except UnicodeEncodeError:  # a lone surrogate, as a text has that was cut within a character
            raise ValueError(f"expected a text that UTF-8 can encode, got {text!a:.60}") from None
        return text


def value_at(name: str, row: Mapping[str, Any]) -> Any:
    """The value of a column, or of a dotted way into one.

    Raises:
        ValueError: there is none.
    """
    return row[name] if name in row else _walk(name, row)


def _walk(name: str, row: Mapping[str, Any]) -> Any:
    value: Any = row
    for step in name.split("."):
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            raise ValueError(f"expected a value at {name!r}, got none at {step!r}")
    return value


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
