"""The commands, in the order in which ``--help`` lists them. Heavy libraries are imported by those that need them."""

from __future__ import annotations

from typing import Annotated

import typer
from typer.core import TyperCommand

from evoswarm import __version__
from evoswarm.cli.commands.answering import answers, evaluate, generate
from evoswarm.cli.commands.exporting import export, lm_eval, schema
from evoswarm.cli.commands.machine import doctor, zoo_list
from evoswarm.cli.commands.options import HandingOn, StandingAlone
from evoswarm.cli.commands.recalling import runs, show
from evoswarm.cli.commands.reporting import report
from evoswarm.cli.commands.searching import certify, check, plan, search
from evoswarm.cli.commands.serving import serve
from evoswarm.cli.commands.studying import compare, study, two_by_two
from evoswarm.cli.given.paths import with_paths

app = typer.Typer(
    name="evoswarm",
    help="Evolves mixtures of language models: who speaks when, with what weight, by which rule.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
zoo_app = typer.Typer(help="The built-in pool of tiny members.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(zoo_app, name="zoo")


@app.callback(invoke_without_command=True)
def _options(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        print(__version__)
        raise typer.Exit


COMMANDS = (
    *(search, certify, show, report, runs, plan, check, generate, answers, evaluate, study, compare, two_by_two),
    *(export, serve, lm_eval, schema, doctor),
)
KINDS: dict[object, type[TyperCommand]] = {answers: StandingAlone, lm_eval: HandingOn}
for command in COMMANDS:
    app.command(name=command.__name__.replace("_", "-"), cls=KINDS.get(command))(with_paths(command))
zoo_app.command(name="list")(zoo_list)
