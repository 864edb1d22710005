"""The verdict as a search prints it."""

from __future__ import annotations

from rich.console import Console

from evoswarm.certificate.page import summary
from evoswarm.cli.showing.screen import heading, prose
from evoswarm.experiment.result import SearchResult


def print_verdict(console: Console, result: SearchResult) -> None:
    """The verdict in a few lines, or why there is none."""
    if result.certificate is not None:
        first, *rest = summary(result.certificate)
        heading(console, first)
        for line in rest:
            prose(console, f"  {line}", hanging="")
    elif result.refusal is not None:
        heading(console, "No verdict")
        remedy = "" if result.remedy is None else f" {result.remedy}"
        prose(console, f"  {result.refusal}.{remedy}", hanging="")
