"""Looking at a search: its run as one page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from evoswarm.cli.commands.options import Quiet
from evoswarm.cli.given.named_files import Overwrite


def report(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="A run directory; several of one space stand side by side.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to; into the run directory by default.")
    ] = None,
    opened: Annotated[bool, typer.Option("--open", help="Opens it in your browser.")] = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Write a search as one page that any browser opens, without network or server. No model is loaded."""
    from evoswarm.cli.telling.narrator import narrator_for

    named = " ".join(map(str, runs))
    with narrator_for(f"report {named}", quiet=quiet, briefly=not sys.stderr.isatty()) as narrator:
        from evoswarm.cli.report_command import run_report

        run_report(runs, narrator, out=out, opened=opened, overwrite=overwrite)
