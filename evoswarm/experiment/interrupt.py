"""Ctrl-C, gently: the first press asks for an end after the current batch, the second is taken at its word."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from evoswarm.errors import EvoswarmError


class SearchInterrupted(KeyboardInterrupt):
    """A search was ended by Ctrl-C. Everything is kept; the same search goes on where it stopped.

    Attributes:
        directory: of the run.
        ended: Ctrl-C came when the search had ended already.
    """

    def __init__(self, directory: Path, *, ended: bool = False) -> None:
        self.directory, self.ended = directory, ended
        rest = "its result is shown" if ended else "the search goes on from there"
        super().__init__(f"interrupted: everything is kept in {directory}, and {rest}")


@contextmanager
def kept_in(directory: Path) -> Iterator[None]:
    """Say where everything is kept when Ctrl-C comes between two searches of several.

    Args:
        directory: of all of them.

    Raises:
        SearchInterrupted: Ctrl-C, wherever it came.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        if error.args:  # one of ours has said it
            raise
        raise SearchInterrupted(directory) from error


class Interrupt:
    """While it is entered, Ctrl-C is remembered instead of raised (in the main thread: others never see it).

    A press that came too late for the search to see it is raised at the end: what its caller wants to do next, such
    as another search, must not begin.

    Attributes:
        directory: of the run, for the message; of all runs, before it is chosen.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._asked = False
        self._previous: Any = None
        self._installed = False

    def asked(self) -> bool:
        """Whether Ctrl-C was pressed."""
        return self._asked

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, self._press)
            self._installed = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, self._previous)
            self._installed = False
        if self._asked and not isinstance(error, KeyboardInterrupt | EvoswarmError):  # an error says more
            raise SearchInterrupted(self.directory, ended=error is None)

    def _press(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
