"""What the command ``certify`` does, and the verdict as a search prints it."""

from __future__ import annotations

import textwrap
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from evoswarm.certificate.page import page, summary
from evoswarm.cli.output import say
from evoswarm.decoding.forward.devices import silence_loading
from evoswarm.errors import RunError
from evoswarm.evaluation.ledger import OpenedBefore
from evoswarm.experiment.certification import certify
from evoswarm.experiment.progress import Progress
from evoswarm.experiment.result import CERTIFICATE, PAGE, SearchResult
from evoswarm.trust import Trust

_WIDTH = 120


def run_certify(run: Path, trust: Trust, *, ledger: Path | None, force: bool, as_json: bool, quiet: bool) -> None:
    """Certify the champion of a run and print the page, or the certificate as JSON.

    Raises:
        EvoswarmError: see ``evoswarm.experiment.certification.certify``.
    """
    silence_loading()

    def tell(text: str) -> None:
        if not quiet and not as_json:
            say(f"{text} ...")

    try:
        certificate = certify(run, force=force, trust=trust, ledger=ledger, progress=Progress(tell))
    except OpenedBefore as refusal:
        raise RunError(f"{refusal.message}; --force looks again, and the certificate says so", refusal.where) from None
    if as_json:
        say(certificate.to_json().removesuffix("\n"))
    elif not quiet:
        say("\n" + page(certificate))
        say(f"Written: {run / PAGE} and {run / CERTIFICATE}")


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
