"""What is done for single kinds of items when a champion is chosen: telling them apart, fits to each, specialists."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

from evoswarm.experiment.composing import told_apart
from evoswarm.experiment.estimating import SEEN
from evoswarm.experiment.outlook.scenes import Clock
from evoswarm.experiment.specialists import FITS, KINDS, LEAST_FITTED, RANKED
from evoswarm.experiment.workbench import Workbench


@dataclass(frozen=True)
class Kinds:
    """The kinds of items of a space.

    Attributes:
        specialists: policies that every selection item is asked of as one of its kind, at most.
        fitted: search items of each kind that mixes are fitted to.
        seconds: that it took to tell them apart.
    """

    specialists: int = 0
    fitted: tuple[int, ...] = ()
    seconds: float = 0.0


def kinds_of(bench: Workbench, *, fits: bool, clock: Clock = time.monotonic) -> Kinds:
    """Tell the items of a space apart, as a search does at its end.

    Where there is one task, cross-validation chooses among several ways: then the one with most kinds is taken.

    Args:
        bench: the space made ready.
        fits: whether mixes are fitted at all.
        clock: gives seconds.
    """
    space = bench.space
    if space.genome.kind != "mix" or space.champion.routes < 2 or len(bench.pool) < 2:
        return Kinds()
    began = clock()
    ways = told_apart([item for split in SEEN for item in bench.items[split]])
    seconds = clock() - began
    told = max(ways, key=lambda one: (bool(one.tasks), one.cells), default=None)
    if told is None or told.cells > KINDS:
        return Kinds(seconds=seconds)
    cells = [told.cell(item.task, item.prompt) for item in bench.items["search"]]
    found = Counter(cell for cell in cells if cell is not None)
    enough = tuple(count for _, count in sorted(found.items()) if fits and count >= LEAST_FITTED)
    return Kinds(RANKED + (FITS if enough else 0), enough, seconds)
