"""Gathering evidence: members are asked alone and together, and read along right answers where those are known."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evoswarm.evaluation.evaluation import item_weights, scores_of
from evoswarm.experiment.calibrating import sizes_of
from evoswarm.experiment.outlook.prediction.evidence import PARTS, PilotScores
from evoswarm.experiment.outlook.prediction.prospect import Prospect
from evoswarm.experiment.outlook.scenes import Clock
from evoswarm.experiment.progress import SILENT, Progress
from evoswarm.experiment.workbench import Workbench
from evoswarm.genomes.mix.genes import genes_of
from evoswarm.genomes.plain import single, uniform
from evoswarm.gold.fit.mixes import Fit, fits
from evoswarm.gold.fit.outcomes import Outcomes
from evoswarm.gold.paths import GoldPaths
from evoswarm.gold.rows import GoldRows
from evoswarm.gold.scores import scores_along
from evoswarm.statistics.by_task import fold_places
from evoswarm.statistics.intervals import Vector
from evoswarm.tasks.task import Item

FITS = ("mixture", "product")
"""Which fits are tried: the plainest, and the one that has most often been best."""


def look_ahead(
    bench: Workbench, count: int, progress: Progress = SILENT, clock: Clock = time.monotonic
) -> Prospect | None:
    """Whether mixing will pay, as the first search items foretell; None where there is nothing to mix.

    Args:
        bench: the space made ready, with a ledger that keeps what is decoded.
        count: items that the members were asked alone before.
        progress: told of it.
        clock: gives seconds.

    Raises:
        Stopped: Ctrl-C.
        MemberError: a member cannot be loaded.
    """
    began = clock()
    progress.at(f"asking all members together, {count} search items")
    evidence = gather(bench, list(dict.fromkeys(bench.items["search"][:count])))
    return None if evidence is None else Prospect.of(evidence, clock() - began)


def gather(bench: Workbench, items: Sequence[Item]) -> PilotScores | None:
    """What some items show of a pool; None where there is nothing to mix.

    Members alone are in the ledger already, where they were looked at before. Mixes of greedy answers are all that is
    looked at, whatever kind of policy the space searches for.

    Args:
        bench: the space made ready.
        items: of the search split; distinct.

    Raises:
        Stopped: Ctrl-C.
        MemberError: a member cannot be loaded.
    """
    if len(bench.pool) < 2:
        return None
    evaluator = bench.evaluator.over(bench.swarm)
    recipes = [*(single(bench.space, spec) for spec in bench.pool), uniform(bench.space, bench.pool)]
    scores = np.array([scores_of(row) for row in evaluator.evaluate(recipes, items)])
    tasks, weights = tuple(item.task for item in items), np.array(item_weights(items, bench.tasks))
    rows = _rows(bench, items)
    if rows is None:
        return PilotScores(tasks, weights, scores[:-1], scores[-1:])
    lead = scores_along(recipes, rows).margin.astype(np.float64)
    outcomes, parts = Outcomes.of(rows), fold_places(tasks, PARTS)
    fitted = [lead_apart(fit, outcomes, parts) for fit in _fits(bench)]
    return PilotScores(
        tasks,
        weights,
        scores[:-1],
        np.stack([scores[-1], *(one > 0 for one in fitted)]),
        lead[:-1],
        np.stack([lead[-1], *fitted]),
    )


def lead_apart(fit: Fit, outcomes: Outcomes, parts: Sequence[NDArray[np.int64]]) -> Vector:
    """``[items]`` the least lead (`Mix.margins`) of mixes of all members on each part, fitted to the other parts.

    Args:
        fit: that is tried.
        outcomes: of the whole pool along right answers.
        parts: places of the items, in parts.
    """
    count, members = len(outcomes.weights), tuple(range(len(outcomes.log_probs)))
    lead = np.zeros(count)
    for part in parts:
        rest = np.setdiff1d(np.arange(count), part) if len(parts) > 1 else part
        mix = fit(outcomes.some(rest.tolist()), members)
        lead[part] = mix.margins(outcomes.some(part.tolist())).numpy()
    return lead


def _rows(bench: Workbench, items: Sequence[Item]) -> GoldRows | None:
    """The members along the right answers of all items; None where these are not known, or not the only ones."""
    rows = GoldPaths(bench.swarm, bench.space, {"search": items}, bench.tasks).rows("search")
    if rows is None or rows.items != tuple(items) or not rows.decidable.all():
        return None
    return rows


def _fits(bench: Workbench) -> list[Fit]:
    """Those that the space has a use for."""
    if bench.space.genome.kind != "mix":
        return []
    known = fits(genes_of(bench.space, sizes_of(bench)))
    return [known[name] for name in FITS if name in known]
