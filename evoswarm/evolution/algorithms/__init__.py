"""The search algorithms, one a file. A new one is a file here and an entry in `ALGORITHMS`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from evoswarm.evolution.coordinates import Coordinates
from evoswarm.evolution.settings import ArchipelagoSettings, Objective

if TYPE_CHECKING:  # spaces read the names, and DEAP and Optuna are slow to import
    from evoswarm.evolution.algorithm import Algorithm, Guide, Representation

G = TypeVar("G")


@dataclass(frozen=True)
class Setup(Generic[G]):
    """What an algorithm is made of; each takes what it needs.

    Attributes:
        representation: of the genomes.
        coordinates: of the genomes, for algorithms that know numbers and categories only.
        archipelago: the islands that were asked for.
        single_island: the same effort on one island.
        seed: of the search.
        guide: knows something of genomes before they are evaluated; for algorithms that breed.
    """

    representation: Representation[G]
    coordinates: Coordinates[G]
    archipelago: ArchipelagoSettings
    single_island: ArchipelagoSettings
    seed: int
    guide: Guide[G] | None = None

    @property
    def objectives(self) -> Sequence[Objective]:
        """What individuals are measured by."""
        return self.archipelago.objectives

    @property
    def batch(self) -> int:
        """Individuals of a generation."""
        return sum(island.population for island in self.archipelago.islands)


@dataclass(frozen=True)
class AlgorithmKind:
    """An algorithm, and what it can do.

    Attributes:
        maker: ``module:function`` or ``module:class.method``, of a `Setup`; imported when it is asked for.
        islands: it has islands, whose places individuals may race for.
        several_objectives: it optimises more than one objective.
    """

    maker: str
    islands: bool = False
    several_objectives: bool = True

    def make(self, setup: Setup[G]) -> Algorithm[G]:
        """The algorithm at its beginning.

        Raises:
            SpaceError: the settings contradict themselves.
            ValueError: it cannot optimise so many objectives.
        """
        return cast("Algorithm[G]", resolve_name(self.maker)(setup))


ALGORITHMS: dict[str, AlgorithmKind] = {
    "archipelago": AlgorithmKind("evoswarm.evolution.algorithms.archipelago:archipelago", islands=True),
    "island": AlgorithmKind("evoswarm.evolution.algorithms.archipelago:single_island", islands=True),
    "random": AlgorithmKind("evoswarm.evolution.algorithms.random_search:RandomSearch.of"),
    "tpe": AlgorithmKind("evoswarm.evolution.algorithms.tpe:TpeSearch.of"),
    "cmaes": AlgorithmKind("evoswarm.evolution.algorithms.cma_es:CmaEsSearch.of", several_objectives=False),
    "nsga2": AlgorithmKind("evoswarm.evolution.algorithms.nsga2:Nsga2Search.of"),
}
"""By the name that ``evolution.algorithm`` of a space gives it."""
