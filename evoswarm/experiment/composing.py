"""Routes as finalists: put together from what all recipes of a search are known to score.

Every recipe that evolution scored on all search items is known there, and the finalists on the selection items too. So
for every kind of items the best mix can be read off (`evoswarm.evaluation.routes`), and what such a choice is worth can
be estimated by cross-validation. Specialists of each kind (`evoswarm.experiment.specialists`) are decoded for it, on
selection items of their kind, and nothing else is. Only where the estimate is ahead of that of a single mix does the
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
from evoswarm.experiment.specialists import Specialist, specialists
from evoswarm.experiment.workbench import Workbench
from evoswarm.genomes import PolicyGenomes
from evoswarm.policies import Policy
from evoswarm.tasks.task import SplitName

CONSIDERED = 500
"""Recipes that are not tested again, but may answer a kind of items: those best on the search items."""

_ROUNDING = 1e-9  # of sums of scores


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
    known = {digest: one.candidate.policy for digest, one in tested.items()} | others
    evidence = _evidence(bench, list(tested.values()), list(others.values()))
    partitions = [one for one in partitions_of(evidence.items) if one.cells * LEAST <= len(evidence.items)]
    if not partitions or np.isnan(evidence.scores).any(axis=1).all():
        return None  # nothing to tell apart, or nobody could answer everything that is of no kind
    by_task = next((one for one in partitions if one.tasks), None)
    likely = by_task or composed(evidence, partitions, space.champion.routes).partition or partitions[0]
    searched = bench.evaluator.summaries(list(others.values()), bench.items["search"])
    for one in specialists(bench, likely, list(others.values()), searched):
        evidence = _with(bench, evidence, list(known), one)
        known.setdefault(one.policy.digest, one.policy)
    found = composed(evidence, partitions, space.champion.routes)
    if found.partition is None or not _ahead(evidence, found):
        return None
    policies = list(known.values())
    route = found.partition.route(policies[found.first], [policies[place] for place in found.chosen])
    if len(route.policies) < 2 or not genomes.allows(route):
        return None
    count = len(bench.items["search"])
    candidate = Candidate(f"route {found.partition.name}", route, description=_said(found))
    return Finalist(candidate, instead={"search": found.held_out[:count], "selection": found.held_out[count:]})


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


def _with(bench: Workbench, evidence: Evidence, known: Sequence[str], one: Specialist) -> Evidence:
    """The evidence with what a specialist does on selection items of its kind.

    Args:
        bench: the space made ready.
        evidence: so far.
        known: digests of its policies, in order; the specialist may be new.
        one: the specialist.
    """
    scores, flops = evidence.scores, evidence.flops
    if one.policy.digest not in known:
        scores, flops = np.vstack([scores, np.full(len(evidence.items), np.nan)]), [*flops, one.flops]
        known = [*known, one.policy.digest]
    own = scores[known.index(one.policy.digest)]
    unknown = [place for place in one.scores if np.isnan(own[len(bench.items["search"]) + place])]
    own[[len(bench.items["search"]) + place for place in unknown]] = [one.scores[place] for place in unknown]
    return replace(evidence, scores=scores, flops=flops)


def _ahead(evidence: Evidence, found: Composition) -> bool:
    """Whether the route is ahead of a single mix, both by cross-validation around all that was chosen."""
    return float((np.array(found.held_out) - np.array(found.alone)) @ evidence.weights) > _ROUNDING


def _said(found: Composition) -> str:
    made = "Put together from mixes of the search and mixes fitted to single kinds"
    return f"{made}; cross-validation foretells {found.accuracy:.1%}"
