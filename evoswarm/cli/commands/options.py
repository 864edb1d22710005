"""What several commands take: their options, and how a space is read before any heavy library is loaded."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from evoswarm.errors import SpaceError, Where
from evoswarm.trust import Trust

if TYPE_CHECKING:
    from evoswarm.space import SearchSpace

RUNS = Path("runs")

SpaceFile = Annotated[Path, typer.Argument(metavar="SPACE", help="A search space: a YAML file.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Replaces a value of the space; may be repeated."),
]
Ledger = Annotated[
    Path | None,
    typer.Option(
        "--ledger", metavar="FILE", help="Where evaluations are kept; else EVOSWARM_LEDGER, else runs/ledger.sqlite."
    ),
]
Ask = Annotated[
    bool, typer.Option("--ask", help="Ask before the test items are opened, with what they can show; at a terminal.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Events for machines, a JSON object per line.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]


def read_space(
    path: Path,
    overrides: list[str] | None,
    seed: int | None,
    trust: Trust,
    first: Callable[[SearchSpace], None] = lambda space: None,
) -> SearchSpace:
    """Read and check a space; no heavy library is loaded yet.

    Args:
        path: of the space.
        overrides: of its values.
        seed: replaces the space's.
        trust: the caller's.
        first: what else the command has to ask of the space, before its members and items are looked at: that may take
            a while where there are many.
    """
    from evoswarm.genomes import check_kind
    from evoswarm.space import SearchSpace, check_files

    if seed is not None and any(one.partition("=")[0].strip() == "seed" for one in overrides or ()):
        raise SpaceError(f"expected one seed, got --seed {seed} and --set seed", Where("--seed"))
    settings = [*(overrides or ()), *([f"seed={seed}"] if seed is not None else [])]
    checked = SearchSpace.from_yaml(path, tuple(settings), trust)
    check_kind(checked)
    first(checked)
    for note in check_files(checked):
        logging.getLogger("evoswarm").info(note)
    return checked


def count(things: Sequence[object], name: str) -> str:
    """Such as ``1 member`` or ``5 members``."""
    return f"{len(things)} {name}" + ("" if len(things) == 1 else "s")


def checking(space: SearchSpace) -> str:
    """What `read_space` does behind its first question, in words."""
    return f"checking the files of {count(space.pool, 'member')} and {count(space.tasks, 'task')}"


class HandingOn(TyperCommand):
    """A command that hands on all that is typed behind its name as its one argument, but for ``--help`` alone."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """See the base class."""
        own = args if args == ["--help"] else []
        super().parse_args(ctx, own)
        ctx.params[self.params[0].name] = list(args)
        return args


class StandingAlone(TyperCommand):
    """A command whose ``--csv`` needs no file: before another option, or at the end, it means standard output."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """See the base class."""
        complete = list[str]()
        for argument, following in zip(args, [*args, "--"][1:], strict=True):
            complete += [argument, "-"] if argument == "--csv" and following.startswith("--") else [argument]
        return super().parse_args(ctx, complete)
