"""What somebody at a terminal sees, on real pseudo-terminals."""

from __future__ import annotations

import ctypes
import os
import pty
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evoswarm.cli.showing.terminal import drawable
from evoswarm.cli.telling.narrator import Narrator
from evoswarm.cli.telling.screen import Screen
from evoswarm.evaluation.advance import Advance
from evoswarm.experiment.progress import GenerationStep
from evoswarm.experiment.result import SearchResult
from evoswarm.experiment.session import search
from evoswarm.space import SearchSpace
from tests.cli.telling.live.terminal import Pseudo, Terminal, pseudo_terminal
from tests.cli.telling.scenes import figures

STYLE = re.compile(rb"\x1b\[[0-9;]*m")


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pseudo]:
    """A terminal of a hundred columns, in an environment that says nothing of it."""
    for name in ("COLUMNS", "LINES", "NO_COLOR", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    with pseudo_terminal(100, 30) as found:
        yield found


def test_a_window_that_changes_its_size(at: Pseudo) -> None:
    with Narrator(Screen(at.stream), "search x.yaml") as narrator:
        narrator.enter("evolving", "evolving on 100 items")
        narrator.progress.generation(figures(0, 8, (0.5, 0.25, 0.75)))
        narrator.progress.step(GenerationStep("generation", 2, 8))
        narrator.progress.decoding(Advance(120, 3672, 10.0))
        at.await_text("generation 2 of 8, 120 of 3,672 answers, about 4 min 56 s left")
        at.resize(60, 30)
        at.await_text("  about 4 min 56 s left")
        at.resize(40, 12)
        at.await_text("  120 of 3,672 answers,")
        at.resize(100, 30)
        at.await_text("generation 2 of 8, 120 of 3,672 answers, about 4 min 56 s left")
        shown = at.terminal.lines
        assert sum("generation 2 of 8" in line for line in shown) == 1, shown
        assert sum("  best " in line for line in shown) == 2, "the line that stays, and the islands"
        narrator.note("done")
    at.end()
    *_, stays, last = at.terminal.lines
    assert stays.startswith("generation 1/8: best per island 0.500"), "cut where the window was narrow"
    assert last == "done"
    assert at.terminal.cursor == (at.terminal.shown.index("done") + 1, 0, True)


@pytest.mark.parametrize(("environment", "styled"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_bold_and_dim_where_they_are_wanted(
    environment: dict[str, str], styled: bool, at: Pseudo, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with Narrator(Screen(at.stream), "search x.yaml") as narrator:
        narrator.enter("evolving", "evolving on 100 items")
        at.await_text("so far")
    assert bool(STYLE.search(at.terminal.written)) == styled


@pytest.mark.parametrize(
    ("environment", "drawn"),
    [
        ({}, True),
        ({"TERM": "dumb"}, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, False),
        ({"NO_COLOR": "1"}, True),
        ({"CI": "true"}, False),
        ({"CI": "false"}, True),
    ],
)
def test_where_lines_are_drawn_over(environment: dict[str, str], drawn: bool, at: Pseudo) -> None:
    assert drawable(at.stream, environment) == drawn
    with open(os.devnull, "w") as nowhere:
        assert not drawable(nowhere, environment)


def test_a_question_stands_alone(at: Pseudo, monkeypatch: pytest.MonkeyPatch) -> None:
    with Narrator(Screen(at.stream), "search x.yaml") as narrator:
        narrator.enter("rivals", "tuning rivals")
        at.await_text("so far")

        def answered() -> str:
            at.await_text("Open them? [y/N]")
            narrator.beat()
            seen.extend(at.terminal.lines)
            return "y\n"

        seen: list[str] = []
        monkeypatch.setattr(sys, "stdin", type("Typed", (), {"readline": staticmethod(answered)}))
        monkeypatch.setattr(sys, "stderr", at.stream)
        assert narrator.ask("open them?")
    assert seen == ["tuning rivals ...", "Open them? [y/N]"]


def test_a_call_that_holds_all_threads_is_told_of_by_another_process(at: Pseudo) -> None:
    """As reading a large tokenizer does: nothing of this process has its turn meanwhile."""
    hold, told = ctypes.PyDLL(None).usleep, b"loading gemma, in one call for 1 s"
    with Narrator(Screen(at.stream), "search x.yaml") as narrator:
        narrator.enter("loading", "loading gemma")
        for _ in range(20):  # the process may take long to begin
            hold(1_500_000)
            time.sleep(0.01)
            if told in at.terminal.written:
                break
        narrator.note("loaded")
    at.end()
    assert told in at.terminal.written
    assert at.terminal.lines == ["loading gemma ...", "loaded"]
    assert at.terminal.cursor == (2, 0, True)


def test_a_search_leaves_what_stays_and_nothing_else(
    at: Pseudo, micro: Callable[..., SearchSpace], finished: SearchResult, tmp_path: Path
) -> None:
    with Narrator(Screen(at.stream), "search x.yaml") as narrator:
        told = narrator.progress
        runs = finished.directory.parent  # all is known
        search(micro(), out=tmp_path / "again", runs=runs, progress=told, certify=False)
    at.end()
    lines = at.terminal.lines
    assert [line[:14] for line in lines if line.startswith("generation ")] == [
        f"generation {number}/3" for number in (1, 2, 3)
    ]
    assert [line.partition(" ...")[0] for line in lines[-3:]] == [
        "choosing the champion on 6 unseen items",
        "tracing answers to 6 selection items, step by step",
        "loading 2 members",  # steps are no part of a ledger
    ]
    assert not any("so far" in line for line in lines)


def test_ctrl_c_leaves_a_clean_line(space_file: Path, tmp_path: Path) -> None:
    """It comes while libraries are imported."""
    process, parent = pty.fork()
    if process == 0:
        os.chdir(tmp_path)
        package = str(Path(__file__).parents[3])
        environment = {**os.environ, "TERM": "xterm", "OMP_NUM_THREADS": "1", "PYTHONPATH": package}
        for name in ("COLUMNS", "LINES", "CI"):
            environment.pop(name, None)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # where the tests run in the background, it is ignored
        os.execve(sys.executable, [sys.executable, "-m", "evoswarm", "search", str(space_file)], environment)
    terminal, pressed = Terminal(120), False
    while True:
        try:
            terminal.feed(os.read(parent, 1 << 16))
        except OSError:
            break
        if not pressed and any("importing torch" in line and "..." not in line for line in terminal.shown):
            pressed = os.write(parent, b"\x03") == 1
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    assert code in (130, -signal.SIGINT), "Python itself ends by the signal where it came within `exec`"
    assert terminal.lines[-2].startswith("importing torch and transformers ...")
    assert terminal.lines[-1].startswith("interrupted")
    assert terminal.cursor[1:] == (0, True)
