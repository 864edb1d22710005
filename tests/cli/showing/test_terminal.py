"""Prose fits the terminal; no escape is written where none is wanted."""

from __future__ import annotations

import io
import os
import pty
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoswarm.cli import run
from evoswarm.cli.showing.console import print_result
from evoswarm.cli.showing.screen import make_console
from evoswarm.cli.showing.terminal import columns, escapes, fitted
from evoswarm.cli.telling.teller import Person
from evoswarm.experiment.progress import Stage
from evoswarm.experiment.result import SearchResult

STYLE, MOVE = re.compile(r"\x1b\[[\d;]*m"), re.compile(r"\x1b\[\??\d*[A-Za-z]")
WORDS = st.lists(st.text("abcd-/.", min_size=1, max_size=9), min_size=1, max_size=40).map(" ".join)


class Terminal(io.StringIO):
    """Takes text as a terminal would."""

    def isatty(self) -> bool:
        return True


@contextmanager
def on_terminal(monkeypatch: pytest.MonkeyPatch, width: int, **environment: str) -> Iterator[Terminal]:
    """Standard output is a terminal so wide."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TERM", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm-256color", "COLUMNS": str(width), **environment}.items():
        monkeypatch.setenv(name, value)
    stream = Terminal()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        yield stream


@given(WORDS, st.integers(20, 130), st.sampled_from(["", "  "]))
def test_lines_fit_and_no_word_is_lost(text: str, width: int, margin: str) -> None:
    lines = fitted(margin + text, width)
    assert all(len(line) <= width for line in lines)
    assert " ".join(lines).split() == text.split()
    assert lines[0].startswith(margin)
    assert fitted(margin + text, None) == [margin + text]


def test_paths_are_not_broken() -> None:
    path = "runs/" + "a" * 90
    assert f"  {path}" in fitted(f"It is written to {path} and more.", 40)


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, True),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, True),
        ({"TERM": "dumb"}, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
    ],
)
def test_a_result_has_escapes_where_they_are_wanted_only(
    environment: dict[str, str], wanted: bool, finished: SearchResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    with on_terminal(monkeypatch, 100, **environment) as stream:
        print_result(make_console(), finished)
    assert ("\x1b" in stream.getvalue()) == wanted
    assert "Champion" in stream.getvalue()


def test_a_file_has_none_even_where_colours_are_forced(
    finished: SearchResult, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    print_result(make_console(), finished)
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize("width", [60, 80, 100])
def test_the_end_of_a_search_fits_the_terminal(
    width: int, finished: SearchResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for names of files and commands, which are copied whole."""
    with on_terminal(monkeypatch, width, NO_COLOR="1") as stream:
        print_result(make_console(), finished)
    told, _, _ = stream.getvalue().partition("\nUse it\n")
    wide = [line for line in told.splitlines() if len(line) > width]
    assert all(len(line.split()) == 1 and str(finished.directory.parent) in line for line in wide[1:])
    assert all(str(finished.directory.parent) in line for line in wide)
    assert "Verdict" in told


def test_progress_fits_the_terminal_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    stream = Terminal()
    Person(stream).stage(Stage("test", "a sentence that goes on and on, much longer than this narrow terminal is wide"))
    lines = stream.getvalue().splitlines()
    assert len(lines) > 1
    assert all(len(line) <= 50 for line in lines)
    file = io.StringIO()
    Person(file).stage(Stage("test", "word " * 40))
    assert len(file.getvalue().splitlines()) == 1


def test_a_real_terminal_is_asked_how_wide_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    parent, child = pty.openpty()
    with open(child, "w") as stream, open(parent, "rb"):
        import fcntl
        import struct
        import termios

        fcntl.ioctl(stream, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 91, 0, 0))
        assert columns(stream) == 91
        assert escapes(stream)
    with open(os.devnull, "w") as nowhere:
        assert columns(nowhere) is None
        assert not escapes(nowhere)


COMMANDS = [
    ["--help"],
    ["search", "--help"],
    ["zoo", "list"],
    ["doctor"],
    ["check", "SPACE"],
    ["certify", "nothing-there"],
    ["search", "SPACE", "--set", "no.such=1"],
    ["evaluate", "RUN", "--space", "SPACE"],
    ["evaluate", "RUN", "--space", "SPACE", "--json"],
]


@pytest.mark.parametrize("asked", COMMANDS, ids=" ".join)
def test_no_command_writes_an_escape_where_none_is_wanted(
    asked: list[str], space_file: Path, finished: SearchResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what people read of them fits the terminal, but for what is one word."""
    monkeypatch.chdir(tmp_path)
    known = {"SPACE": str(space_file), "RUN": str(finished.directory)}
    with on_terminal(monkeypatch, 80, NO_COLOR="1") as stream, monkeypatch.context() as patch:
        errors = Terminal()
        patch.setattr(sys, "stderr", errors)
        run([known.get(word, word) for word in asked])
    assert "\x1b" not in stream.getvalue()
    assert not STYLE.search(errors.getvalue())
    told = stream.getvalue() + MOVE.sub("", errors.getvalue()).replace("\r", "\n")
    assert told.strip()
    if "--json" not in asked:
        assert all(len(line) <= 80 or str(tmp_path.parent) in line for line in told.splitlines())
