"""Templates of prompts and answers: text with ``{column}`` placeholders."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]+)\}|[{}]")


@dataclass(frozen=True)
class Column:
    """A placeholder: the name of a column, or a dotted way into one (``choices.text.0``)."""

    name: str


@dataclass(frozen=True)
class Template:
    """A parsed template. ``{{`` and ``}}`` stand for braces of the text itself."""

    text: str
    parts: tuple[str | Column, ...]

    @classmethod
    def parse(cls, text: str) -> Template:
        """Parse a template.

        Raises:
            ValueError: a brace stands alone.
        """
        parts: list[str | Column] = []
        end = 0
        for piece in _PIECE.finditer(text):
            parts.append(text[end : piece.start()])
            end = piece.end()
            if piece[1] is not None:
                parts.append(Column(piece[1].strip()))
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
        """The placeholders' names, each once, in order."""
        return tuple(dict.fromkeys(part.name for part in self.parts if isinstance(part, Column)))

    def top_columns(self, columns: Collection[str]) -> tuple[str, ...]:
        """The columns of a table that the placeholders read.

        Raises:
            ValueError: one of them is not there.
        """
        found = [name if name in columns else name.split(".")[0] for name in self.columns]
        for name, top in zip(self.columns, found, strict=True):
            if top not in columns:
                raise ValueError(
                    f"expected a column {name!r} (the template {_short(self.text)} uses it), "
                    f"got columns {', '.join(columns)}"
                )
        return tuple(dict.fromkeys(found))

    def render(self, row: Mapping[str, Any]) -> str:
        """Fill in a row.

        Raises:
            ValueError: a placeholder's value is missing or null.
        """
        return "".join(part if isinstance(part, str) else _as_text(part.name, row) for part in self.parts)


def _as_text(name: str, row: Mapping[str, Any]) -> str:
    value = row[name] if name in row else _walk(name, row)
    if value is None:
        raise ValueError(f"expected a value in column {name!r}, got null")
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


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
