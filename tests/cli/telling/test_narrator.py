"""What people are told while a command is at work, by a clock that the tests drive."""

from __future__ import annotations

import io
import json
import logging
import signal
import sys
from collections.abc import Generator

import pytest

from evoswarm.cli.telling.heartbeat import IN_LOG, Heartbeat
from evoswarm.cli.telling.live.region import CLEARED
from evoswarm.cli.telling.machine import Machine
from evoswarm.cli.telling.narrator import Narrator
from evoswarm.cli.telling.screen import Screen
from evoswarm.cli.telling.teller import Person
from evoswarm.decoding.pool import Loading
from evoswarm.evaluation.advance import Advance
from evoswarm.experiment.progress import StageStep
from tests.cli.telling.scenes import figures

BEAT = 0.25


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Stage:
    """A narrator, its clock, and when what was written."""

    def __init__(self, stream: io.StringIO, reader: type[Person] = Person) -> None:
        self.stream, self.now = stream, 100.0
        self.narrator = Narrator(reader(stream), "search x.yaml", clock=lambda: self.now, beats=False)
        self.spoken = [self.now]

    def wait(self, seconds: float) -> None:
        """Nothing happens for so long, but the heart beats."""
        for _ in range(round(seconds / BEAT)):
            self.now += BEAT
            before = len(self.stream.getvalue())
            self.narrator.beat()
            if len(self.stream.getvalue()) > before:
                self.spoken.append(self.now)

    @property
    def longest_silence(self) -> float:
        ends = [*self.spoken[1:], self.now]
        return max(end - begin for begin, end in zip(self.spoken, ends, strict=True))


@pytest.fixture
def log() -> Stage:
    return Stage(io.StringIO())


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm")
    return Stage(Terminal(), Screen)


def test_who_has_said_nothing_yet_says_soon_what_it_is_at(log: Stage) -> None:
    log.wait(0.25)
    assert log.stream.getvalue() == ""
    log.wait(0.25)
    assert log.stream.getvalue() == "search x.yaml ...\n"


def test_a_log_is_never_silent_for_long_and_does_not_grow_without_bound(log: Stage) -> None:
    log.narrator.enter("calibrating", "calibrating 3 possible leads")
    log.wait(60)
    assert log.longest_silence < 2
    log.wait(3540)
    assert log.longest_silence <= IN_LOG.longest + BEAT
    lines = log.stream.getvalue().splitlines()
    assert lines[0] == "calibrating 3 possible leads ..."
    assert lines[1] == "  calibrating: 1.5 s so far"
    assert len(lines) < 500


def test_a_terminal_is_written_to_at_every_beat(terminal: Stage) -> None:
    terminal.narrator.enter("evolving", "evolving on 100 items")
    terminal.narrator.progress.step(StageStep("generation 2 of 8"))
    terminal.narrator.progress.decoding(Advance(120, 3672, 10.0))
    before = len(terminal.stream.getvalue())
    terminal.wait(400)
    assert terminal.longest_silence == BEAT
    assert (len(terminal.stream.getvalue()) - before) / (400 / BEAT) < 300, "bytes, as the terminal may be far away"


def test_what_is_known_is_said(log: Stage) -> None:
    log.narrator.enter("rivals", "tuning rivals on 20 selection items")
    log.narrator.progress.step(StageStep("gemma, 540 MB", 2, 3))
    log.wait(1.5)
    log.narrator.progress.decoding(Advance(0, 12, 1.0, 300, 1200))
    log.wait(1.5)
    log.wait(10)
    _, first, second, *_, last = log.stream.getvalue().splitlines()
    assert first == "  gemma, 540 MB (2 of 3): 1.5 s so far"
    begun = "  gemma, 540 MB (2 of 3): 0 of 12 answers, 300 of at most 1,200 symbols, at most 3.0 s left"
    assert second == f"{begun}, 3.0 s so far"
    assert last == f"{begun}, 12 s so far, no news for 10 s"


def test_what_is_left_of_the_phase_and_in_all(log: Stage) -> None:
    log.narrator.enter("evolving", "evolving on 100 items")
    log.wait(1)
    left = {"search": 10.0, "rivals": 20.0, "test": 30.0}
    log.narrator.progress.generation(figures(seconds_left=60.0, left_by_part=left))
    log.wait(1.5)
    log.narrator.enter("choosing", "choosing")
    log.wait(1.5)
    log.narrator.enter("rivals", "tuning")
    log.wait(1.5)
    told = [line for line in log.stream.getvalue().splitlines() if line.startswith("  ")]
    assert told == [
        "  evolving: about 8.5 s in this phase, 58 s in all left, 2.5 s so far",
        "  choosing: about 57 s in all left, 1.5 s so far",
        "  rivals: about 18 s in this phase, 56 s in all left, 1.5 s so far",
    ]
    log.narrator.progress.decoding(Advance(3, 9, 1.0))
    log.wait(1.5)
    last = log.stream.getvalue().splitlines()[-1]
    assert (
        last == "  rivals: 3 of 9 answers, about 2.0 s left, about 17 s in this phase, 54 s in all left, 3.0 s so far"
    )


