"""Routes as finalists: put together from what all recipes of a search are known to score.

Every recipe that evolution scored on all search items is known there, and the finalists on the selection items too. So
for every kind of items the best mix can be read off (`evoswarm.evaluation.routes`), and what such a choice is worth can
be estimated by cross-validation. Mixes fitted to single kinds join them: they alone are decoded for it, on selection
items of their kind. Only where the estimate is ahead of that of a single mix by more than chance does the
route compete.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from evoswarm.evaluation.candidate import Candidate
from evoswarm.evaluation.evaluation import item_weights
from evoswarm.evaluation.routes.composition import Composition, Evidence, composed
from evoswarm.evaluation.routes.partitions import LEAST, partitions_of
from evoswarm.experiment.estimating import SEEN
from evoswarm.experiment.finalists import Finalist
from evoswarm.experiment.kind_fits import KindFit, fits_of_kinds
from evoswarm.experiment.workbench import Workbench
from evoswarm.genomes import PolicyGenomes
from evoswarm.policies import Policy
from evoswarm.statistics.paired import paired_standard_error
from evoswarm.tasks.task import SplitName, weights_of

CONSIDERED = 500
"""Recipes that are not tested again, but may answer a kind of items: those best on the search items."""


def composed_route(
    bench: Workbench,
    genomes: PolicyGenomes[Any, Any],
    ranked: Sequence[tuple[str, Policy]],
    finalists: Sequence[Finalist],
) -> Finalist | None:
    """The best route over mixes, if it is expected to be better than every mix alone.

    Args:
        bench: the space made ready.
        genomes: of the search.
        ranked: names and policies of all that were scored on all search items, the best first.
        finalists: who is tested again on the selection items.

    Returns:
        The route, scored by cross-validation where it was composed; None where the space wants none, no partition of
        the items is ahead, or the limits of the space do not allow the route.

    Raises:
        Stopped: Ctrl-C.
    """
    space = bench.space
    if space.champion.routes < 2 or space.genome.kind != "mix":
        return None
    tested = {one.candidate.policy.digest: one for one in finalists}
    others = {policy.digest: policy for _, policy in ranked[:CONSIDERED] if policy.digest not in tested}
    known = [*(one.candidate.policy for one in tested.values()), *others.values()]
    evidence = _evidence(bench, list(tested.values()), list(others.values()))
    partitions = [one for one in partitions_of(evidence.items) if one.cells * LEAST <= len(evidence.items)]
    if not partitions or np.isnan(evidence.scores).any(axis=1).all():
        return None  # nothing to tell apart, or nobody could answer everything that is of no kind
    found = composed(evidence, partitions, space.champion.routes)
    by_task = next((one for one in partitions if one.tasks), None)
    if fits := list(fits_of_kinds(bench, by_task or found.partition or partitions[0])):
        known += [one.policy for one in fits]
        evidence = _with_fits(bench, evidence, fits)
        found = composed(evidence, partitions, space.champion.routes)
    if found.partition is None or not _ahead(bench, evidence, found):
        return None
    route = found.partition.route(known[found.first], [known[place] for place in found.chosen])
    if len(route.policies) < 2 or not genomes.allows(route):
        return None
    searched = len(bench.items["search"])
    candidate = Candidate(f"route {found.partition.name}", route, description=_said(found))
    return Finalist(candidate, instead={"search": found.held_out[:searched], "selection": found.held_out[searched:]})


def _evidence(bench: Workbench, tested: Sequence[Finalist], others: Sequence[Policy]) -> Evidence:
    """What is known: of those who are tested again everything, of the others what the search knows.

    What was made from items is known there as far as it says itself. Who failed on all search items is not known.
    """
    policies = [*(one.candidate.policy for one in tested), *others]
    searched = bench.evaluator.summaries(policies, bench.items["search"])
    selected = bench.evaluator.summaries(policies[: len(tested)], bench.items["selection"])
    counts = {split: len(bench.items[split]) for split in SEEN}
    rows: list[list[float]] = []
    for place, summary in enumerate(searched):
        row: dict[SplitName, Sequence[float] | None] = {"search": summary.scores, "selection": None}
        if place < len(tested):
            row |= {"selection": selected[place].scores, **tested[place].instead}
        if summary.failure is not None:
            row = {}
        rows.append([score for split in SEEN for score in row.get(split) or [math.nan] * counts[split]])
    items = [item for split in SEEN for item in bench.items[split]]
    flops = [summary.cost.flops for summary in searched]
    return Evidence(np.array(rows), np.array(item_weights(items, bench.tasks)), flops, items)


def _with_fits(bench: Workbench, evidence: Evidence, fits: Sequence[KindFit]) -> Evidence:
    """The evidence with rows for fits of kinds: known on selection items of their own kind, which they never saw."""
    rows = np.full((len(fits), len(evidence.items)), np.nan)
    for row, one in zip(rows, fits, strict=True):
        row[[len(bench.items["search"]) + place for place in one.scores]] = list(one.scores.values())
    flops = [*evidence.flops, *(one.flops for one in fits)]
    return replace(evidence, scores=np.vstack([evidence.scores, rows]), flops=flops)


def _ahead(bench: Workbench, evidence: Evidence, found: Composition) -> bool:
    """Whether the route is ahead of a single mix by more than a standard error, both by cross-validation."""
    lead = float((np.array(found.held_out) - np.array(found.alone)) @ evidence.weights)
    tasks = [item.task for item in evidence.items]
    return lead > paired_standard_error(found.held_out, found.alone, tasks, weights_of(bench.tasks))


def _said(found: Composition) -> str:
    made = "Put together from mixes of the search and mixes fitted to single kinds"
    return f"{made}; cross-validation foretells {found.accuracy:.1%}"
