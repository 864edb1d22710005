"""What the command ``certify`` does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evoswarm.certificate.page import page
from evoswarm.certificate.seeds_page import seeds_page
from evoswarm.cli.refused_openings import advising
from evoswarm.cli.showing.output import say
from evoswarm.cli.telling.narrator import Narrator
from evoswarm.decoding.forward.devices import silence_loading
from evoswarm.experiment.certification import certify
from evoswarm.experiment.result import PAGE
from evoswarm.experiment.seeds_certification import certify_seeds
from evoswarm.run_directory import CERTIFICATE
from evoswarm.trust import Trust

_ADVICE = "--force looks again, and the certificate says so"


def run_certify(run: Path, trust: Trust, narrator: Narrator, *, ledger: Path | None, force: bool, ask: bool) -> None:
    """Certify the champion of a run and print the page, or tell of the certificate.

    Raises:
        EvoswarmError: see ``evoswarm.experiment.certification.certify``.
    """
    silence_loading()
    with advising(_ADVICE):
        asked = narrator.asker(ask)
        certificate = certify(run, force=force, trust=trust, ledger=ledger, progress=narrator.progress, ask=asked)
    data = certificate.model_dump(mode="json")
    narrator.result({"certificate": data, "directory": str(run)}, verdict=data["verdict"])
    if narrator.to_people:
        say("\n" + page(certificate))
        say(f"Written: {run / PAGE} and {run / CERTIFICATE}")


def run_certify_seeds(
    runs: Sequence[Path],
    trust: Trust,
    narrator: Narrator,
    *,
    out: Path | None,
    ledger: Path | None,
    force: bool,
    ask: bool,
) -> None:
    """Certify the champions of several seeds together and show the page over seeds.

    Raises:
        EvoswarmError: see ``evoswarm.experiment.seeds_certification.certify_seeds``.
    """
    silence_loading()
    with advising(_ADVICE):
        asked, told = narrator.asker(ask), narrator.progress
        certificate, place = certify_seeds(
            runs, out=out, force=force, trust=trust, ledger=ledger, progress=told, ask=asked
        )
    data = certificate.model_dump(mode="json")
    narrator.result({"certificate": data, "directory": str(place)}, verdict=data["verdict"])
    if narrator.to_people:
        say("\n" + seeds_page(certificate))
        say(f"Written: {place / PAGE} and {place / CERTIFICATE}; each run holds the certificate of its own champion")