def test_members_that_are_loaded_within_a_stage_do_not_end_it(log: Stage) -> None:
    log.narrator.enter("evolving", "evolving on 100 items")
    log.narrator.progress.at("generation 3 of 8")
    log.narrator.progress.loading(Loading("gemma", 540_000_000, 1, 2))
    log.wait(1.5)
    log.narrator.progress.decoding(Advance(5, 10, 1.0))
    log.wait(1.5)
    assert log.stream.getvalue().splitlines() == [
        "evolving on 100 items ...",
        "loading 2 members ...",
        "  gemma, 540MB (1 of 2): 1.5 s so far",
        "  generation 3 of 8: 5 of 10 answers, about 1.0 s left, 3.0 s so far",
    ]


def test_what_is_left_of_a_command_of_parts_is_what_its_parts_took(log: Stage) -> None:
    log.narrator.expect(4, behind=1.0)
    log.narrator.enter("studying", "4 trials")
    log.narrator.part("trial", 0, {"seconds": 10.0}, "trial 0")
    log.narrator.part("trial", 1, {"seconds": 30.0}, "trial 1", abreast=2)
    log.wait(1.5)
    assert log.stream.getvalue().splitlines()[-1] == "  studying: about 28 s in all left, 1.5 s so far"
    for number in (2, 3):
        log.narrator.part("trial", number, {"seconds": 20.0}, f"trial {number}")
    log.narrator.enter("studying", "comparing")
    log.wait(1.5)
    assert log.stream.getvalue().splitlines()[-1] == "  studying: about 18 s in all left, 1.5 s so far"


def test_a_stage_without_a_step_goes_by_its_name(log: Stage) -> None:
    log.narrator.enter("studying", "24: 16 searches, 2 at a time")
    log.narrator.progress.within(words="24").loading(Loading("gemma", 540_000_000, 1, 1))
    log.wait(1.5)
    log.narrator.progress.decoding(Advance(5, 10, 1.0))
    log.wait(1.5)
    *_, loads, decodes = log.stream.getvalue().splitlines()
    assert loads == "  24: gemma, 540MB: 1.5 s so far"
    assert decodes == "  studying: 5 of 10 answers, about 1.0 s left, 3.0 s so far"


def test_our_warnings_are_notes(terminal: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger("evoswarm.somewhere")
    with terminal.narrator:
        terminal.narrator.enter("evolving", "evolving")
        terminal.wait(1)
        log.warning("%d odd files", 2)
        log.info("not for users")
    assert f"{CLEARED}2 odd files\n" in terminal.stream.getvalue(), "on a line of its own"
    with Narrator(Machine(), "search", beats=False):
        log.warning("odd")
    assert json.loads(capsys.readouterr().out) == {"event": "note", "text": "odd"}
    assert logging.getLogger("evoswarm").propagate, "as before"


def test_whoever_stops_reading_rows_ends_the_heart() -> None:
    narrator = Narrator(Person(io.StringIO()), "generate")
    with narrator:
        rows = narrator.beside([1, 2])
        assert next(rows) == 1
        assert isinstance(rows, Generator)
        rows.close()
        assert narrator._heart is None


def test_ctrl_c_at_a_question_ends_it(terminal: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    class Pressed:
        def readline(self) -> str:
            signal.raise_signal(signal.SIGINT)
            return "y"

    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    monkeypatch.setattr(sys, "stdin", Pressed())
    try:
        with pytest.raises(KeyboardInterrupt):
            terminal.narrator.ask("open them?")
        signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIGINT], "only after the question it is heard as before"


def test_a_heart_that_cannot_be_heard_stops_by_itself() -> None:
    beats: list[int] = []

    def beat() -> None:
        beats.append(1)
        raise OSError("no space left")

    heart = Heartbeat(beat, seconds=0.001)
    heart.start()
    heart._thread.join(30)
    heart.stop()
    assert beats == [1]


def test_whoever_does_not_read_on_ends_nothing() -> None:
    stream = io.StringIO()
    stream.close()
    with Narrator(Screen(Terminal()), "search") as narrator:
        narrator.enter("evolving", "evolving")
    for reader in (Person, Screen):
        person = reader(Terminal())
        person._stream.close()
        with Narrator(person, "search") as narrator:
            narrator.enter("evolving", "evolving")
