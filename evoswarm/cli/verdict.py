"""The verdict as a search prints it."""

from __future__ import annotations

import textwrap

from rich.console import Console
from rich.markup import escape

from evoswarm.certificate.page import summary
from evoswarm.experiment.result import SearchResult

_WIDTH = 120


def print_verdict(console: Console, result: SearchResult) -> None:
    """The verdict in a few lines, or why there is none."""
    if result.certificate is not None:
        first, *rest = summary(result.certificate)
        console.print(f"\n[bold]{escape(first)}[/bold]")
        for line in rest:
            for part in textwrap.wrap(line, min(_WIDTH, console.width) - 2, break_on_hyphens=False):
                console.print(f"  {escape(part)}", soft_wrap=True, highlight=False)
    elif result.refusal is not None:
        console.print(
            f"\n[bold]No verdict:[/bold] {escape(result.refusal)}. To look again all the same: "
            f"evoswarm certify {escape(str(result.directory))} --force",
            soft_wrap=True,
            highlight=False,
        )
