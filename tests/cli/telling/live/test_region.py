"""Lines that are drawn over: whatever happens to the window, they stand once, and what stays stands above them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evoswarm.cli.telling.live.region import Region
from tests.cli.telling.live.terminal import Terminal


class Wire(io.StringIO):
    """What is written goes to a terminal at once, as its driver lets it through."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__()
        self._terminal = terminal

    def write(self, text: str) -> int:
        self._terminal.feed(text.replace("\n", "\r\n").encode())
        return len(text)


@dataclass(frozen=True)
class Move:
    """Draw so many lines; say so many that stay, above so many; or make the window so large."""

    what: Literal["draw", "say", "resize"]
    size: int
    rows: int = 24


MOVES = st.one_of(
    st.builds(Move, st.just("draw"), st.integers(1, 7)),
    st.builds(Move, st.just("say"), st.integers(1, 3), st.integers(0, 2)),
    st.builds(Move, st.just("resize"), st.integers(12, 90), st.integers(9, 30)),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(MOVES, max_size=25), st.booleans())
def test_they_stand_once_below_all_that_was_said(moves: list[Move], breaks: bool) -> None:
    terminal = Terminal(60, breaks=breaks)
    region, columns, said = Region(Wire(terminal)), 60, 0

    def lines(count: int) -> list[str]:
        return [f"<{number}>".ljust(columns - 1, "=") for number in range(count)]

    for move in moves:
        if move.what == "draw":
            region.show(lines(move.size))
        elif move.what == "say":
            told = "".join(f"[{said + number}]\n" for number in range(move.size))
            region.show(lines(move.rows), above=told)
            said += move.size
        else:
            columns = move.size
            terminal.resize(columns, move.rows)
    region.show(lines(4))
    expected = [*(f"[{number}]" for number in range(said)), *lines(4)]
    assert terminal.lines == expected
    first, column, visible = terminal.cursor
    assert (terminal.shown[first], column, visible) == (expected[-4], 0, True), "the cursor waits on the first of them"
    region.clear()
    assert terminal.lines == expected[:-4]


def test_lines_of_a_window_that_has_become_narrower_since_are_cut_off() -> None:
    terminal = Terminal(60)
    region = Region(Wire(terminal))
    terminal.resize(20, 12)
    region.show(["a" * 59, "b" * 59])
    assert [line[:10] for line in terminal.lines] == ["a" * 10, "b" * 10]
    region.show(["a" * 19, "b" * 19], above="said\n" * 2 + "c" * 30 + "\n")
    assert terminal.lines == ["said", "said", "c" * 20, "c" * 10, "a" * 19, "b" * 19], "what stays is broken as ever"


def test_what_others_write_is_not_lost() -> None:
    terminal = Terminal(60)
    wire = Wire(terminal)
    region = Region(wire)
    region.show(["first", "second"])
    wire.write("a library complains\n")
    region.show(["first", "second", "third"])
    assert terminal.lines == ["a library complains", "first", "second", "third"]


@pytest.mark.parametrize("lines", [1, 5])
def test_a_drawing_is_one_piece_and_hides_the_cursor_within_it_alone(lines: int) -> None:
    pieces: list[str] = []

    class Heard(io.StringIO):
        def write(self, text: str) -> int:
            pieces.append(text)
            return len(text)

    Region(Heard()).show(["x"] * lines)
    (piece,) = pieces
    assert piece.startswith("\x1b[?25l")
    assert piece.endswith("\x1b[?25h")


def test_whoever_has_gone_is_not_told() -> None:
    stream = io.StringIO()
    region = Region(stream)
    stream.close()
    region.show(["x"])
    region.show(["x"], above="y\n")
    region.clear()
