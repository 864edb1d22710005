"""What people are told while a command is at work."""

from __future__ import annotations

import shutil
import sys
from types import TracebackType
from typing import Self

from evoswarm.cli.console import generation_line
from evoswarm.cli.output import mute, say
from evoswarm.evaluation.advance import Advance
from evoswarm.experiment.figures import GenerationFigures
from evoswarm.experiment.progress import Progress
from evoswarm.experiment.wording import how_far

CLEAR = "\r\x1b[K"


class Narrator:
    """Says what is being done: lines that stay, and meanwhile how far it has come; a context manager.

    On a terminal the latter is one line that is written over; in a file every line stays.
    """

    def __init__(self) -> None:
        self._writes_over = sys.stdout.isatty()
        self._open = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()

    @property
    def progress(self) -> Progress:
        """Tells everything."""
        return Progress(self._stage, self._generation, self._decoding, self._note)

    def _stage(self, text: str) -> None:
        self._end()
        say(f"{text} ...")

    def _note(self, sentence: str) -> None:
        self._end()
        say(sentence)

    def _generation(self, figures: GenerationFigures) -> None:
        self._end()
        say(generation_line(figures))

    def _decoding(self, advance: Advance) -> None:
        text = how_far(advance)
        if self._writes_over:
            self._write(CLEAR + text[: shutil.get_terminal_size().columns - 1])
            self._open = True
        else:
            say(text)

    def _end(self) -> None:
        """What is written over is over."""
        if self._open:
            self._write(CLEAR)
            self._open = False

    @staticmethod
    def _write(text: str) -> None:
        try:
            print(text, end="", flush=True)
        except BrokenPipeError:
            mute()
