"""A terminal whose screen a test can look at, at the other end of a pseudo-terminal or fed by hand."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from pyte import ByteStream, HistoryScreen
from pyte.screens import Char


class Terminal:
    """What somebody at a terminal sees.

    Args:
        columns: of the screen.
        rows: of the screen.
        breaks: a terminal that is made narrower breaks its lines anew, as most do; else it cuts them off, as xterm
            does. Either way the cursor stays on its character.
    """

    def __init__(self, columns: int, rows: int = 24, *, breaks: bool = False) -> None:
        self._screen, self._breaks = HistoryScreen(columns, rows, history=10_000), breaks
        self._stream = ByteStream(self._screen)
        self.written = b""

    def feed(self, text: bytes) -> None:
        """Take what a process writes."""
        self.written += text
        self._stream.feed(text)

    @property
    def lines(self) -> list[str]:
        """All lines, those that have scrolled away before those of the screen; no empty ones at the end."""
        found = [_text(line, self._screen.columns) for line in self._screen.history.top] + self.shown
        while found and not found[-1]:
            found.pop()
        return found

    @property
    def shown(self) -> list[str]:
        """The lines of the screen."""
        return [line.rstrip() for line in self._screen.display]

    @property
    def cursor(self) -> tuple[int, int, bool]:
        """Row, column, and whether it can be seen."""
        cursor = self._screen.cursor
        return cursor.y, cursor.x, not cursor.hidden

    def resize(self, columns: int, rows: int) -> None:
        """The terminal becomes another size; what had more lines than fit scrolls away, if it is above the cursor."""
        screen, found = self._screen, []
        place = at = 0
        for number in range(screen.lines):
            parts = self._parts(screen.buffer[number], columns)
            if number == screen.cursor.y:
                place, at = len(found) + screen.cursor.x // columns, screen.cursor.x % columns
            found += parts
        gone = max(0, place - rows + 1)
        screen.history.top.extend(found[:gone])
        screen.resize(rows, columns)
        screen.buffer.clear()
        for number, line in enumerate(found[gone : gone + rows]):
            screen.buffer[number].update(line)
        screen.cursor.y, screen.cursor.x = place - gone, min(at, columns - 1)

    def _parts(self, line: dict[int, Char], columns: int) -> list[dict[int, Char]]:
        """What a line becomes on so many columns."""
        used = max((at for at, one in line.items() if one.data.strip()), default=-1) + 1
        count = max(1, -(-used // columns)) if self._breaks else 1
        return [
            {at - number * columns: one for at, one in line.items() if number * columns <= at < (number + 1) * columns}
            for number in range(count)
        ]


def _text(line: dict[int, Char], columns: int) -> str:
    return "".join(line[at].data if at in line else " " for at in range(columns)).rstrip()


class Pseudo:
    """A real pseudo-terminal, whose other end a `Terminal` reads.

    Attributes:
        stream: for the process that writes.
        terminal: shows it.
    """

    def __init__(self, stream: TextIO, terminal: Terminal, parent: int) -> None:
        self.stream, self.terminal, self._parent = stream, terminal, parent
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def resize(self, columns: int, rows: int) -> None:
        """The window becomes another size."""
        with self._changed:
            fcntl.ioctl(self._parent, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            self.terminal.resize(columns, rows)

    def await_text(self, text: str, seconds: float = 60) -> None:
        """Wait until a text is on the screen."""
        with self._changed:
            assert self._changed.wait_for(lambda: any(text in line for line in self.terminal.shown), seconds), text

    def end(self) -> None:
        """Nothing is written any more; all that was is on the screen."""
        self.stream.close()
        self._reader.join(60)

    def _read(self) -> None:
        while True:
            try:
                text = os.read(self._parent, 1 << 16)
            except OSError:  # nobody holds the other end
                return
            with self._changed:
                self.terminal.feed(text)
                self._changed.notify_all()


@contextmanager
def pseudo_terminal(columns: int, rows: int = 24) -> Iterator[Pseudo]:
    """A pseudo-terminal of this process."""
    parent, child = pty.openpty()
    fcntl.ioctl(parent, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    with open(child, "w", encoding="utf-8") as stream:
        found = Pseudo(stream, Terminal(columns, rows), parent)
        try:
            yield found
        finally:
            found.end()
            os.close(parent)
