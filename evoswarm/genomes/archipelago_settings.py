"""From the ``evolution`` part of a search space to the settings that evolution itself understands."""

from __future__ import annotations

from dataclasses import replace

from evoswarm.evolution.settings import ArchipelagoSettings, IslandSettings, MigrationSettings, Objective
from evoswarm.space import Evolution, IslandOverrides, SearchSpace


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
    choices = evolution.islands
    islands = (IslandOverrides(),) * choices if isinstance(choices, int) else choices
    return ArchipelagoSettings(
        islands=tuple(_island(evolution, island) for island in islands),
        objectives=objectives_of(space),
        migration=MigrationSettings(
            topology=evolution.topology,
            edges=evolution.edges,
            every=evolution.migration.every,
            count=evolution.migration.count,
            select=evolution.migration.select,
            replace=evolution.migration.replace,
            copy=evolution.migration.copy_migrants,
        ),
        stagnation=evolution.stagnation,
    )


def island_settings(space: SearchSpace) -> ArchipelagoSettings:
    """One island in place of the archipelago of a space: as many individuals and elites in all, nobody travels."""
    whole = archipelago_settings(space)
    equal = _island(space.evolution, IslandOverrides())
    one = replace(
        equal,
        population=sum(island.population for island in whole.islands),
        elites=sum(island.elites for island in whole.islands),
    )
    return replace(whole, islands=(one,), migration=MigrationSettings(topology="unconnected"))


def _island(evolution: Evolution, island: IslandOverrides) -> IslandSettings:
    return IslandSettings(
        population=evolution.population if island.population is None else island.population,
        crossover=evolution.crossover if island.crossover is None else island.crossover,
        mutation=evolution.mutation if island.mutation is None else island.mutation,
        mutated_genes=evolution.mutated_genes if island.mutated_genes is None else island.mutated_genes,
        tournament=evolution.tournament if island.tournament is None else island.tournament,
        elites=evolution.elites if island.elites is None else island.elites,
        objective_weights=island.objective_weights,
    )
