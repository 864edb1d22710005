"""Which search algorithm a space asks for."""

from __future__ import annotations

from typing import Any

from evoswarm.evolution.algorithm import Algorithm, Guide
from evoswarm.evolution.algorithms import ALGORITHMS, Setup
from evoswarm.genomes import PolicyGenomes
from evoswarm.genomes.archipelago_settings import archipelago_settings, island_settings
from evoswarm.space import SearchSpace


def algorithm_of(
    space: SearchSpace, genomes: PolicyGenomes[Any, Any], guide: Guide[Any] | None = None
) -> Algorithm[Any]:
    """The algorithm that ``evolution.algorithm`` names, at its beginning.

    All of them ask for as many individuals a generation as the archipelago's islands have in all.

    Args:
        space: the search space, with its seed.
        genomes: of the space.
        guide: knows something of genomes before they are evaluated; None is nobody.

    Raises:
        SpaceError: the settings of the archipelago contradict themselves.
    """
    setup = Setup(
        representation=genomes,
        coordinates=genomes.coordinates,
        archipelago=archipelago_settings(space),
        single_island=island_settings(space),
        seed=space.seed,
        guide=guide,
    )
    return ALGORITHMS[space.evolution.algorithm].make(setup)


def generation_size(space: SearchSpace) -> int:
    """Individuals asked for in a generation."""
    return sum(island.population for island in archipelago_settings(space).islands)
