"""A search that has not chosen its champion yet: how far it is, what is best so far, and how to go on."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from evoswarm.cli.showing.screen import commands, heading, prose
from evoswarm.cli.telling.live.glyphs import glyphs_for
from evoswarm.cli.telling.live.islands import island_lines
from evoswarm.cli.telling.live.line import painted
from evoswarm.errors import RunError, Where
from evoswarm.evolution.report import IslandReport
from evoswarm.experiment.files.run_state import RunState
from evoswarm.experiment.front import FrontFigures
from evoswarm.experiment.wording import front_words, quantity
from evoswarm.report.run_files import RunFiles
from evoswarm.run_directory import INDIVIDUALS, JOURNAL, SPACE

_SHOWN = 5  # individuals

_STATES = {
    "at work": "It is at work now.",
    "interrupted": "It was interrupted by Ctrl-C.",
    "gave up": "It gave up: nothing could be evaluated.",
    "unfinished": "It ended before its time.",
}


def best_so_far(run: RunFiles) -> list[dict[str, Any]]:
    """The rows of the most accurate individuals, of equals the cheaper.

    Raises:
        RunError: a line is damaged.
    """
    able = [row for row in run.individuals if isinstance(row.get("accuracy"), int | float)]
    try:
        distinct: dict[str, dict[str, Any]] = {}
        for row in sorted(able, key=lambda row: (-row["accuracy"], row["cost"]["flops"])):
            distinct.setdefault(str(row["key"]), row)
    except (KeyError, TypeError) as error:
        message = f"expected individuals as a search writes them, got others: {error!r:.80}"
        raise RunError(message, Where(str(run.path / INDIVIDUALS))) from None
    return list(distinct.values())[:_SHOWN]


def print_unfinished(console: Console, run: RunFiles, state: RunState) -> None:
    """What is known of the search so far.

    Raises:
        RunError: a file is damaged.
    """
    heading(console, "Unfinished")
    of = "" if state.of is None else f" of {state.of}"
    far = f"generation {state.generations}{of} is done, {state.recipes:,} individuals were scored"
    prose(console, f"  {far if state.generations else 'No generation is done'}. {_STATES.get(state.name, '')}".rstrip())
    rows = best_so_far(run)
    if rows:
        console.print(_table(rows))
        prose(console, "On the search items, by which recipes are bred: on others they score less. FLOPs are per item.")
    try:
        _print_islands(console, run.generations)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        message = f"expected figures as a search journals them, got others: {error!r:.80}"
        raise RunError(message, Where(str(run.path / JOURNAL))) from None
    if state.name != "at work":
        commands(console, "To go on, the command that began it, or", [_again(run.path)])


def _again(run: Path) -> str:
    """A command that goes on wherever the space was: the run has it whole."""
    place = shlex.quote(str(run))
    return f"evoswarm search {shlex.quote(str(run / SPACE))} --out {place}"


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title="The best so far", title_justify="left")
    table.add_column("individual", overflow="fold")
    for name in ("accuracy", "FLOPs", "generation", "island"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        place = (str(row["generation"] + 1), str(row["island"] + 1))
        table.add_row(str(row["id"]), f"{row['accuracy']:.3f}", quantity(row["cost"]["flops"]), *place)
    return table


def _print_islands(console: Console, generations: Sequence[Mapping[str, Any]]) -> None:
    """The islands side by side, and the front, as the journal has them."""
    if not generations:
        return
    last, bests = generations[-1], dict[int, list[float]]()
    for figures in generations:
        for row in figures["islands"]:
            bests.setdefault(int(row["island"]), []).extend(list(row["best"].values())[:1])
    islands = [
        IslandReport(
            generation=last["generation"],
            island=int(row["island"]),
            evaluated=0,
            failures=0,
            population=0,
            best=tuple(row["best"].values()),
            median=tuple(row["median"].values()),
            stagnant=int(row["stagnant"]),
            reseeded=bool(row["reseeded"]),
        )
        for row in last["islands"]
    ]
    objective = next((name for row in last["islands"] for name in row["best"]), "accuracy")
    glyphs = glyphs_for(console.encoding)
    for line in island_lines(islands, objective, bests, min(console.width, 80), glyphs):
        prose(console, painted(line, console.width, styled=False).rstrip())
    front = last.get("front")
    if front is not None:
        ends = tuple(tuple(end.values()) for end in front["ends"])
        told = FrontFigures(tuple(front["objectives"]), front["size"], front["hypervolume"], ends)
        prose(console, f"  {', '.join(front_words(told))}")
