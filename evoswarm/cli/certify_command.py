"""What the command ``certify`` does."""

from __future__ import annotations

from pathlib import Path

from evoswarm.certificate.page import page
from evoswarm.cli.asking import asker
from evoswarm.cli.narrator import Narrator
from evoswarm.cli.output import say
from evoswarm.decoding.forward.devices import silence_loading
from evoswarm.errors import RunError
from evoswarm.evaluation.openings.book import OpenedBefore
from evoswarm.experiment.certification import certify
from evoswarm.experiment.progress import SILENT
from evoswarm.experiment.result import PAGE
from evoswarm.run_directory import CERTIFICATE
from evoswarm.trust import Trust


def run_certify(
    run: Path, trust: Trust, *, ledger: Path | None, force: bool, ask: bool, as_json: bool, quiet: bool
) -> None:
    """Certify the champion of a run and print the page, or the certificate as JSON.

    Raises:
        EvoswarmError: see ``evoswarm.experiment.certification.certify``.
    """
    silence_loading()
    try:
        with Narrator() as narrator:
            progress = SILENT if quiet or as_json else narrator.progress
            certificate = certify(run, force=force, trust=trust, ledger=ledger, progress=progress, ask=asker(ask))
    except OpenedBefore as refusal:
        raise RunError(f"{refusal.message}; --force looks again, and the certificate says so", refusal.where) from None
    if as_json:
        say(certificate.to_json().removesuffix("\n"))
    elif not quiet:
        say("\n" + page(certificate))
        say(f"Written: {run / PAGE} and {run / CERTIFICATE}")
