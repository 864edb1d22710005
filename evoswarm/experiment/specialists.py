"""Who may be better at one kind of items than everywhere, with what it scores on further items of that kind.

Two sorts: mixes fitted to the right answers of the kind's search items, and recipes of the search that did best on them
but are not among its finalists. Both are decoded on the kind's selection items, which they never saw.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from evoswarm.evaluation.evaluation import Summary
from evoswarm.experiment.fitted import fits_of
from evoswarm.experiment.workbench import Workbench
from evoswarm.policies import Policy
from evoswarm.policies.partition import Partition

LEAST_FITTED = 15
"""Search items of a kind to which mixes are fitted: of fewer, a fit knows too little."""

FITS = 2
"""Fits of a kind that are tested, those first that were more accurate on texts left out."""

RANKED = 3
"""Recipes of the search that are tested on a kind."""

KINDS = 16
"""Of a partition whose specialists are looked for: each fit takes a second or more."""


@dataclass(frozen=True)
class Specialist:
    """A policy that is known on selection items of one kind.

    Attributes:
        policy: that may answer the kind.
        scores: on the selection items of the kind, by their positions.
        flops: mean per item.
    """

    policy: Policy
    scores: Mapping[int, float]
    flops: float


def specialists(
    bench: Workbench, partition: Partition, others: Sequence[Policy], searched: Sequence[Summary]
) -> Iterator[Specialist]:
    """Find and test the specialists of every kind.

    Args:
        bench: the space made ready.
        partition: how items are told apart.
        others: recipes of the search that are no finalists, the best first.
        searched: what they did on the search items.

    Raises:
        Stopped: Ctrl-C.
    """
    cells = {
        split: [partition.cell(item.task, item.prompt) for item in bench.items[split]]
        for split in ("search", "selection")
    }
    for kind in range(partition.cells if partition.cells <= KINDS else 0):
        own = [place for place, cell in enumerate(cells["search"]) if cell == kind]
        places = [place for place, cell in enumerate(cells["selection"]) if cell == kind]
        if not own or not places:
            continue
        means = [sum(summary.scores[place] for place in own) for summary in searched]
        best = sorted(range(len(others)), key=lambda one: -means[one])[:RANKED]
        fits = fits_of(bench, [bench.items["search"][place] for place in own]) if len(own) >= LEAST_FITTED else None
        mixes = [*([] if fits is None else (one.policy for one in fits.mixes[:FITS])), *(others[one] for one in best)]
        selected = bench.evaluator.summaries(mixes, [bench.items["selection"][place] for place in places])
        for policy, summary in zip(mixes, selected, strict=True):
            if summary.failure is None:
                yield Specialist(policy, dict(zip(places, summary.scores, strict=True)), summary.cost.flops)
