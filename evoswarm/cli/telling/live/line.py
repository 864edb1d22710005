"""A line of a terminal: pieces of text, plain, bold or dim, cut to the columns that there are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from rich.cells import cell_len, set_cell_size

from evoswarm.cli.showing.terminal import visible

Style = Literal["", "bold", "dim"]
Line = tuple[tuple[str, Style], ...]
"""Pieces, from left to right."""

_ON = {"bold": "\x1b[1m", "dim": "\x1b[2m"}
_OFF = "\x1b[0m"


def plain(text: str) -> Line:
    """A line of one piece."""
    return ((text, ""),)


def dim(text: str) -> Line:
    """Likewise, one that stands back."""
    return ((text, "dim"),)


def width_of(line: Line) -> int:
    """Columns that a line takes: some characters take two, some none."""
    return sum(cell_len(text) for text, _ in line)


def wrapped(parts: Iterable[str], width: int, between: str = ", ", hanging: str = "  ") -> list[str]:
    """Parts side by side, as many to a line as it has room for: none is broken.

    Args:
        parts: of a sentence.
        width: of the terminal, columns.
        between: two parts.
        hanging: what every line but the first begins with.
    """
    lines: list[str] = []
    for part in parts:
        if lines and cell_len(lines[-1] + between + part) <= width:
            lines[-1] += between + part
        else:
            lines = [*lines[:-1], lines[-1] + between.rstrip(), hanging + part] if lines else [part]
    return lines


def painted(line: Line, width: int, *, styled: bool) -> str:
    """A line as a terminal takes it.

    Args:
        line: pieces.
        width: columns that it may take; the rest is cut off.
        styled: whether bold and dim may be written.
    """
    found, room = "", width
    for text, style in line:
        shown = visible(text)
        if cell_len(shown) > room:
            shown = set_cell_size(shown, room)
        room -= cell_len(shown)
        found += f"{_ON[style]}{shown}{_OFF}" if styled and style and shown else shown
    return found
