"""Routes as finalists: put together from mixes that the search knows, and from mixes fitted to single kinds of items.

Two routes may compete. The *composed* one sends every kind of items to the best of all finalists and specialists of the
kind, by a shrunken estimate (`evoswarm.evaluation.routes`); the best of many is partly lucky, so what that choice is
worth is estimated by cross-validation around all of it, and it competes only where it is ahead of a single mix by more
than a standard error. The *fitted* one sends every kind to the mix that was fitted to it: nothing is chosen by the
selection items, so its scores there say what it is worth.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from evoswarm.evaluation.candidate import Candidate, HowMade
from evoswarm.evaluation.evaluation import item_weights
from evoswarm.evaluation.routes.composition import Composition, KnownScores, composed
from evoswarm.evaluation.routes.partitions import LEAST, partitions_of
from evoswarm.experiment.estimating import SEEN
from evoswarm.experiment.finalists import Finalist
from evoswarm.experiment.fitted import fits_of
from evoswarm.experiment.progress import SILENT, Progress
from evoswarm.experiment.specialists import Specialist, specialists
from evoswarm.experiment.workbench import Workbench
from evoswarm.genomes import PolicyGenomes
from evoswarm.policies import Policy
from evoswarm.policies.partition import Partition
from evoswarm.statistics.paired import paired_standard_error
from evoswarm.tasks.task import Item, SplitName, weights_of


def routes_of(
    bench: Workbench,
    genomes: PolicyGenomes[Any, Any],
    ranked: Sequence[tuple[str, Policy]],
    finalists: Sequence[Finalist],
    progress: Progress = SILENT,
) -> list[Finalist]:
    """The routes that compete with the finalists of a search for mixes.

    Args:
        bench: the space made ready.
        genomes: of the search.
        ranked: names and policies of all that were scored on all search items, the best first.
        finalists: who is tested again on the selection items.
        progress: told what is being done.

    Returns:
        Those that the limits of the space allow, with what their scores are worth; none where the space wants none.

    Raises:
        MemberError: a member cannot be loaded.
        Stopped: Ctrl-C.
    """
    space = bench.space
    if space.champion.routes < 2 or space.genome.kind != "mix":
        return []
    tested = {one.candidate.policy.digest: one for one in finalists}
    evidence = _evidence(bench, list(tested.values()))
    partitions = told_apart(evidence.items)
    if not partitions or np.isnan(evidence.scores).any(axis=1).all():
        return []  # nothing to tell apart, or nobody could answer everything that is of no kind
    progress.at("putting routes together: who is best at which kind of questions")
    by_task = next((one for one in partitions if one.tasks), None)
    kinds = by_task or composed(evidence, partitions, space.champion.routes).partition or partitions[0]
    others = list({policy.digest: policy for _, policy in ranked if policy.digest not in tested}.values())
    found = list(specialists(bench, kinds, others, bench.evaluator.summaries(others, bench.items["search"])))
    routes = [*_composed(bench, partitions, list(tested.values()), evidence, found), *_fitted(bench, kinds, found)]
    return [one for one in routes if genomes.allows(one.candidate.policy)]


def told_apart(items: Sequence[Item]) -> list[Partition]:
    """The ways to tell items apart that leave enough of every kind."""
    return [one for one in partitions_of(items) if one.cells * LEAST <= len(items)]


def _evidence(bench: Workbench, tested: Sequence[Finalist]) -> KnownScores:
    """What finalists do on all items that were seen; what was made from items is known there as it says itself."""
    policies = [one.candidate.policy for one in tested]
    selected = bench.evaluator.summaries(policies, bench.items["selection"])  # all of them are chosen by these
    searching = [one.candidate.policy for one in tested if "search" not in one.instead]
    searched = iter(bench.evaluator.summaries(searching, bench.items["search"]))
    rows: list[list[float]] = []
    for finalist, own in zip(tested, selected, strict=True):
        row: dict[SplitName, Sequence[float] | None] = {"selection": own.scores, **finalist.instead}
        if "search" not in row:
            row["search"] = next(searched).scores
        rows.append([score for split in SEEN for score in row[split] or [math.nan] * len(bench.items[split])])
    items = [item for split in SEEN for item in bench.items[split]]
    flops = [summary.cost.flops for summary in selected]
    return KnownScores(np.array(rows), np.array(item_weights(items, bench.tasks)), flops, items)


def _composed(
    bench: Workbench,
    partitions: Sequence[Partition],
    tested: Sequence[Finalist],
    known: KnownScores,
    found: Sequence[Specialist],
) -> Iterator[Finalist]:
    """The composed route, where it is ahead."""
    start, rows = len(bench.items["search"]), np.full((len(found), len(known.items)), np.nan)
    for row, one in zip(rows, found, strict=True):
        row[[start + place for place in one.scores]] = list(one.scores.values())
    flops = [*known.flops, *(one.flops for one in found)]
    evidence = KnownScores(np.vstack([known.scores, rows]), known.weights, flops, known.items)
    best = composed(evidence, partitions, bench.space.champion.routes)
    if best.partition is None or not _ahead(bench, evidence, best):
        return
    policies = [*(one.candidate.policy for one in tested), *(one.policy for one in found)]
    route = best.partition.route(policies[best.first], [policies[place] for place in best.chosen])
    if len(route.policies) > 1:
        said = f"The best mix for every kind of items; cross-validation foretells {best.accuracy:.1%}"
        held_out: dict[SplitName, Sequence[float]] = {
            "search": best.held_out[:start],
            "selection": best.held_out[start:],
        }
        ranked = _ranked_share(evidence, best, start, [one.ranked for one in tested])
        fits = {one.candidate.policy.digest for one in tested if one.origin == "fitted"}
        fits |= {one.policy.digest for one in found if one.fitted}
        origin: HowMade = "fitted" if all(one.digest in fits for one in route.policies) else "composed"
        yield Finalist(Candidate(f"route {best.partition.name}", route, description=said), ranked, origin, held_out)


def _ranked_share(evidence: KnownScores, found: Composition, start: int, ranked: Sequence[float]) -> float:
    """Share of the search items whose scores are those of a finalist that was ranked by these very items.

    Args:
        evidence: the finalists first, then the specialists, of whom no search item is known.
        found: the route over them.
        start: how many search items there are; they come first.
        ranked: of the finalists.
    """
    owed = np.zeros(len(evidence.scores))
    owed[: len(ranked)] = ranked
    answering = np.array([*found.chosen, found.first])[found.labels[:start]]  # no kind is -1: the last
    known = ~np.isnan(evidence.scores[answering, np.arange(start)])
    weights = evidence.weights[:start]
    return float(np.where(known, owed[answering], owed[found.first]) @ weights / weights.sum())


def _ahead(bench: Workbench, evidence: KnownScores, found: Composition) -> bool:
    """Whether the route is ahead of a single mix by more than a standard error, both by cross-validation."""
    lead = float((np.array(found.held_out) - np.array(found.alone)) @ evidence.weights)
    tasks = [item.task for item in evidence.items]
    return lead > paired_standard_error(found.held_out, found.alone, tasks, weights_of(bench.tasks))


def _fitted(bench: Workbench, partition: Partition, found: Sequence[Specialist]) -> Iterator[Finalist]:
    """The route over the best fit of every kind, where every kind has one and they are few enough.

    What is of no kind goes to the best mix that was fitted to all kinds.
    """
    fits: dict[int, Policy] = {}
    for one in found:
        if one.fitted:
            fits.setdefault(one.kind, one.policy)
    if len(fits) < partition.cells or len({one.digest for one in fits.values()}) < 2:
        return
    overall = fits_of(bench).mixes[0].policy
    route = partition.route(overall, [fits[kind] for kind in range(partition.cells)])
    if len(route.policies) > bench.space.champion.routes:
        return
    said = "For every kind of items the mix that was fitted to right answers of its search items"
    name = f"fitted route {partition.name}"
    yield Finalist(Candidate(name, route, description=said), origin="fitted", instead={"search": None})
