"""What moved the islands, which says whether anybody there descends from anybody."""

from __future__ import annotations

from typing import Any

from evoswarm.evolution.algorithms import ALGORITHMS, ARCHIPELAGO, GENETIC
from evoswarm.report.run_files import RunFiles
from evoswarm.space import SearchSpace

_BREEDING = (GENETIC, "particles")


def lineage(run: RunFiles) -> dict[str, Any] | None:
    """How individuals come to be here; each one's parents are among the columns of `individuals`. None without any.

    Returns:
        ``algorithms`` (what moves the islands, each once) and ``breeds`` (whether one of them makes individuals out of
        others).
    """
    if not run.individuals:
        return None
    algorithms = _algorithms(run.space)
    return {"algorithms": algorithms, "breeds": any(name in _BREEDING for name in algorithms)}


def _algorithms(space: SearchSpace) -> list[str]:
    evolution = space.evolution
    if not ALGORITHMS[evolution.algorithm].islands:
        return [evolution.algorithm]
    if evolution.algorithm != ARCHIPELAGO or isinstance(evolution.islands, int):
        return [GENETIC]
    return list(dict.fromkeys(island.algorithm or GENETIC for island in evolution.islands))
