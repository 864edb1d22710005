"""Out into other tools: a policy or a run is written as what those read, and the formats of our files are told."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from evoswarm.cli.commands.options import Quiet
from evoswarm.cli.given.trusting import trusting
from evoswarm.cli.showing.output import show
from evoswarm.errors import SpaceError, Where
from evoswarm.trust import Trust


@trusting
def export(
    trust: Trust,
    source: Annotated[
        Path | None, typer.Argument(metavar="RUN|POLICY", help="A run directory, a bundle or a policy's file.")
    ] = None,
    out: Annotated[
        str | None,
        typer.Argument(metavar="OUT", help="The folder or file to write; of optuna, or an address."),
    ] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="TARGET", help="What to write; see --list.")] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="Explains the targets; with RUN|POLICY, which of them take it.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replaces an export that is there already.")] = False,
    allow_changed: Annotated[
        bool, typer.Option("--allow-changed", help="Goes on where members' files are not those that the policy knew.")
    ] = False,
    register: Annotated[
        str | None, typer.Option("--register", metavar="NAME", help="Of mlflow: registers the model by this name.")
    ] = None,
    student: Annotated[
        str | None,
        typer.Option("--student", metavar="PATH", help="Of distilled: the model to train, or its configuration."),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Of distilled: replaces a value of the student's plan."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Write a policy or a run as what another tool reads; a folder is whole, or not there."""
    if listed:
        from evoswarm.cli.showing.targets_list import print_targets

        if to is not None or out is not None:
            raise SpaceError("expected --list alone or with RUN|POLICY (it writes nothing), got more", Where("--list"))
        print_targets(source)
        return
    if source is None or to is None or out is None:
        lacking = "RUN|POLICY" if source is None else "--to" if to is None else "OUT"
        raise SpaceError("expected RUN|POLICY --to TARGET OUT (--list explains the targets), got none", Where(lacking))
    from evoswarm.cli.telling.narrator import narrator_for

    with narrator_for(f"export {source}", quiet=quiet) as narrator:
        from evoswarm.cli.telling.start import Start
        from evoswarm.export.exporting import checked_source
        from evoswarm.export.exporting import export as write
        from evoswarm.export.target import Options
        from evoswarm.export.targets import target_named

        target = target_named(to)
        options = Options(
            Path(out),
            trust,
            allow_changed,
            narrator.progress,
            register=register,
            student=student,
            storage=out if "://" in out else None,
            overwrite=overwrite,
            overrides=tuple(overrides or ()),
        )
        checked = checked_source(source, target, options)
        narrator.start(Start("export", f"{source} to {target.name}, {options.place}"))
        if target.needs_members:
            narrator.imports()
            from evoswarm.decoding.forward.devices import silence_loading

            silence_loading()
        lines = write(checked, target, options)
        narrator.rest()
    if not quiet:
        for line in lines:
            show(line)


def schema(
    kind: Annotated[str, typer.Argument(metavar="FILE", help="space, policy, certificate or study.")],
) -> None:
    """Print the JSON Schema of a kind of file: editors complete and check by it."""
    from evoswarm.export.schemas import schema_text

    sys.stdout.write(schema_text(kind))


def lm_eval(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="ARGUMENTS", help="As the harness takes them; --model evoswarm where they name none."),
    ] = None,
) -> None:
    """Judge a policy with the lm-evaluation-harness: what stands behind is the harness's own command line.

    It knows one more model: --model_args policy=RUN. Its own help: evoswarm lm-eval run --help.
    """
    from evoswarm.export.lm_eval.command import run_harness

    code = run_harness(arguments or [], lambda text: print(text, file=sys.stderr, flush=True))
    if code:
        raise typer.Exit(code)
