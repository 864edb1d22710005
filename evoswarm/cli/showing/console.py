"""What a person sees at the end of a search, and later when its run is shown again."""

from __future__ import annotations

import shlex
from pathlib import Path

from rich.console import Console

from evoswarm.cli.showing.choice import words_of_choice
from evoswarm.cli.showing.figures_table import Row, print_figures
from evoswarm.cli.showing.screen import commands, files, prose
from evoswarm.cli.showing.verdict import print_verdict
from evoswarm.errors import RunError, Where
from evoswarm.experiment.ending import Ending, ending_of
from evoswarm.experiment.result import FRONT, PLAIN, SearchResult, written_files
from evoswarm.experiment.wording import ended_because
from evoswarm.report.run_files import RunFiles
from evoswarm.run_directory import REPORT

_LONGEST_EXAMPLE = 120


def print_result(console: Console, result: SearchResult) -> None:
    """The end for people.

    Raises:
        RunError: what the search wrote is not there any more.
    """
    ending = ending_of(RunFiles(result.directory))
    if ending is None:
        raise RunError(f"expected the {FRONT} that was just written, got none", Where(str(result.directory)))
    print_ending(console, ending, result.ledger, result.tracking_uri)


def print_ending(console: Console, ending: Ending, ledger: Path, tracking_uri: str | None) -> None:
    """What a search came to.

    Args:
        console: to print on.
        ending: of the search.
        ledger: the file of all evaluations.
        tracking_uri: MLflow's store, if it has heard of the search.
    """
    _print_champion(console, ending)
    _print_tables(console, ending)
    for sentence in words_of_choice(ending.selection):
        prose(console, sentence)
    for warning in ending.warnings:
        prose(console, f"Warning: {warning}")
    print_verdict(console, ending)
    state = ending.state
    if state.reason is not None:
        prose(console, ended_because(state.reason, state.limit, state.generations))
    written: dict[str | Path, str] = dict(written_files(ending.directory, ledger))
    if tracking_uri is not None:
        written[tracking_uri] = "MLflow's history of all searches"
    files(console, written)
    _print_use(console, ending)


def _print_use(console: Console, ending: Ending) -> None:
    run, (question, task) = shlex.quote(str(ending.directory)), ending.example
    short = len(question) <= _LONGEST_EXAMPLE and question.isprintable()
    asked = f"evoswarm generate {run} {shlex.quote(question if short else 'YOUR QUESTION')}"
    asked += "" if task is None else f" --task {shlex.quote(task)}"
    look = [f"evoswarm report {run} --open"] if (ending.directory / REPORT).exists() else []
    commands(console, "Use it", [asked, *look])


def _print_tables(console: Console, ending: Ending) -> None:
    selection = ending.selection
    champion = selection.champion
    named = [(f"champion ({champion.name})", champion)]
    others = [one for one in selection.contenders if one.key == PLAIN or one.policy.digest in selection.made]
    named += [(one.name, one) for one in others]
    rows = [Row(name, one.summary, selection.expected(one)) for name, one in named]
    print_figures(console, f"On the selection split ({champion.summary.items} items)", rows)
    axes = " and ".join(selection.objectives)
    note = f"Nobody tested is better than one of these in {axes} together: at least as good in all, better in one."
    front = [Row(one.name, one.summary) for one in selection.front]
    print_figures(console, f"Pareto front by {axes}", front, explained=True, note=note)


def _print_champion(console: Console, ending: Ending) -> None:
    champion = ending.selection.champion
    summary = champion.summary
    console.print(f"\n[bold]Champion[/bold] [dim]{champion.policy.digest[:12]}[/dim]")
    words = champion.policy.words(summary.spoken)
    for line in words:
        prose(console, f"  {line}")
    shares = " Shares of steps are of its answers to them." if any("% of steps" in line for line in words) else ""
    accuracy = f"it has an accuracy of {champion.accuracy:.3f}"
    prose(console, f"  On the {summary.items:,} selection items {accuracy}.{shares}\n")
