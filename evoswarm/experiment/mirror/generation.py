"""A generation in MLflow's metrics. What stands before a slash makes a section of charts; sections are in the order of
the alphabet, so what people look for first is called so that it comes first."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean
from typing import Any

from evoswarm.canonical import round_significant
from evoswarm.space import SearchSpace

_SPEED = ("seconds", "evaluations_per_second", "tokens_per_second", "prefix_reuse")
_WORK = ("evaluations", "new_evaluations", "decoded", "close_decisions")
_PROBLEMS = ("at_limit", "cut_off")
_DONE = (
    "rows_forwarded",
    "rows_reforwarded",
    "prompt_tokens",
    "states_dropped",
    "forwards",
    "symbols",
    "forward_seconds",
    "decode_seconds",
    "peak_state_bytes",
    "peak_row_bytes",
)


def metrics(figures: Mapping[str, Any], space: SearchSpace) -> dict[str, float | None]:
    """A generation's metrics; the first ones are shown first in MLflow's list of them.

    ``accuracy/...`` (one such section per objective), ``front/...``, ``islands/...``, ``problems/...``, ``speed/...``
    and ``work/...``, rounded to six digits. None is a figure that this generation lacks (nothing was decoded, say): it
    has a point all the same. What the engine did is not known of a generation that was decoded by a sitting which died
    before it could write that down.

    Args:
        figures: of the generation, as the journal has them; what is not among them was not told then.
        space: that is searched.
    """
    values: dict[str, float | None] = {}
    for objective in space.objectives:
        values |= _objective(figures, objective)
    front = figures.get("front") or {}
    values |= {f"front/{name}": front.get(name) for name in ("hypervolume", "size")}
    values |= _islands(figures, space)
    values |= _problems(figures)
    decoded = not figures.get("replayed", False)
    engine = figures.get("engine", {})
    values |= {f"speed/{name}": figures.get(name) if decoded else None for name in _SPEED}
    values["speed/batch_fill"] = engine.get("batch_fill") if decoded else None
    values |= {f"work/{name}": figures.get(name) for name in _WORK}
    values |= {f"work/{name}": engine.get(name) if decoded else None for name in _DONE}
    return {name: value if value is None else round_significant(value) for name, value in values.items()}


def _objective(figures: Mapping[str, Any], objective: str) -> dict[str, float | None]:
    """An objective over all islands: the best of the bests, the mean of the medians."""
    section, greatest = objective.replace(":", "."), objective.startswith("accuracy")
    able = [island for island in figures.get("islands", ()) if objective in island.get("best", {})]
    if not able:
        return {}
    bests = [island["best"][objective] for island in able]
    values: dict[str, float | None] = {f"{section}/best": max(bests) if greatest else min(bests)}
    if objective == "accuracy":
        values[f"{section}/best_so_far"] = figures.get("best_accuracy")
    values[f"{section}/median"] = fmean(island["median"][objective] for island in able)
    return values


def _islands(figures: Mapping[str, Any], space: SearchSpace) -> dict[str, float | None]:
    """The best of each island, and how all of them do."""
    islands, objective = figures.get("islands", ()), space.objectives[0]
    if not islands:
        return {}
    width = len(str(max(island["island"] for island in islands)))  # as many digits: 10 would come before 2
    values: dict[str, float | None] = {
        f"islands/best_{island['island']:0{width}}": island["best"][objective]
        for island in islands
        if objective in island.get("best", {})
    }
    values["islands/diversity"] = fmean(island["diversity"] for island in islands)
    values["islands/arrivals"] = sum(island["arrivals"] for island in islands)
    values["islands/stagnant"] = max(island["stagnant"] for island in islands)
    if space.evolution.stagnation is not None:
        values["islands/reseeded"] = sum(island["reseeded"] for island in islands)
    return values


def _problems(figures: Mapping[str, Any]) -> dict[str, float | None]:
    """Answers that failed, or were cut; the kinds of failures and the members to blame only where there are any."""
    values: dict[str, float | None] = {"problems/failed": figures.get("failed_items")}
    for row in figures.get("failed", ()):
        for name in (str(row["kind"]), f"by_{row['member']}" if row.get("member") else ""):
            if name:
                place = f"problems/failed_{name}"
                values[place] = (values.get(place) or 0) + row["items"]
    return values | {f"problems/{name}": figures.get(name) for name in _PROBLEMS}
