"""Tables that are wider than the terminal: columns that have no room stand below, beside the first column again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

BORDERS = 3
"""Characters of a column besides its cells: two blanks and a line."""


def blocks(first: int, widths: Sequence[int], room: int) -> Iterator[range]:
    """Which columns stand beside each other, by their places; each table has one of them at least.

    Args:
        first: characters of the cells of the column that every table begins with.
        widths: of the cells of the others.
        room: characters of a line.
    """
    begin, used = 0, 0
    for place, width in enumerate(widths):
        used += width + BORDERS
        if place > begin and first + BORDERS + 1 + used > room:
            yield range(begin, place)
            begin, used = place, width + BORDERS
    yield range(begin, len(widths))
