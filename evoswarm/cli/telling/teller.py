"""Who is told how a command goes on: a person who reads a log, or nobody.

Everything about progress goes to standard error; results go to standard output. A person at a terminal sees more
(``screen``), machines are told events (``events``).
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any, Literal, TextIO

from evoswarm.cli.showing.first_look import first_look_lines
from evoswarm.cli.showing.terminal import columns, fitted, prose_width
from evoswarm.cli.telling.heartbeat import IN_LOG
from evoswarm.cli.telling.status import Status
from evoswarm.experiment.progress import Stage

if TYPE_CHECKING:
    from evoswarm.cli.telling.start import Start
    from evoswarm.experiment.figures import GenerationFigures
    from evoswarm.experiment.first_look.look import FirstLook


class Nobody:
    """Hears nothing.

    Attributes:
        rhythm: of what is said although nothing is new.
        reads: whether results are shown as people read them.
        hears: whether notes reach anybody.
    """

    rhythm = IN_LOG
    reads = False
    hears = False

    def start(self, start: Start) -> None:
        """The command knows what it is about."""

    def stage(self, stage: Stage) -> None:
        """A stage begins."""

    def ended(self, stage: Stage, seconds: float) -> None:
        """A stage has ended."""

    def status(self, status: Status) -> None:
        """How it stands, although nothing is new."""

    def generation(self, figures: GenerationFigures) -> None:
        """A generation has ended."""

    def inner(self, figures: GenerationFigures) -> None:
        """Likewise, of a search that is a part of what the command does."""

    def first_look(self, look: FirstLook) -> None:
        """What the members do alone is known."""

    def note(self, text: str) -> None:
        """Sentences that stay true."""

    def error(self, message: str, code: int) -> None:
        """The command ends with an error, which is told elsewhere too."""

    def rest(self) -> None:
        """What comes now is the result."""

    def leave(self) -> None:
        """Nothing comes any more."""

    def part(self, event: Literal["trial", "search"], number: int, figures: dict[str, Any], line: str) -> None:
        """A trial of a study or a search of a comparison has ended: as data, and as a line for people."""

    def verdict(self, verdict: dict[str, Any] | None, refusal: str | None) -> None:
        """What held-out items say, or why they were not asked."""

    def result(self, result: dict[str, Any]) -> None:
        """What came of the command, as data: people are shown it otherwise."""


class Person(Nobody):
    """Reads lines on standard error, all of which stay: no escape sequence is written.

    Args:
        stream: to write to.
    """

    reads = hears = True

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream

    def start(self, start: Start) -> None:
        """See ``Nobody``."""
        for line in start.lines():
            self._line(line)

    def stage(self, stage: Stage) -> None:
        """See ``Nobody``."""
        self._line(f"{stage} ...")

    def status(self, status: Status) -> None:
        """See ``Nobody``."""
        self._line(str(status))

    def generation(self, figures: GenerationFigures) -> None:
        """See ``Nobody``."""
        from evoswarm.cli.showing.generation_line import generation_line  # by now, what it needs is imported

        self._line(generation_line(figures))

    def first_look(self, look: FirstLook) -> None:
        """See ``Nobody``."""
        for line in first_look_lines(look, prose_width(self._stream)):
            self._line(line)

    def note(self, text: str) -> None:
        """See ``Nobody``."""
        self._line(text)

    def part(self, event: Literal["trial", "search"], number: int, figures: dict[str, Any], line: str) -> None:
        """See ``Nobody``."""
        self._line(line)

    def _line(self, text: str) -> None:
        self._write("".join(f"{line}\n" for line in fitted(text, columns(self._stream), " " * 4)))

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # nobody reads on
            print(text, end="", file=self._stream, flush=True)


class Brief(Nobody):
    """Reads notes on standard error, and nothing about how it goes on."""

    reads = hears = True

    def note(self, text: str) -> None:
        """See ``Nobody``."""
        with contextlib.suppress(OSError, ValueError):  # nobody reads on
            print(text, file=sys.stderr, flush=True)
