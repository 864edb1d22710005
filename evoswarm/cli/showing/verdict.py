"""The verdict as a search prints it."""

from __future__ import annotations

from rich.console import Console

from evoswarm.certificate.page import summary
from evoswarm.cli.showing.screen import heading, prose
from evoswarm.experiment.ending import Ending


def print_verdict(console: Console, ending: Ending) -> None:
    """The verdict in a few lines, or why there is none."""
    if ending.certificate is not None:
        first, *rest = summary(ending.certificate)
        heading(console, first)
        for line in rest:
            prose(console, f"  {line}", hanging="")
        return
    heading(console, "No verdict")
    if ending.refusal is not None:
        remedy = "" if ending.remedy is None else f" {ending.remedy}"
        said = f"{ending.refusal}.{remedy}"
    elif ending.state.name == "finished":
        opens = f"evoswarm certify {ending.directory}, or several seeds of one space together"
        said = f"The test items were left closed. To open them: {opens}."
    else:
        said = (
            "The champion is chosen, and its certificate is still to come: the search has not ended. The command that "
            "began it goes on."
        )
    prose(console, f"  {said}", hanging="")
