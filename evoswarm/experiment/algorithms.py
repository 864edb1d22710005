"""Which search algorithm a space asks for."""

from __future__ import annotations

from evoswarm.evolution.algorithm import Algorithm
from evoswarm.evolution.archipelago import Archipelago
from evoswarm.evolution.random_search import RandomSearch
from evoswarm.genomes.archipelago_settings import archipelago_settings, island_settings, objectives_of
from evoswarm.genomes.mix.coordinates import RecipeCoordinates
from evoswarm.genomes.mix.genes import RecipeGenome
from evoswarm.genomes.mix.representation import RecipeRepresentation
from evoswarm.space import SearchSpace


def algorithm_of(space: SearchSpace, representation: RecipeRepresentation) -> Algorithm[RecipeGenome]:
    """The algorithm that ``evolution.algorithm`` names, at its beginning.

    All of them ask for as many individuals a generation as the archipelago's islands have in all.

    Args:
        space: the search space, with its seed.
        representation: of its genomes.

    Raises:
        SpaceError: the settings of the archipelago contradict themselves.
    """
    name = space.evolution.algorithm
    if name == "archipelago":
        return Archipelago(archipelago_settings(space), representation, space.seed)
    if name == "island":
        return Archipelago(island_settings(space), representation, space.seed)
    objectives, batch = objectives_of(space), generation_size(space)
    if name == "random":
        return RandomSearch(representation, objectives, space.seed, batch)
    from evoswarm.evolution.samplers import SampledSearch  # Optuna is slow to import

    coordinates = RecipeCoordinates(representation)
    return SampledSearch(name, representation, coordinates, objectives, space.seed, batch)


def generation_size(space: SearchSpace) -> int:
    """Individuals asked for in a generation."""
    return sum(island.population for island in archipelago_settings(space).islands)
