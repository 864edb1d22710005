"""What a person sees: a line per generation, and the end of a search."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from evoswarm.cli.verdict import print_verdict
from evoswarm.evaluation.evaluation import Summary
from evoswarm.evaluation.failures import FailedItems
from evoswarm.evaluation.failures import in_words as in_words_of_failures
from evoswarm.experiment.figures import GenerationFigures
from evoswarm.experiment.result import PLAIN, SearchResult
from evoswarm.experiment.wording import by_part, duration, ended_because, quantity

_LONGEST_EXAMPLE = 120
_MOST_KINDS = 3  # of failures on a line
_COMMON_WIDTH = 80  # of the columns besides the tasks'


def generation_line(figures: GenerationFigures) -> str:
    """One generation on one line: best per island, speed, prefix reuse, time left."""
    bests = " ".join(f"{report.best[0]:.3f}" if report.best else "  -  " for report in figures.islands)
    speed = "replayed" if figures.replayed else f"{quantity(figures.evaluations_per_second)} evaluations/s"
    reuse = "" if figures.prefix_reuse is None else f", prefix reuse {figures.prefix_reuse:.1%}"
    left = "" if not figures.seconds_left else f", {duration(figures.seconds_left)} left"
    left += f" ({by_part(figures.left_by_part)})" if left and figures.left_by_part else ""
    line = f"generation {figures.generation + 1}/{figures.generations}: best per island {bests} | {speed}{reuse}{left}"
    spoilt = [_failed(figures.failed)] if figures.failed else []
    spoilt += [f"{figures.cut_off:,} answers cut off"] if figures.cut_off else []
    return " | ".join([line, *spoilt])


def _failed(failed: Sequence[FailedItems]) -> str:
    """So many failed items, and the commonest kinds."""
    more = ", ..." if len(failed) > _MOST_KINDS else ""
    return f"{sum(one.items for one in failed):,} failed: {in_words_of_failures(failed[:_MOST_KINDS])}{more}"


def print_result(console: Console, result: SearchResult) -> None:
    """The end for people."""
    selection = result.selection
    champion, width = selection.champion, console.width
    _print_champion(console, result)
    rivals = [one for one in selection.contenders if one.key == PLAIN]
    rows = [(f"champion ({champion.name})", champion.summary)]
    rows += [(s.name, s.summary) for s in rivals]
    console.print(figures_table(f"On the selection split ({champion.summary.items} items)", rows, width))
    axes = " and ".join(selection.objectives)
    console.print(figures_table(f"Pareto front by {axes}", [(s.name, s.summary) for s in selection.front], width))
    if selection.winner.policy.digest != champion.policy.digest:
        console.print(f"Dropped without a loss that counts: {escape(', '.join(selection.dropped))}.")
    if selection.best.policy.digest != selection.winner.policy.digest:
        gap = selection.best.accuracy - selection.winner.accuracy
        console.print(
            f"The most accurate finalist, {escape(selection.best.name)} ({selection.best.accuracy:.3f}), is ahead by "
            f"{gap:.3f}, within one standard error ({selection.standard_error:.3f}), and takes "
            f"{selection.best.flops / selection.winner.flops:.2f} times the FLOPs: the cheaper one was chosen."
        )
    for warning in result.warnings:
        console.print(f"[bold]Warning:[/bold] {escape(warning)}", soft_wrap=True)
    print_verdict(console, result)
    console.print(escape(ended_because(result.reason, result.limit, result.generations)))
    console.print("\n[bold]Written[/bold]")
    for path, meaning in result.written():
        console.print(f"  {escape(str(path))}  [dim]{escape(meaning)}[/dim]", soft_wrap=True)
    if result.tracking_uri is not None:
        console.print(f"  {escape(result.tracking_uri)}  [dim]MLflow's history of all searches[/dim]", soft_wrap=True)
    console.print("\n[bold]Use it[/bold]")
    prompt = result.example_prompt if len(result.example_prompt) <= _LONGEST_EXAMPLE else "YOUR QUESTION"
    command = f"evoswarm generate {shlex.quote(str(result.directory))} {shlex.quote(prompt)}"
    console.print(f"  {escape(command)}", soft_wrap=True, highlight=False)


def figures_table(title: str, rows: Sequence[tuple[str, Summary]], width: int) -> Table:
    """Accuracy (per task, if there is room) and deployed-alone cost of recipes, side by side.

    Args:
        title: of the table.
        rows: names and figures.
        width: of the console, characters.
    """
    tasks = list(dict.fromkeys(task for _, summary in rows for task in summary.by_task))
    if len(tasks) < 2 or _COMMON_WIDTH + sum(max(len(task), 5) + 3 for task in tasks) > width:
        tasks = []
    table = Table(title=title, title_justify="left")
    table.add_column("recipe", overflow="fold")
    table.add_column("accuracy", justify="right")
    for task in tasks:
        table.add_column(task, justify="right")
    cells = {
        "failed": [f"{summary.failures:,}" for _, summary in rows if any(s.failures for _, s in rows)],
        "at limit": [_at_limit(summary) for _, summary in rows if any(s.at_limit for _, s in rows)],
    }
    spoilt = {title: column for title, column in cells.items() if column}
    for column in (*spoilt, "FLOPs", "weight reads", "passes", "open"):
        table.add_column(column, justify="right")
    for number, (name, summary) in enumerate(rows):
        cost = summary.cost
        if summary.failure is not None:
            table.add_row(escape(name), escape(f"failed: {summary.failed[0].words}"))
            continue
        scores = [f"{summary.by_task[task]:.3f}" for task in tasks]
        table.add_row(
            escape(name),
            f"{summary.accuracy:.3f}",
            *scores,
            *(column[number] for column in spoilt.values()),
            quantity(cost.flops),
            f"{quantity(cost.weight_reads)}B",
            f"{cost.passes:.1f}",
            f"{summary.open_share:.0%}",
        )
    return table


def _at_limit(summary: Summary) -> str:
    """How many answers reached their limit of bytes, and how many of them before they could be read."""
    return f"{summary.at_limit:,}" + (f" ({summary.cut_off:,} cut off)" if summary.cut_off else "")


def _print_champion(console: Console, result: SearchResult) -> None:
    champion = result.selection.champion
    summary = champion.summary
    console.print(f"\n[bold]Champion[/bold] [dim]{champion.policy.digest[:12]}[/dim]")
    words = champion.policy.words(summary.spoken)
    for line in words:
        console.print(f"  {escape(line)}", soft_wrap=True)
    shares = " Shares of steps are of its answers to them." if any("% of steps" in line for line in words) else ""
    console.print(
        f"  On the {summary.items:,} selection items it has an accuracy of {champion.accuracy:.3f}.{shares}\n",
        soft_wrap=True,
    )
