"""A person at a terminal: what stays scrolls by, and below it stands all the while how the command stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from evoswarm.cli.showing.terminal import columns, escapes, rows
from evoswarm.cli.telling.heartbeat import ON_TERMINAL
from evoswarm.cli.telling.live.course import Course
from evoswarm.cli.telling.live.glyphs import glyphs_for
from evoswarm.cli.telling.live.line import painted
from evoswarm.cli.telling.live.region import Region
from evoswarm.cli.telling.live.view import Size, view
from evoswarm.cli.telling.status import Status
from evoswarm.cli.telling.teller import Person
from evoswarm.experiment.progress import Stage

if TYPE_CHECKING:
    from evoswarm.experiment.figures import GenerationFigures

_COLUMNS, _ROWS = 80, 24  # of a terminal that does not say


class Screen(Person):
    """Sees lines that stay, and below them a few that are drawn over; see ``live``.

    The terminal is asked for its size at every drawing.

    Args:
        stream: to write to; a terminal whose cursor can be moved.
    """

    rhythm = ON_TERMINAL

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(stream)
        self._region, self._course, self._turn = Region(self._stream), Course(), 0
        self._glyphs, self._styled = glyphs_for(self._stream.encoding), escapes(self._stream)
        self._status: Status | None = None

    def stage(self, stage: Stage) -> None:
        """See ``Nobody``."""
        self._status = None
        self._course.forget()
        super().stage(stage)

    def status(self, status: Status) -> None:
        """See ``Nobody``."""
        self._status = status
        self._turn += 1
        self._region.show(self._lines())

    def generation(self, figures: GenerationFigures) -> None:
        """See ``Nobody``."""
        from evoswarm.cli.showing.generation_line import generation_line  # by now, what it needs is imported

        self._course.hear(figures)
        self._line(generation_line(figures, ahead=False))  # what is left stands below

    def inner(self, figures: GenerationFigures) -> None:
        """See ``Nobody``."""
        self._course.hear(figures)

    def rest(self) -> None:
        """See ``Nobody``."""
        self._status = None
        self._region.clear()

    def _write(self, text: str) -> None:
        self._region.show(self._lines(), above=text)

    def _lines(self) -> list[str]:
        """How the command stands, as wide as the terminal is now; nothing where that was not said."""
        if self._status is None:
            return []
        size = Size((columns(self._stream) or _COLUMNS) - 1, max(1, (rows(self._stream) or _ROWS) - 1))
        lines = view(self._status, self._course, size, self._glyphs, self._turn)
        return [painted(line, size.columns, styled=self._styled) for line in lines]
