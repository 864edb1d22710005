"""Questions to whoever sits at the terminal."""

from __future__ import annotations

import sys

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
    """Ask, with no as the answer that needs no word."""
    print(f"{question[:1].upper()}{question[1:]} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
