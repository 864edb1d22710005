"""Questions to whoever sits at the terminal."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from evoswarm.errors import RunError, Where


def at_terminal() -> bool:
    """Whether somebody can be asked: what is asked can be seen, and an answer can be typed."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def require_terminal(ask: bool) -> None:
    """Refuse to promise a question that nobody would see.

    Raises:
        RunError: ``--ask`` was given, and there is no terminal.
    """
    if ask and not at_terminal():
        raise RunError("expected a terminal to ask at, got none: nothing was opened", Where("--ask"))


def confirmed(question: str) -> bool:
    """Ask, with no as the answer that needs no word.

    Raises:
        KeyboardInterrupt: Ctrl-C instead of an answer.
    """
    with _ending_at_once():
        print(f"{question[:1].upper()}{question[1:]} [y/N] ", end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip().lower() in ("y", "yes")


@contextmanager
def _ending_at_once() -> Iterator[None]:
    """Ctrl-C ends what waits for an answer, although work that can be continued lets its first one only be heard."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
