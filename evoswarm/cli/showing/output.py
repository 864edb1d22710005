"""Standard output that may be closed, full or gone."""

from __future__ import annotations

import io
import os
import sys

from evoswarm.cli.showing.terminal import columns, fitted

_PRINTERS = ("evoswarm.cli.", "rich.", "click.", "typer.")


def ensure_streams() -> None:
    """Streams that take any text.

    Where a standard stream was closed by the caller (``>&-``), what is printed goes nowhere; a character that the
    locale's encoding lacks, or a byte in the name of a file that is none of its text, is printed as its escape.
    """
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # open to the end
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # open to the end
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def mute() -> None:
    """Let everything printed from now on, and what is still held back, go nowhere."""
    try:
        descriptor = sys.stdout.fileno()
    except (io.UnsupportedOperation, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def output_fails(error: OSError) -> bool:
    """Whether an error came from printing: what prints raised it, or what was held back fails again."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    raised_by = "" if trace is None else str(trace.tb_frame.f_globals.get("__name__"))
    if raised_by.startswith(_PRINTERS):
        return True
    try:
        sys.stdout.flush()
    except OSError:
        return True
    return False


def show(text: str, hanging: str = "  ") -> None:
    """Print a sentence; a terminal is given lines that it has room for.

    Args:
        text: of one or more lines.
        hanging: what stands before the rest of a line that goes on.
    """
    for line in fitted(text, columns(sys.stdout), hanging):
        say(line)


def say(text: str) -> None:
    """Print a line; once nobody reads on, print nothing and go on."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        mute()
