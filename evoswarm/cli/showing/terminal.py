"""What a stream can show: how wide it is, whether escape sequences may be written; and prose made to fit."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Mapping
from typing import TextIO

_DUMB = ("dumb", "unknown")
PROSE = 120
"""Characters of a line of prose: longer ones are hard to read."""

FILE_WIDTH = 160
"""Columns of what goes to a file or a pipe: wide enough for every table."""

_LEAST = 20  # columns: on fewer nothing can be read anyhow


def escapes(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether bold and colours may be written: on a terminal that knows them, and where ``NO_COLOR`` is not set."""
    return stream.isatty() and _understands(environment) and not environment.get("NO_COLOR")


def drawable(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether lines may be drawn over: on a terminal whose cursor can be moved, and that somebody looks at.

    What continuous integration runs may have a terminal too, of which a log is kept.
    """
    unseen = environment.get("CI", "").lower() not in ("", "0", "false")
    return stream.isatty() and _understands(environment) and not unseen


def _understands(environment: Mapping[str, str]) -> bool:
    return environment.get("TERM", "").lower() not in _DUMB


def columns(stream: TextIO) -> int | None:
    """How wide the terminal is; None where the stream is none: a line of a file may be as long as it is."""
    return max(_LEAST, _size(stream, "COLUMNS", 0, 80)) if stream.isatty() else None


def rows(stream: TextIO) -> int | None:
    """How many rows the terminal has; None where the stream is none."""
    return max(1, _size(stream, "LINES", 1, 24)) if stream.isatty() else None


def _size(stream: TextIO, variable: str, axis: int, usual: int) -> int:
    """What the environment says, else the terminal itself; what is usual where neither does."""
    try:
        return int(os.environ.get(variable, "0")) or os.get_terminal_size(stream.fileno())[axis] or usual
    except (ValueError, OSError):
        return usual


def prose_width(stream: TextIO) -> int:
    """Characters of a line that is easy to read there."""
    return min(PROSE, columns(stream) or PROSE)


def visible(text: str) -> str:
    """A text of which every character can be seen: what would move the cursor, or worse, becomes its escape."""
    return text if text.isprintable() else "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def fitted(text: str, width: int | None, hanging: str = "  ") -> list[str]:
    """The lines of a text, none wider than the terminal; where a line goes on it stands further in.

    Words are not broken: paths and commands are copied.

    Args:
        text: of one or more lines.
        width: of the terminal; None leaves the lines as they are.
        hanging: what stands before the rest of a line, beside what the line begins with.
    """
    found: list[str] = []
    for line in text.split("\n"):
        if width is None or len(line) <= width:
            found.append(line)
            continue
        margin = line[: len(line) - len(line.lstrip(" "))]
        found += textwrap.wrap(
            line.strip(),
            width,
            initial_indent=margin,
            subsequent_indent=margin + hanging,
            break_on_hyphens=False,
            break_long_words=False,
        )
    return found
