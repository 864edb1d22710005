"""Moves the first of the lines at the bottom of a terminal while the process that drew them cannot; see ``relief``.

Run as a file by itself: it imports nothing that takes time. Standard input says what stands in that line: a line of
text, an empty one where no lines are drawn any more, ``ASK`` where that is to be answered, too, on standard output.
Standard error is the terminal; the first argument are the characters that turn.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time

ASK = b"\x05"
PATIENCE, BEAT = 1.0, 0.25
"""Seconds without a word behind which the line is moved, and between two moves."""


def main(turning: str) -> None:
    """Go on until nobody is there to say anything any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that draws
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    heard, line, last, turn = b"", b"", time.monotonic(), 0
    while True:
        ready, _, _ = select.select([0], [], [], BEAT)
        silent = time.monotonic() - last
        if ready:
            told = os.read(0, 1 << 16)
            if not told:
                return
            *lines, heard = (heard + told).split(b"\n")
            for one in lines:
                line = b"" if one == ASK else one
                if one == ASK:
                    os.write(1, ASK)
            last = time.monotonic()
        elif line and silent >= PATIENCE:
            turn += 1
            mark = turning[turn % len(turning)]
            said = f", in one call for {silent:.0f} s"
            os.write(2, b"\x1b[?7l\r" + mark.encode() + b" " + line + said.encode() + b"\x1b[K\r\x1b[?7h")


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except OSError:  # the terminal has gone
        sys.exit(1)
