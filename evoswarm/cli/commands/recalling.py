"""What was found before, and where it lies: read from files, no model is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evoswarm.cli.commands.options import RUNS, AsJson


def show(
    path: Annotated[Path, typer.Argument(metavar="RUN|POLICY", help="A run directory, a policy's file, or a bundle.")],
    as_json: AsJson = False,
) -> None:
    """Show a run as its search told of it in the end, or how far it is; or what a policy does, in words."""
    from evoswarm.cli.telling.narrator import narrator_for

    with narrator_for(f"show {path}", as_json=as_json) as narrator:
        from evoswarm.cli.show_command import run_show

        run_show(path, narrator)


def runs(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where runs are kept; runs by default.")] = RUNS,
    as_json: AsJson = False,
) -> None:
    """List the runs of a directory, the latest first: how far each is, what its champion scores, and its verdict."""
    from evoswarm.cli.telling.narrator import narrator_for

    with narrator_for(f"runs {directory}", as_json=as_json) as narrator:
        from evoswarm.cli.runs_command import run_runs

        run_runs(directory, narrator)
