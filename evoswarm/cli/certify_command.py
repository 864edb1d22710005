"""What the command ``certify`` does."""

from __future__ import annotations

from pathlib import Path

from evoswarm.certificate.page import page
from evoswarm.cli.narrator import Narrator
from evoswarm.cli.output import say
from evoswarm.decoding.forward.devices import silence_loading
from evoswarm.errors import RunError
from evoswarm.evaluation.openings.book import OpenedBefore
from evoswarm.experiment.certification import certify
from evoswarm.experiment.result import PAGE
from evoswarm.run_directory import CERTIFICATE
from evoswarm.trust import Trust


def run_certify(run: Path, trust: Trust, narrator: Narrator, *, ledger: Path | None, force: bool, ask: bool) -> None:
    """Certify the champion of a run and print the page, or tell of the certificate.

    Raises:
        EvoswarmError: see ``evoswarm.experiment.certification.certify``.
    """
    silence_loading()
    try:
        asked = narrator.asker(ask)
        certificate = certify(run, force=force, trust=trust, ledger=ledger, progress=narrator.progress, ask=asked)
    except OpenedBefore as refusal:
        raise RunError(f"{refusal.message}; --force looks again, and the certificate says so", refusal.where) from None
    data = certificate.model_dump(mode="json")
    narrator.result({"certificate": data, "directory": str(run)}, verdict=data["verdict"])
    if narrator.to_people:
        say("\n" + page(certificate))
        say(f"Written: {run / PAGE} and {run / CERTIFICATE}")
