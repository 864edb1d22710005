"""What is told while a command is at work: it hears of everything, and sees to it that nobody waits in silence."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from statistics import fmean
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from evoswarm.cli.given.asking import confirmed
from evoswarm.cli.showing.terminal import drawable
from evoswarm.cli.telling.hearing import LogHeard, mark_told
from evoswarm.cli.telling.heartbeat import FIRST, Heartbeat
from evoswarm.cli.telling.status import Expectations, Parts, Status
from evoswarm.cli.telling.teller import Brief, Nobody, Person
from evoswarm.errors import EvoswarmError, is_out_of_memory
from evoswarm.experiment.progress import Progress, Stage, StageName, StageStep

if TYPE_CHECKING:
    from evoswarm.cli.telling.start import Start
    from evoswarm.evaluation.advance import Advance
    from evoswarm.experiment.figures import GenerationFigures
    from evoswarm.experiment.files.beginning import Beginning
    from evoswarm.experiment.first_look.look import FirstLook

T = TypeVar("T")

_WITHIN: frozenset[StageName] = frozenset({"loading"})
"""Stages that may come within another one, which goes on behind them: members are loaded when the first is needed."""
_BEFORE_WORK: frozenset[StageName] = frozenset({"reading", "importing", "items", "loading"})


class Narrator:
    """Tells how a command goes on; a context manager, within which the command does everything.

    Args:
        teller: who is told.
        command: its name, and what it was asked to work on.
        clock: seconds.
        beats: whether a thread says how it stands while nothing is new.
    """

    def __init__(
        self, teller: Nobody, command: str, *, clock: Callable[[], float] = time.monotonic, beats: bool = True
    ) -> None:
        self._teller, self._clock = teller, clock
        self._lock = threading.RLock()
        self._stage = Stage("reading", command)  # told only where it takes long
        self._step: StageStep | None = None
        self._loads: StageStep | None = None  # before the step goes on
        self._advance: Advance | None = None
        self._began = self._news = self._said = clock()
        self._silent = True  # nothing has been said yet
        self._open = self._resting = False
        self._start: Start | None = None
        self._expected = Expectations()
        self._parts: Parts | None = None
        self._behind, self._seconds_of_parts = 0.0, list[float]()
        self._heart = Heartbeat(self.beat) if beats else None
        self._log = LogHeard(self.note) if teller.hears else contextlib.nullcontext()

    def __enter__(self) -> Self:
        self._log.__enter__()
        if self._heart is not None:
            self._heart.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.rest()
        self._teller.leave()
        self._log.__exit__(None, None, None)
        if error is not None:
            mark_told(error)
        if isinstance(error, EvoswarmError):
            self._teller.error(str(error), 2)
        elif isinstance(error, KeyboardInterrupt):
            self._teller.error(str(error) or "interrupted", 130)
        elif isinstance(error, Exception):  # memory has run out, or a bug of ours
            self._teller.error(f"{type(error).__name__}: {error}", 2 if is_out_of_memory(error) else 1)

    @property
    def progress(self) -> Progress:
        """Tells everything."""
        return Progress(
            self._enter,
            self._generation,
            self._decoding,
            self._begun,
            self._at,
            self.note,
            self._first_look,
            self._inner,
        )

    @property
    def to_people(self) -> bool:
        """Whether results are to be shown as people read them."""
        return self._teller.reads

    def start(self, start: Start) -> None:
        """What the command is about is known."""
        with self._lock:
            self._start = start
            self._teller.start(start)
            self._told()

    def enter(self, name: StageName, words: str) -> None:
        """A stage begins."""
        self._enter(Stage(name, words))

    def imports(self) -> None:
        """What is imported now takes seconds."""
        self.enter("importing", "importing torch and transformers")

    def note(self, text: str) -> None:
        """Sentences that must be known now."""
        with self._lock:
            self._teller.note(text)
            self._told()

    def beside(self, things: Iterable[T]) -> Iterator[T]:
        """The same things, for whoever prints each of them as soon as it is there: nothing else is said meanwhile."""
        try:
            for one in things:
                with self._lock:
                    self._teller.rest()
                    self._told()
                yield one
        finally:
            self.rest()

    def asker(self, ask: bool) -> Callable[[str], bool] | None:
        """Whom to ask questions; None where nobody wants to be asked."""
        return self.ask if ask else None

    def ask(self, question: str) -> bool:
        """Ask whoever sits at the terminal; nothing else is said meanwhile."""
        with self._lock:
            self._teller.rest()
            answer = confirmed(question)
            self._told()
            return answer

    def expect(self, count: int, behind: float = 0.0) -> None:
        """Parts are to come: searches of a comparison, trials of a study.

        Args:
            count: of them.
            behind: what comes behind them, as much work as so many more.
        """
        with self._lock:
            self._parts, self._behind = Parts(0, count), behind

    def part(
        self,
        event: Literal["trial", "search"],
        number: int,
        figures: dict[str, Any],
        line: str,
        *,
        abreast: int = 1,
    ) -> None:
        """A trial of a study or a search of a comparison has ended.

        Args:
            event: which of both.
            number: which one.
            figures: as data; ``seconds`` is what it took.
            line: for people.
            abreast: how many are at work at once.
        """
        with self._lock:
            self._seconds_of_parts.append(figures["seconds"])
            if self._parts is not None:
                self._parts = Parts(len(self._seconds_of_parts), self._parts.count)
                each = fmean(self._seconds_of_parts) / abreast
                rest = self._parts.count - self._parts.done + self._behind
                self._expected.expect({}, each * rest, self._clock())
            self._teller.part(event, number, figures, line)
            self._told()

    def result(
        self, result: dict[str, Any], *, verdict: dict[str, Any] | None = None, refusal: str | None = None
    ) -> None:
        """The work is done, and this came of it, as data: machines are told it, people are shown it by the command.

        Args:
            result: of the command.
            verdict: what held-out items say, where they were asked.
            refusal: why they were not, where they should have been.
        """
        self.rest()
        self._teller.verdict(verdict, refusal)
        self._teller.result(result)

    def rest(self) -> None:
        """The work is done: what comes now is its result."""
        if self._heart is not None:
            self._heart.stop()
            self._heart = None
        with self._lock:
            if not self._resting:
                self._resting = True
                self._end_stage()
                self._teller.rest()

    def beat(self) -> None:
        """Say how it stands, where it is time to."""
        with self._lock:
            now = self._clock()
            seconds = now - self._began
            if self._silent and now - self._said >= FIRST:
                self._begin_stage()
            elif not self._silent and self._teller.rhythm.due(now - self._said, seconds):
                self._teller.status(self._status(now))
                self._told()

    def _enter(self, stage: Stage) -> None:
        with self._lock:
            if stage.name in _WITHIN and self._stage.name not in _BEFORE_WORK:
                self._at(StageStep(stage.words, loading=True))
                self.note(f"{stage} ...")
                return
            self._end_stage()
            self._stage, self._step, self._loads, self._advance = stage, None, None, None
            self._began = self._news = self._clock()
            if self._parts is not None and self._parts.done == self._parts.count:
                self._parts = None  # what comes behind them is none
            self._begin_stage()

    def _begin_stage(self) -> None:
        self._open = True
        self._teller.stage(self._stage)
        self._told()

    def _end_stage(self) -> None:
        if self._open:
            self._teller.ended(self._stage, self._clock() - self._began)

    def _at(self, step: StageStep) -> None:
        with self._lock:
            self._step, self._loads = (self._step, step) if step.loading else (step, None)
            self._advance, self._news = None, self._clock()
        self.beat()

    def _first_look(self, look: FirstLook) -> None:
        with self._lock:
            self._teller.first_look(look)
            self._told()

    def _decoding(self, advance: Advance) -> None:
        with self._lock:
            before, now = self._advance, self._clock()
            if before is None or replace(before, seconds=advance.seconds) != advance:
                self._news = now
            self._advance, self._loads = advance, None  # who decodes has loaded
        self.beat()

    def _generation(self, figures: GenerationFigures) -> None:
        with self._lock:
            self._expected.expect(figures.left_by_part, figures.seconds_left, self._clock())
            self._step = self._loads = self._advance = None
            self._news = self._clock()
            self._teller.generation(figures)
            self._told()

    def _inner(self, figures: GenerationFigures) -> None:
        with self._lock:
            self._teller.inner(figures)

    def _begun(self, run: Beginning) -> None:
        """The run directory is chosen: that is told again only where it is another than was foreseen."""
        if self._start is not None and self._start.run != run:
            self.start(replace(self._start, run=run))

    def _status(self, now: float) -> Status:
        seconds = now - self._began
        return Status(
            self._stage,
            seconds,
            self._loads or self._step,
            self._advance,
            now - self._news,
            self._expected.left(self._stage, self._began, now),
            self._expected.left_in_all(now),
            self._parts,
        )

    def _told(self) -> None:
        self._said, self._silent = self._clock(), False


def narrator_for(command: str, *, quiet: bool = False, as_json: bool = False, briefly: bool = False) -> Narrator:
    """The narrator of a command, for whoever asked for it.

    Args:
        command: its name, and what it was asked to work on.
        quiet: tell nobody anything.
        as_json: tell a machine, on standard output.
        briefly: tell a person nothing but notes.
    """
    if as_json:
        from evoswarm.cli.telling.machine import Machine

        return Narrator(Machine(), command)
    if quiet or briefly:
        return Narrator(Nobody() if quiet else Brief(), command, beats=False)
    return Narrator(_person(), command)


def _person() -> Person:
    """Whoever reads standard error."""
    if not drawable(sys.stderr):
        return Person()
    from evoswarm.cli.telling.screen import Screen

    return Screen()
