"""What there is on this machine: the zoo, libraries, devices."""

from __future__ import annotations

import typer

from evoswarm.cli.commands.options import RUNS
from evoswarm.cli.showing.output import show


def zoo_list() -> None:
    """List the members of the built-in pool with what they can do."""
    from evoswarm.cli.showing.zoo_table import print_zoo

    print_zoo()


def doctor() -> None:
    """Show versions, devices and memory, what is missing and how to get it."""
    from evoswarm.cli.doctor import examine

    findings = examine(RUNS)
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        mark = "!" if finding.serious else "-" if finding.advice else " "
        advice = f"  -> {finding.advice}" if finding.advice else ""
        show(f"{mark} {finding.name:<{width}}  {finding.value}{advice}", " " * (width + 4))
    if any(finding.serious for finding in findings):
        raise typer.Exit(1)
