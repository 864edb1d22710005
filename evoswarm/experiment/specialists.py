"""Who may be better at one kind of items than everywhere, with what it scores on further items of that kind.

Two sorts: mixes fitted to the right answers of the kind's search items, and recipes of the search that did best on them
but are not among its finalists. Both are decoded on the kind's selection items, which they never saw. What they score
on the search items, by which they were made or chosen, says little, and is not used.
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
        kind: by its position.
        policy: that may answer it.
        fitted: to right answers of the kind.
        scores: on the selection items of the kind, by their positions.
        flops: mean per item.
    """

    kind: int
    policy: Policy
    fitted: bool
    scores: Mapping[int, float]
    flops: float


def specialists(
    bench: Workbench, partition: Partition, others: Sequence[Policy], searched: Sequence[Summary]
) -> Iterator[Specialist]:
    """Find and test the specialists of every kind, fitted ones first, the best first.

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
        fits = _fits(bench, own)
        means = [sum(summary.scores[place] for place in own) for summary in searched]
        best = [others[one] for one in sorted(range(len(others)), key=lambda one: -means[one])[:RANKED]]
        mixes = list({policy.digest: policy for policy in (*best, *fits)}.values())
        order = sorted(mixes, key=lambda one: one not in fits)
        selected = bench.evaluator.summaries(order, [bench.items["selection"][place] for place in places])
        for policy, summary in zip(order, selected, strict=True):
            scores = dict(zip(places, summary.scores, strict=True))
            yield Specialist(kind, policy, policy in fits, scores, summary.cost.flops)


def _fits(bench: Workbench, places: Sequence[int]) -> list[Policy]:
    """The mixes fitted to the search items at these places."""
    if len(places) < LEAST_FITTED:
        return []
    found = fits_of(bench, [bench.items["search"][place] for place in places])
    return [one.policy for one in found.mixes[:FITS]]
