"""Long texts in windows that a model can read, each of their characters scored once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from evoswarm.answering.reach import longest

CHARACTERS_PER_TOKEN = 24  # at most, where it is guessed how far a window may reach
LONGEST_WORD = 12  # characters


class Window(NamedTuple):
    """A part of a text.

    Attributes:
        context: what stands before it, as far as it is shown.
        text: that is scored.
    """

    context: str
    text: str


def windows(text: str, fits: Callable[[str], bool], tokens: int) -> Iterator[Window]:
    """Cut a text, before blanks where there are any; the last window shows as much as can be read before it.

    Args:
        text: of any length.
        fits: whether a text can be read.
        tokens: how many of them can be read; only speed depends on it.
    """
    start = 0
    while start < len(text):
        most = min(len(text) - start, CHARACTERS_PER_TOKEN * tokens)
        size = longest(most, _beginnings(text[start:], fits)) or 1
        end = start + size
        if end < len(text):
            end = _before_blank(text, start + 1, end) or end
            yield Window(text[_word_before(text, start) : start], text[start:end])
        elif not start:
            yield Window("", text)
        else:
            all_that_may = min(len(text), CHARACTERS_PER_TOKEN * tokens)
            begin = min(start, len(text) - longest(all_that_may, lambda count: fits(text[-count:])))
            yield Window(text[begin:start], text[start:])
        start = end


def _before_blank(text: str, start: int, end: int) -> int | None:
    """The last place between two others at which a blank stands; None where there is none."""
    found = max(text.rfind(blank, start, end) for blank in " \n\t")
    return None if found < 0 else found


def _word_before(text: str, place: int) -> int:
    """Where the word before a place begins, blanks before it included."""
    first = max(0, place - LONGEST_WORD)
    found = _before_blank(text, first, place)
    return first if found is None else found


def _beginnings(text: str, fits: Callable[[str], bool]) -> Callable[[int], bool]:
    """Whether so many characters of a text can be read."""
    return lambda count: fits(text[:count])
