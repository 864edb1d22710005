"""From the ``evolution`` part of a search space to the settings that evolution itself understands."""

from __future__ import annotations

from dataclasses import replace

from evoswarm.evolution.settings import (
    ArchipelagoSettings,
    GuidanceSettings,
    IslandSettings,
    MigrationSettings,
    Objective,
)
from evoswarm.space import Evolution, IslandOverrides, SearchSpace

_PER_ISLAND = {"population", "crossover", "mutation", "mutated_genes", "tournament", "elites"}


def objectives_of(space: SearchSpace) -> tuple[Objective, ...]:
    """The objectives of a space: accuracies are to be large, costs and open shares small."""
    return tuple(Objective(name, maximise=name.split(":")[0] == "accuracy") for name in space.objectives)


def archipelago_settings(space: SearchSpace) -> ArchipelagoSettings:
    """The island model of a space; what an island leaves open is the value of ``evolution``.

    Raises:
        SpaceError: the settings contradict themselves (edges of islands that are not there, weights of
            objectives that the space does not have).
    """
    evolution = space.evolution
    given = evolution.islands
    islands = (IslandOverrides(),) * given if isinstance(given, int) else given
    return ArchipelagoSettings(
        islands=tuple(_island(evolution, island) for island in islands),
        objectives=objectives_of(space),
        migration=MigrationSettings(
            topology=evolution.topology, edges=evolution.edges, **evolution.migration.model_dump(by_alias=True)
        ),
        stagnation=evolution.stagnation,
        guidance=GuidanceSettings(**evolution.gold.model_dump(include={"refine", "screen", "order"})),
    )


def island_settings(space: SearchSpace) -> ArchipelagoSettings:
    """One island in place of the archipelago of a space: as many individuals and elites in all, nobody travels."""
    whole = archipelago_settings(space)
    one = replace(
        _island(space.evolution, IslandOverrides()),
        population=sum(island.population for island in whole.islands),
        elites=sum(island.elites for island in whole.islands),
    )
    return replace(whole, islands=(one,), migration=MigrationSettings(topology="unconnected"))


def _island(evolution: Evolution, island: IslandOverrides) -> IslandSettings:
    return IslandSettings(**evolution.model_dump(include=_PER_ISLAND) | island.model_dump(exclude_none=True))
