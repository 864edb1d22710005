"""A few lines at the end of what a terminal shows that are drawn over again, while what stays scrolls away above them.

Between two drawings the cursor waits on the first character of these lines, not behind their last. So nothing has to
be counted: a terminal that is made narrower or wider, shorter or higher takes the cursor along with that character,
whether it breaks lines anew or cuts them off, and all that stands behind it is erased at the next drawing. A window
that became narrower after it was measured cuts a drawing off too, instead of breaking its lines. What
somebody else writes meanwhile stands above the lines from then on. Whoever ends the process at any moment leaves no
hidden cursor: it is hidden within a drawing only, and a drawing is one piece.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import TextIO

from evoswarm.cli.telling.live.relief import Relief

_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"
_CUT, _BREAK = "\x1b[?7l", "\x1b[?7h"  # what a terminal does with lines that are too long
_ERASE_LINE, _ERASE_BELOW = "\x1b[K", "\x1b[J"

CLEARED = f"\r{_ERASE_BELOW}"
"""Takes away the lines, wherever they are."""


class Region:
    """The lines.

    Args:
        stream: a terminal that understands escape sequences.
        relieved: begins whoever moves the first line while nobody here can; called once, before the first drawing.
    """

    def __init__(self, stream: TextIO, relieved: Callable[[], Relief | None] = lambda: None) -> None:
        self._stream, self._relieved, self._drawn = stream, relieved, False
        self._relief: Relief | None = None
        self._began = False

    def show(self, lines: Sequence[str], above: str = "", head: str = "") -> None:
        """Draw these lines in place of those that are there.

        Args:
            lines: none as wide as the terminal, and fewer than it has rows.
            above: what is written before them, and stays: whole lines, each with its line feed.
            head: the first of the lines for whoever moves it meanwhile.
        """
        if lines and not self._began:
            self._began, self._relief = True, self._relieved()
        if self._relief is not None:
            self._relief.stand_back()
        cleared = CLEARED if self._drawn and (above or not lines) else ""
        self._drawn = bool(lines)
        self._write(cleared + above + (_drawing(lines) if lines else ""))
        if self._relief is not None:
            self._relief.tell(head if lines else "")

    def clear(self) -> None:
        """Take the lines away: what comes next begins an empty line."""
        if self._drawn:
            self.show(())

    def close(self) -> None:
        """Nothing is drawn any more."""
        self.clear()
        if self._relief is not None:
            self._relief.close()
            self._relief = None

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # nobody reads on
            self._stream.write(text)
            self._stream.flush()


def _drawing(lines: Sequence[str]) -> str:
    drawn = f"{_ERASE_LINE}\r\n".join(lines)
    up = f"\x1b[{len(lines) - 1}A" if len(lines) > 1 else ""
    return f"{_HIDE}{_CUT}\r{drawn}{_ERASE_BELOW}{up}\r{_BREAK}{_SHOW}"
