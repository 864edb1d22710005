"""Mixes fitted to one kind of items each, with what they score on items of that kind that they were not fitted to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from evoswarm.experiment.fitted import fits_of
from evoswarm.experiment.workbench import Workbench
from evoswarm.policies import Policy
from evoswarm.policies.partition import Partition

LEAST_FITTED = 15
"""Search items of a kind to which mixes are fitted: of fewer, a fit knows too little."""

FITS = 2
"""Fits of a kind that are tested, those first that were more accurate on texts left out."""

KINDS = 16
"""Of a partition to whose kinds mixes are fitted: each fit takes a second or more."""


@dataclass(frozen=True)
class KindFit:
    """A mix that was fitted to the search items of a kind.

    Attributes:
        policy: the mix.
        scores: on the selection items of the kind, by their positions.
        flops: mean per item.
    """

    policy: Policy
    scores: Mapping[int, float]
    flops: float


def fits_of_kinds(bench: Workbench, partition: Partition) -> Iterator[KindFit]:
    """Fit mixes to every kind, and decode them on its selection items.

    Args:
        bench: the space made ready.
        partition: how items are told apart.

    Raises:
        Stopped: Ctrl-C.
    """
    for kind in range(partition.cells if partition.cells <= KINDS else 0):
        searched = [item for item in bench.items["search"] if partition.cell(item.task, item.prompt) == kind]
        places = [
            place
            for place, item in enumerate(bench.items["selection"])
            if partition.cell(item.task, item.prompt) == kind
        ]
        if len(searched) < LEAST_FITTED or not places:
            continue
        mixes = [one.policy for one in fits_of(bench, searched).mixes[:FITS]]
        selected = bench.evaluator.summaries(mixes, [bench.items["selection"][place] for place in places])
        for policy, summary in zip(mixes, selected, strict=True):
            if summary.failure is None:
                yield KindFit(policy, dict(zip(places, summary.scores, strict=True)), summary.cost.flops)
