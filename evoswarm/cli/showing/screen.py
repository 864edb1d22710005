"""Where results are shown: tables as wide as the terminal, prose that people like to read, no escape unasked for."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from evoswarm.cli.showing.output import mute
from evoswarm.cli.showing.terminal import FILE_WIDTH, PROSE, columns, escapes, fitted, visible


class _Console(Console):
    """A console that goes quiet where nobody reads on."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        mute()


def make_console() -> Console:
    """As wide as the terminal; wide enough for every column where the output goes to a file or a pipe.

    Without colours rich still writes bold, and a file gets escapes where the environment asks for colours: where none
    are wanted there is no terminal for it.
    """
    wanted = escapes(sys.stdout)
    return _Console(
        width=columns(sys.stdout) or FILE_WIDTH,
        color_system="auto" if wanted else None,
        force_terminal=None if wanted else False,
        highlight=False,
    )


def prose(console: Console, text: str, *, bold: bool = False, hanging: str = "  ") -> None:
    """A sentence or more, each line at most as long as the terminal is wide, and as is easy to read."""
    for line in fitted(text, min(PROSE, console.width), hanging):
        console.print(Text(visible(line), "bold" if bold else ""), soft_wrap=True)


def heading(console: Console, text: str) -> None:
    """The title of a part."""
    console.print(f"\n[bold]{escape(visible(text))}[/bold]", soft_wrap=True)


def files(console: Console, written: Mapping[str | Path, str]) -> None:
    """What lies where: names are not broken, as they are copied; what has no room behind one stands below it."""
    heading(console, "Written")
    for path, meaning in written.items():
        name = f"  {visible(str(path))}"
        if len(name) + 2 + len(meaning) <= console.width:
            console.print(f"{escape(name)}  [dim]{escape(meaning)}[/dim]", soft_wrap=True)
            continue
        console.print(Text(name), soft_wrap=True)
        for line in fitted(f"      {meaning}", min(PROSE, console.width), "      "):
            console.print(Text(line, "dim"), soft_wrap=True)


def commands(console: Console, title: str, typed: Iterable[str]) -> None:
    """Commands that a reader may want next: not broken, as they are copied."""
    heading(console, title)
    for command in typed:
        console.print(Text(f"  {visible(command)}"), soft_wrap=True)


def meanings(console: Console, terms: Mapping[str, str]) -> None:
    """What words mean, a line each."""
    wide = max(map(len, terms), default=0)
    for term, meaning in terms.items():
        for line in fitted(f"  {term:<{wide}}  {meaning}", min(PROSE, console.width), " " * (wide + 2)):
            console.print(Text(line, "dim"), soft_wrap=True)
