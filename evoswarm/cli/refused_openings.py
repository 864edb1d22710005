"""What a command says where test items may not be opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from evoswarm.errors import RunError, Where
from evoswarm.evaluation.openings.book import OpenedBefore
from evoswarm.experiment.openings.guard import OpeningDeclined


@contextmanager
def advising(advice: str) -> Iterator[None]:
    """A refusal to open what others opened before ends with advice.

    Raises:
        RunError: the refusal, with that.
    """
    try:
        yield
    except OpenedBefore as refusal:
        raise RunError(f"{refusal.message}; {advice}", refusal.where) from None


@contextmanager
def saying_how() -> Iterator[None]:
    """A refusal to open test items says how they could be opened all the same.

    Raises:
        RunError: the refusal, with that.
    """
    try:
        with advising("--force looks all the same"):
            yield
    except OpeningDeclined as refusal:
        raise RunError(f"{refusal.message}; --open is that word", Where("--split")) from None
