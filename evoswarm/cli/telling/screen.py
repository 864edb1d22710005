"""A person at a terminal: what stays scrolls by, and below it stands all the while how the command stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from evoswarm.cli.showing.terminal import columns, escapes, rows
from evoswarm.cli.telling.heartbeat import ON_TERMINAL
from evoswarm.cli.telling.live.course import Course
from evoswarm.cli.telling.live.glyphs import glyphs_for
from evoswarm.cli.telling.live.line import painted
from evoswarm.cli.telling.live.region import Region
from evoswarm.cli.telling.live.relief import ROOM, relief_at
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
        self._glyphs, self._styled = glyphs_for(self._stream.encoding), escapes(self._stream)
        self._region = Region(self._stream, lambda: relief_at(self._stream, self._glyphs.turning))
        self._course, self._turn = Course(), 0
        self._status: Status | None = None

    def stage(self, stage: Stage) -> None:
        """See ``Nobody``."""
        self._status = Status(stage, 0.0)  # what begins may hold all threads at once
        self._course.forget()
        super().stage(stage)

    def status(self, status: Status) -> None:
        """See ``Nobody``."""
        self._status = status
        self._turn += 1
        self._draw()

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

    def leave(self) -> None:
        """See ``Nobody``."""
        self._region.close()

    def _write(self, text: str) -> None:
        self._draw(above=text)

    def _draw(self, above: str = "") -> None:
        """How the command stands, as wide as the terminal is now; nothing where that was not said."""
        if self._status is None:
            self._region.show((), above)
            return
        size = Size((columns(self._stream) or _COLUMNS) - 1, max(1, (rows(self._stream) or _ROWS) - 1))
        lines = view(self._status, self._course, size, self._glyphs, self._turn)
        (_, *first), *_ = lines  # its mark is drawn by whoever draws it
        head = painted(tuple(first), max(0, size.columns - ROOM - 2), styled=False)
        self._region.show([painted(line, size.columns, styled=self._styled) for line in lines], above, head)
