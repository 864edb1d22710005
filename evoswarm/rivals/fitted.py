"""R5: the mix that is had without searching, its numbers fitted to gold texts of the search items.

It mixes distributions, so it is none of those that a champion must beat to *add value*; it says whether *searching*
did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evoswarm.evaluation.candidate import Candidate, Scored, best_of, score
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.rivals.matched import as_rival
from evoswarm.tasks.task import Item

R5 = "R5"
"""Key of the fitted mix: the second sentence of a verdict compares the champion with it."""


@dataclass(frozen=True)
class Fits:
    """What was fitted, without a search.

    Attributes:
        mixes: greedy recipes.
        absent: why there are none, as a sentence; empty where nobody asked.
        untold: tasks of which no right answer is known as members would write it.
        heard: of how many items the right answer is one that recipes of a search wrote.
    """

    mixes: tuple[Candidate, ...] = ()
    absent: str = ""
    untold: tuple[str, ...] = ()
    heard: int = 0


NO_FITS = Fits()
"""Where nobody asked for any."""


def best_fitted(evaluator: Evaluator, items: Sequence[Item], fits: Fits) -> Candidate | None:
    """The most accurate on selection of the mixes that were fitted; None where there are none.

    Args:
        evaluator: decodes.
        items: of the selection split.
        fits: on the search split: weights by EM, other numbers by gradient.
    """
    if not fits.mixes:
        return None
    tried: list[Scored] = score(fits.mixes, evaluator, items)
    best = best_of(tried)
    others = ", ".join(f"{one.name} {one.accuracy:.1%}" for one in tried if one is not best)
    against = f" (the others got: {others})" if others else ""
    known = "gold texts of the search items, without a search"
    if fits.heard:
        known = f"right answers to the search items, {fits.heard:,} of them as recipes of the search wrote them"
    description = f"Fitted to {known}: the {best.name}{against}"
    return as_rival(best, R5, "fitted mix", description)
