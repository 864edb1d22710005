"""A machine as the one who is told: what happens becomes events on standard output, a JSON object per line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from evoswarm.cli.given.rows import json_text
from evoswarm.cli.showing.output import say
from evoswarm.cli.telling.events import (
    AnyEvent,
    ErrorEvent,
    FirstLookEvent,
    GenerationEvent,
    NoteEvent,
    PartEvent,
    PhaseEvent,
    ProgressEvent,
    RefusalEvent,
    ResultEvent,
    StartEvent,
    VerdictEvent,
)
from evoswarm.cli.telling.heartbeat import IN_LOG
from evoswarm.cli.telling.start import Start
from evoswarm.cli.telling.status import Status
from evoswarm.cli.telling.teller import Nobody
from evoswarm.experiment.progress import Stage

if TYPE_CHECKING:
    from evoswarm.experiment.figures import GenerationFigures
    from evoswarm.experiment.first_look.look import FirstLook


class Machine(Nobody):
    """Reads events on standard output."""

    rhythm = IN_LOG
    hears = True

    def start(self, start: Start) -> None:
        """See ``Nobody``."""
        _put(StartEvent.of(start))

    def stage(self, stage: Stage) -> None:
        """See ``Nobody``."""
        _put(PhaseEvent(phase=stage.name, state="begin", words=stage.words))

    def ended(self, stage: Stage, seconds: float) -> None:
        """See ``Nobody``."""
        _put(PhaseEvent(phase=stage.name, state="end", words=stage.words, seconds=seconds))

    def status(self, status: Status) -> None:
        """See ``Nobody``."""
        _put(ProgressEvent.of(status))

    def generation(self, figures: GenerationFigures) -> None:
        """See ``Nobody``."""
        _put(GenerationEvent.of(figures))

    def first_look(self, look: FirstLook) -> None:
        """See ``Nobody``."""
        _put(FirstLookEvent.of(look))

    def note(self, text: str) -> None:
        """See ``Nobody``."""
        _put(NoteEvent(text=text))

    def error(self, message: str, code: int) -> None:
        """See ``Nobody``."""
        _put(ErrorEvent(message=message, code=code))

    def part(self, event: Literal["trial", "search"], number: int, figures: dict[str, Any], line: str) -> None:
        """See ``Nobody``."""
        _put(PartEvent(event=event, number=number, figures=figures))

    def verdict(self, verdict: dict[str, Any] | None, refusal: str | None) -> None:
        """See ``Nobody``."""
        if verdict is not None:
            _put(VerdictEvent(verdict=verdict))
        if refusal is not None:
            _put(RefusalEvent(message=refusal))

    def result(self, result: dict[str, Any]) -> None:
        """See ``Nobody``."""
        _put(ResultEvent.model_validate({"event": "result", **result}))


def _put(event: AnyEvent) -> None:
    """One line; figures that are no numbers are null.

    Names of files may be no UTF-8: pydantic's own writer refuses those, and here their odd bytes become escapes.
    """
    line = json_text(event.model_dump(mode="json"))
    say(line.encode("utf-8", "backslashreplace").decode())
