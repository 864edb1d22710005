"""What the commands ``search`` and ``evaluate`` do, and what they print."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from evoswarm.cli.console import figures_table, generation_json, print_result, result_json
from evoswarm.cli.narrator import Narrator
from evoswarm.cli.output import mute, say
from evoswarm.decoding.forward.devices import silence_loading
from evoswarm.experiment import mirror
from evoswarm.experiment.progress import SILENT, Progress
from evoswarm.experiment.result import summary_dict
from evoswarm.experiment.session import search
from evoswarm.experiment.spoilt import Spoilt, warnings_of
from evoswarm.experiment.workbench import SplitResult, evaluate
from evoswarm.tracking import Tracker

if TYPE_CHECKING:
    from evoswarm.space import SearchSpace
    from evoswarm.tasks.task import SplitName

_FILE_WIDTH = 160


def run_search(
    space: SearchSpace,
    *,
    out: Path | None,
    runs: Path,
    ledger: Path | None,
    quiet: bool,
    as_json: bool,
    certify: bool,
) -> None:
    """Search, showing progress: for people by default, for machines with ``as_json``, not at all with ``quiet``.

    Raises:
        EvoswarmError: see ``evoswarm.experiment.search``.
    """

    silence_loading()
    with Narrator() as narrator:
        progress = SILENT if quiet else narrator.progress
        if as_json:
            progress = Progress(generation=lambda figures: say(generation_json(figures)))
        result = search(space, out=out, runs=runs, ledger=ledger, progress=progress, certify=certify)
    if as_json:
        say(result_json(result))
    elif not quiet:
        print_result(make_console(), result)


def run_evaluate(
    recipe: Path, space: SearchSpace, split: SplitName, *, runs: Path, ledger: Path | None, as_json: bool
) -> None:
    """Evaluate a recipe on a split and print the figures.

    Raises:
        EvoswarmError: see ``evoswarm.experiment.workbench.evaluate``.
    """
    silence_loading()
    result = evaluate(recipe, space, split, runs=runs, ledger=ledger)
    if result.opening is not None:
        _mirror_opening(result, runs)
    if as_json:
        print(json.dumps(_as_dict(result), ensure_ascii=False))
        return
    for line in result.policy.words(result.summary.cost.spoken):
        print(line)
    console = make_console()
    title = f"{split} split, {result.summary.items} items"
    console.print(figures_table(title, [(recipe.name, result.summary)], console.width))
    for warning in warnings_of("the recipe", {split: Spoilt.of(result.summary)}):
        print(f"Warning: {warning}")
    if result.opening is not None:
        print(opening_words(result))


class _Console(Console):
    """A console that goes quiet where nobody reads on."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        mute()


def make_console() -> Console:
    """As wide as the terminal; wide enough for every column where the output goes to a file or a pipe."""
    return _Console(width=None if sys.stdout.isatty() else _FILE_WIDTH)


def opening_words(result: SplitResult) -> str:
    """What the record of openings says."""
    opening = result.opening
    if opening is None:
        return ""
    again = "" if opening.first else " This recipe had opened them before: it is the same opening."
    if not opening.others:
        return f"The test items were opened for this recipe; no other recipe opened them before.{again}"
    others = "1 other recipe" if opening.others == 1 else f"{opening.others} other recipes"
    return (
        f"The test items were opened for this recipe; {others} opened them before, so they are no longer unseen.{again}"
    )


def _mirror_opening(result: SplitResult, runs: Path) -> None:
    """The ledger holds the truth; MLflow shows it."""
    opening, summary = result.opening, result.summary
    if opening is None:
        return
    tracker = Tracker.of(result.asked, runs)
    metrics = {"flops": summary.cost.flops, "open_share": summary.open_share, "items": summary.items}
    if summary.accuracy is not None:
        metrics["test_accuracy"] = summary.accuracy
    tracker.opening(*mirror.opening(result.asked, result.policy.digest, opening), metrics)
    tracker.close()


def _as_dict(result: SplitResult) -> dict[str, object]:
    opening = result.opening
    return {
        "recipe": result.policy.digest,
        "split": result.split,
        **summary_dict(result.summary),
        "opening": None if opening is None else {"first": opening.first, "others": opening.others},
    }
