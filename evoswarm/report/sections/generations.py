"""Generation by generation: how the islands fared, and what it took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median, quantiles
from typing import Any

from evoswarm.report.run_files import RunFiles
from evoswarm.report.sections.numbers import short

_BAND = ("best", "median", "lower_quartile", "upper_quartile")


def generations(run: RunFiles) -> dict[str, Any] | None:
    """The figures of generations by island, as they were journalled; None before the first is over.

    Earlier versions journalled none of them. Then they are those of who was evaluated in each generation (``source``
    is ``individuals``), which is less than its population: it lacks the survivors of earlier ones.

    Returns:
        ``source`` (``figures`` or ``individuals``), ``objectives`` (names), ``generation`` (numbers, in order),
        ``islands`` (by island and objective, ``best``, ``median``, ``lower_quartile`` and ``upper_quartile``, a value a
        generation, null where an island had nobody), ``stagnant`` and ``diversity`` (by island; of figures), and, of
        each generation, ``evaluations`` (new ones), ``decoded``, ``seconds`` (null where a generation was replayed) and
        ``hypervolume`` of the front so far; of figures.
    """
    if not run.individuals:
        return None
    objectives = list(run.space.objectives)
    figures = run.generations
    if not figures:
        return {"source": "individuals", "objectives": objectives, **_of_individuals(run.individuals, objectives)}
    numbers = [one["generation"] for one in figures]
    count = 1 + max((island["island"] for one in figures for island in one["islands"]), default=0)
    by_island = [{island["island"]: island for island in one["islands"]} for one in figures]
    return {
        "source": "figures",
        "objectives": objectives,
        "generation": numbers,
        "islands": [
            {
                name: {key: [short(one.get(island, {}).get(key, {}).get(name)) for one in by_island] for key in _BAND}
                for name in objectives
            }
            for island in range(count)
        ],
        **{
            key: [[short(one.get(island, {}).get(key)) for one in by_island] for island in range(count)]
            for key in ("stagnant", "diversity")
        },
        "evaluations": [one["new_evaluations"] for one in figures],
        "decoded": [one["decoded"] for one in figures],
        "seconds": [None if one["replayed"] else short(one["seconds"], 4) for one in figures],
        "hypervolume": [short((one.get("front") or {}).get("hypervolume")) for one in figures],
    }


def _of_individuals(rows: Sequence[Mapping[str, Any]], objectives: Sequence[str]) -> dict[str, Any]:
    """Likewise, of those who were evaluated in each generation."""
    told: dict[tuple[int, int], list[Sequence[float]]] = defaultdict(list)
    for row in rows:
        if row["objectives"] and row.get("migrated_from") is None:
            told[row["island"], row["generation"]].append(row["objectives"])
    numbers = sorted({row["generation"] for row in rows})
    islands = range(1 + max(row["island"] for row in rows))
    bands = [
        {
            name: [_band([values[place] for values in told[island, number]], name) for number in numbers]
            for place, name in enumerate(objectives)
        }
        for island in islands
    ]
    columns = [
        {name: {key: [one[key] for one in band] for key in _BAND} for name, band in island.items()} for island in bands
    ]
    return {"generation": numbers, "islands": columns}


def _band(values: Sequence[float], objective: str) -> dict[str, Any]:
    if not values:
        return dict.fromkeys(_BAND)
    best = max(values) if objective.startswith("accuracy") else min(values)
    lower, _, upper = quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    found = {"best": best, "median": float(median(values)), "lower_quartile": lower, "upper_quartile": upper}
    return {name: short(float(value)) for name, value in found.items()}
