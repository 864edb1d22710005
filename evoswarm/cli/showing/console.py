"""What a person sees: a line per generation, and the end of a search."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from evoswarm.cli.showing.choice import words_of_choice
from evoswarm.cli.showing.figures_table import Row, print_figures
from evoswarm.cli.showing.screen import files, heading, prose
from evoswarm.cli.showing.verdict import print_verdict
from evoswarm.evaluation.failures import FailedItems
from evoswarm.evaluation.failures import in_words as in_words_of_failures
from evoswarm.experiment.figures import GenerationFigures
from evoswarm.experiment.result import FRONT, PLAIN, SearchResult
from evoswarm.experiment.wording import by_part, duration, ended_because, front_words, quantity
from evoswarm.run_directory import REPORT

_LONGEST_EXAMPLE = 120
_MOST_KINDS = 3  # of failures on a line


def generation_line(figures: GenerationFigures, *, ahead: bool = True) -> str:
    """One generation on one line: best per island, front, speed, prefix reuse, time left.

    Args:
        figures: of the generation.
        ahead: whether to say what time is left.
    """
    bests = " ".join(f"{report.best[0]:.3f}" if report.best else "  -  " for report in figures.islands)
    speed = "replayed" if figures.replayed else f"{quantity(figures.evaluations_per_second)} evaluations/s"
    reuse = "" if figures.prefix_reuse is None else f", prefix reuse {figures.prefix_reuse:.1%}"
    known = figures.seconds_left or sum(figures.left_by_part.values())
    more = "more than " if figures.seconds_left is None else ""  # where a part that comes is not known
    left = f", {more}{duration(known)} left" if known else ""
    left += f" ({by_part(figures.left_by_part)})" if left and figures.left_by_part else ""
    front = "" if figures.front is None else f" | {', '.join(front_words(figures.front))}"
    name = f"generation {figures.generation + 1}/{figures.generations}"
    line = f"{name}: best per island {bests}{front} | {speed}{reuse}{left if ahead else ''}"
    spoilt = [_failed(figures.failed)] if figures.failed else []
    spoilt += [f"{figures.cut_off:,} answers cut off"] if figures.cut_off else []
    return " | ".join([line, *spoilt])


def _failed(failed: Sequence[FailedItems]) -> str:
    """So many failed items, and the commonest kinds."""
    more = ", ..." if len(failed) > _MOST_KINDS else ""
    return f"{sum(one.items for one in failed):,} failed: {in_words_of_failures(failed[:_MOST_KINDS])}{more}"


def print_result(console: Console, result: SearchResult) -> None:
    """The end for people."""
    _print_champion(console, result)
    _print_tables(console, result)
    for sentence in words_of_choice(result.selection):
        prose(console, sentence)
    for warning in result.warnings:
        prose(console, f"Warning: {warning}")
    print_verdict(console, result)
    prose(console, ended_because(result.reason, result.limit, result.generations))
    written: dict[str | Path, str] = dict(result.written())
    if result.tracking_uri is not None:
        written[result.tracking_uri] = "MLflow's history of all searches"
    files(console, written)
    heading(console, "Use it")
    question, task = result.example
    prompt = question if len(question) <= _LONGEST_EXAMPLE else "YOUR QUESTION"
    command = f"evoswarm generate {shlex.quote(str(result.directory))} {shlex.quote(prompt)}"
    command += "" if task is None else f" --task {shlex.quote(task)}"
    console.print(Text(f"  {command}"), soft_wrap=True)
    if (result.directory / REPORT).exists():
        look = f"evoswarm report {shlex.quote(str(result.directory))} --open"
        console.print(Text(f"  {look}"), soft_wrap=True)


def _print_tables(console: Console, result: SearchResult) -> None:
    selection, elsewhere = result.selection, f"{result.directory / FRONT} has them"
    champion = selection.champion
    named = [(f"champion ({champion.name})", champion)]
    others = [one for one in selection.contenders if one.key == PLAIN or one.policy.digest in selection.made]
    named += [(one.name, one) for one in others]
    rows = [Row(name, one.summary, selection.expected(one)) for name, one in named]
    print_figures(console, f"On the selection split ({champion.summary.items} items)", rows, elsewhere=elsewhere)
    axes = " and ".join(selection.objectives)
    note = f"Nobody tested is better than one of these in {axes} together: at least as good in all, better in one."
    front = [Row(one.name, one.summary) for one in selection.front]
    print_figures(console, f"Pareto front by {axes}", front, elsewhere=elsewhere, explained=True, note=note)


def _print_champion(console: Console, result: SearchResult) -> None:
    champion = result.selection.champion
    summary = champion.summary
    console.print(f"\n[bold]Champion[/bold] [dim]{champion.policy.digest[:12]}[/dim]")
    words = champion.policy.words(summary.spoken)
    for line in words:
        prose(console, f"  {line}")
    shares = " Shares of steps are of its answers to them." if any("% of steps" in line for line in words) else ""
    accuracy = f"it has an accuracy of {champion.accuracy:.3f}"
    prose(console, f"  On the {summary.items:,} selection items {accuracy}.{shares}\n")
