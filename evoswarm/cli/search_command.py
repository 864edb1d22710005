"""What the commands ``search`` and ``evaluate`` do, and what they print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from evoswarm.cli.given.asking import at_terminal
from evoswarm.cli.refused_openings import saying_how
from evoswarm.cli.showing.console import print_result
from evoswarm.cli.showing.figures_table import Row, print_figures
from evoswarm.cli.showing.screen import make_console, prose
from evoswarm.cli.telling.narrator import Narrator
from evoswarm.decoding.forward.devices import silence_loading
from evoswarm.evaluation.openings.book import Seen
from evoswarm.experiment.evaluating import SplitResult, evaluate
from evoswarm.experiment.openings.guard import Consent
from evoswarm.experiment.result import summary_dict
from evoswarm.experiment.session import search
from evoswarm.experiment.spoilt import Spoilt, warnings_of

if TYPE_CHECKING:
    from evoswarm.space import SearchSpace
    from evoswarm.tasks.task import SplitName


def run_search(
    space: SearchSpace,
    narrator: Narrator,
    *,
    out: Path | None,
    runs: Path,
    ledger: Path | None,
    certify: bool,
    ask: bool,
) -> None:
    """Search, telling how it goes on, and show the result.

    Raises:
        EvoswarmError: see ``evoswarm.experiment.search``.
    """
    silence_loading()
    told, asked = narrator.progress, narrator.asker(ask)
    result = search(space, out=out, runs=runs, ledger=ledger, progress=told, certify=certify, ask=asked)
    data = result.as_dict()
    narrator.result(data, verdict=data["verdict"], refusal=result.refusal)
    if narrator.to_people:
        print_result(make_console(), result)


def run_evaluate(
    recipe: Path,
    space: SearchSpace,
    split: SplitName,
    narrator: Narrator,
    *,
    runs: Path,
    ledger: Path | None,
    open_test: bool = False,
    force: bool = False,
) -> None:
    """Evaluate a recipe on a split and show the figures.

    At a terminal whoever sits there is asked before the test split is opened.

    Raises:
        EvoswarmError: see ``evoswarm.experiment.evaluating.evaluate``.
    """
    silence_loading()

    def asked(cost: str) -> bool:
        return narrator.ask(f"{cost}. Open them?")

    told = narrator.progress
    word: Consent = asked if at_terminal() and not open_test else open_test
    with saying_how():
        result = evaluate(recipe, space, split, runs=runs, ledger=ledger, open_test=word, force=force, progress=told)
    narrator.result(_as_dict(result))
    if not narrator.to_people:
        return
    console = make_console()
    for line in result.policy.words(result.summary.spoken):
        prose(console, line)
    title = f"On the {split} split ({result.summary.items} items)"
    print_figures(console, title, [Row(recipe.name, result.summary)])
    for warning in warnings_of("the recipe", {split: Spoilt.of(result.summary)}):
        prose(console, f"Warning: {warning}")
    if result.opening is not None:
        prose(console, opening_words(result.opening))


def opening_words(seen: Seen) -> str:
    """What the record of openings says of the test items, now that they are open."""
    again = " This recipe had opened them before: it is the same opening." if seen.again else ""
    if not seen.others:
        return f"The test items were opened for this recipe; no other recipe opened them before.{again}"
    others = "1 other recipe" if seen.others == 1 else f"{seen.others} other recipes"
    return (
        f"The test items were opened for this recipe; {others} had opened {seen.opened:,} of them before, so these are "
        f"no longer unseen.{again}"
    )


def _as_dict(result: SplitResult) -> dict[str, object]:
    opening = result.opening
    return {
        "recipe": result.policy.digest,
        "split": result.split,
        **summary_dict(result.summary),
        "opening": None if opening is None else _opening_dict(opening),
    }


def _opening_dict(seen: Seen) -> dict[str, object]:
    return {"first": not seen.again, "others": seen.others, "opened_before": seen.opened}
