"""What is said past the narrator: warnings in the log, and errors from before there is one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import TracebackType

_TOLD = "told_by_narrator"


class LogHeard:
    """While it is entered, our own warnings go to whoever is told of everything else, and nowhere beside.

    Args:
        note: called with every warning.
    """

    def __init__(self, note: Callable[[str], None]) -> None:
        self._logger, self._handler = logging.getLogger("evoswarm"), _Noting(note)

    def __enter__(self) -> None:
        self._propagated = self._logger.propagate
        self._logger.propagate = False
        self._logger.addHandler(self._handler)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._logger.removeHandler(self._handler)
        self._logger.propagate = self._propagated


class _Noting(logging.Handler):
    def __init__(self, note: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._note = note

    def createLock(self) -> None:  # noqa: N802  # the name is the library's
        """None: who notes has a lock, and two of them could wait for each other."""
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        """See the base class."""
        self._note(record.getMessage())


def mark_told(error: BaseException) -> None:
    """Whoever is told of everything has been told of this error."""
    setattr(error, _TOLD, True)


def was_told(error: BaseException) -> bool:
    """Whether somebody has been told of an error: one that comes before there is a narrator is not."""
    return bool(getattr(error, _TOLD, False))
