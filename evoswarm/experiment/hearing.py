"""What a search itself answered rightly, where answers are free text: mixes are fitted along it in the end."""

from __future__ import annotations

from collections.abc import Sequence

from evoswarm.experiment.fitted import fits_of
from evoswarm.experiment.workbench import Workbench
from evoswarm.gold.heard import heard_texts
from evoswarm.gold.rows import is_greedy
from evoswarm.gold.texts import GoldText, decidable
from evoswarm.policies import Policy, Recipe
from evoswarm.run_directory import HEARD, RunDirectory
from evoswarm.tasks.task import Item

UNFOUNDED = "No founder is fitted to {tasks}: no right answer is known there as members would write it."
FITTED_TO = (
    "Mixes are fitted to {tasks}, too, along right answers that recipes of this search wrote ({heard} of {items})."
)
NOT_FITTED_TO = "No mix is fitted to {tasks}: {why}."
NONE_RIGHT = "no right answer is known there as members would write it, and no recipe of this search wrote one"


def hear(bench: Workbench, run: RunDirectory, population: Sequence[Policy]) -> str:
    """Fit mixes along right answers of a population, to tasks of which none is known as members would write it.

    The texts are journalled for the certificate. Where they could not be read in an earlier sitting, they are not now.

    Args:
        bench: with the items of the search split, of which the population's answers are known.
        run: of the search.
        population: in the order in which they were scored.

    Returns:
        What comes of it, as a sentence; empty where there are no such tasks, or nothing at all to fit to.

    Raises:
        EvoswarmError: see `fits_of`.
        Stopped: Ctrl-C.
    """
    bench.gold_paths.hear("search", ())
    told = fits_of(bench)
    tasks = told.untold
    if not tasks:
        return ""
    items = [item for item in dict.fromkeys(bench.items["search"]) if item.task in tasks]
    known = run.last(HEARD)
    why = known["why"] if known is not None else ""
    texts = [] if why else _texts(bench, items, population)
    bench.gold_paths.hear("search", texts)
    fits_of(bench)
    why = bench.gold_paths.unheard.get("search", why)
    texts = [] if why else texts
    entry = {"texts": {text.item.key: text.text for text in texts}, "why": why}
    if known != {"event": HEARD, **entry}:
        run.journal(HEARD, **entry)
    if not texts and not why and not told.mixes:
        return ""  # that there are no fitted mixes is said of these themselves
    if not texts:
        return NOT_FITTED_TO.format(tasks=", ".join(tasks), why=why or NONE_RIGHT)
    return FITTED_TO.format(tasks=", ".join(tasks), heard=len(texts), items=len(items))


def hear_again(bench: Workbench, run: RunDirectory) -> None:
    """Have the texts that a run's mixes were fitted along in the end."""
    known = run.last(HEARD)
    if known is not None:
        listed = [item for item in dict.fromkeys(bench.items["search"]) if item.key in known["texts"]]
        texts = [GoldText(item, known["texts"][item.key], decidable(bench.tasks[item.task])) for item in listed]
        bench.gold_paths.hear("search", texts)


def _texts(bench: Workbench, items: Sequence[Item], population: Sequence[Policy]) -> list[GoldText]:
    """What greedy recipes wrote, as the ledger has it."""
    greedy = [one for one in population if isinstance(one, Recipe) and is_greedy(one)]
    return heard_texts(items, bench.evaluator.evaluate(greedy, items), bench.tasks)
