"""Lines of a certificate's page of plain text: what both pages write in the same way."""

from __future__ import annotations

import textwrap

from evoswarm.certificate.compared import Interval
from evoswarm.certificate.verdict import ranged

WIDTH = 80
"""Columns of a page."""


def accuracy(score: Interval) -> str:
    """Such as ``97.7% (96.6 to 98.5)``."""
    return f"{100 * score.mean:.1f}% ({100 * score.low:.1f} to {100 * score.high:.1f})"


def gain(difference: Interval) -> str:
    """In points, such as ``+20.2 (+19.0 to +21.3)``."""
    return ranged(difference.mean, difference.low, difference.high)


def heading(text: str) -> list[str]:
    """A title and the line below it."""
    return [text, "-" * len(text)]


def wrapped(text: str, first: str = "", rest: str | None = None) -> list[str]:
    """A text on as many lines as it takes.

    Args:
        text: any.
        first: what the first line begins with.
        rest: what the others begin with; None is the same.
    """
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=first if rest is None else rest, break_on_hyphens=False
    )
