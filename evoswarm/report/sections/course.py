"""How a search went, in so little that many of them fit on one page side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from evoswarm.pareto import ParetoFront
from evoswarm.report.run_files import RunFiles
from evoswarm.report.sections.numbers import short


def course(run: RunFiles) -> dict[str, Any] | None:
    """What a search found and when; None where nobody was evaluated yet.

    Returns:
        ``points`` (``flops`` and ``accuracy`` of every distinct policy that was scored on as many search items as any),
        ``front`` (likewise, of those that no other is as good as in both), ``best`` (the greatest such accuracy so far,
        a value a generation) and, of generations as they were journalled, ``evaluations`` (asked for so far) and
        ``seconds`` (so far, as far as they were told); None of earlier versions.
    """
    rows = run.individuals
    if not rows:
        return None
    whole = _on_most_items(rows)
    distinct = {row["key"]: (row["cost"]["flops"], row["accuracy"]) for row in whole if row["accuracy"] is not None}
    front: ParetoFront[str] = ParetoFront()
    for key, (flops, accuracy) in distinct.items():
        front.add((-flops, accuracy), key)
    best = [0.0] * (1 + max(row["generation"] for row in rows))
    for row in whole:
        best[row["generation"]] = max(best[row["generation"]], row["accuracy"] or 0.0)
    figures = run.generations
    return {
        "points": _columns(list(distinct.values())),
        "front": _columns(sorted((-flops, accuracy) for flops, accuracy in front.points)),
        "best": [short(one) for one in accumulate(best, max)],
        "evaluations": [one["evaluations"] for one in figures] or None,
        "seconds": [short(one) for one in accumulate(0.0 if one["replayed"] else one["seconds"] for one in figures)]
        or None,
    }


def _on_most_items(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Without those that a race dropped before it had asked all items."""
    most = max((row["items"] for row in rows if row.get("items") is not None), default=None)
    return [row for row in rows if row.get("items") in (None, most)]


def _columns(points: Sequence[tuple[float, float]]) -> dict[str, list[Any]]:
    return {"flops": [short(flops) for flops, _ in points], "accuracy": [short(accuracy) for _, accuracy in points]}
