"""The search algorithms, one a file. A new one is a file here, an entry in `ISLANDS` and one in `ALGORITHMS`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from evoswarm.evolution.coordinates import Coordinates
from evoswarm.evolution.settings import ArchipelagoSettings, Objective

if TYPE_CHECKING:  # spaces read the names, and DEAP and Optuna are slow to import
    from evoswarm.evolution.algorithm import Algorithm, Guide, Representation
    from evoswarm.evolution.island import Island, IslandSetup

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
class _Kind:
    """What can be said of an algorithm without importing it.

    Attributes:
        maker: ``module:function`` or ``module:class``; imported when it is asked for.
        fewest_objectives: that it optimises.
        most_objectives: likewise; None is any number.
    """

    maker: str
    fewest_objectives: int = 1
    most_objectives: int | None = None

    def takes(self, objectives: int) -> bool:
        """Whether it can optimise so many."""
        most = self.most_objectives
        return self.fewest_objectives <= objectives and (most is None or objectives <= most)

    @property
    def optimises(self) -> str:
        """How many objectives it takes, in words: ``1 objective``, ``2 objectives``, ``1 or more objectives``."""
        fewest, most = self.fewest_objectives, self.most_objectives
        if most is None:
            return f"{fewest} or more objectives"
        count = f"{fewest}" if fewest == most else f"{fewest} to {most}"
        return f"{count} objective{'' if most == 1 else 's'}"


@dataclass(frozen=True)
class IslandKind(_Kind):
    """What can live on an island; its maker takes a `IslandSetup`."""

    def make(self, place: IslandSetup[G]) -> Island[G]:
        """The island at its beginning.

        Raises:
            ValueError: it cannot optimise so many objectives.
        """
        if not self.takes(place.numbers):
            raise ValueError(f"expected {self.optimises} (the algorithm takes no others), got {place.numbers}")
        return cast("Island[G]", resolve_name(self.maker)(place))

    @property
    def alone(self) -> AlgorithmKind:
        """It as a whole search."""
        return _Alone(self.maker, self.fewest_objectives, self.most_objectives)


@dataclass(frozen=True)
class AlgorithmKind(_Kind):
    """A whole search; its maker takes a `Setup`.

    Attributes:
        islands: it has islands, whose places individuals may race for.
    """

    islands: bool = False

    def make(self, setup: Setup[G]) -> Algorithm[G]:
        """The algorithm at its beginning.

        Raises:
            SpaceError: the settings contradict themselves.
            ValueError: it cannot optimise so many objectives.
        """
        return cast("Algorithm[G]", resolve_name(self.maker)(setup))


@dataclass(frozen=True)
class _Alone(AlgorithmKind):
    """One island as a whole search; its maker takes a `IslandSetup`."""

    def make(self, setup: Setup[G]) -> Algorithm[G]:
        """One island of the size of all that were asked for."""
        from evoswarm.evolution.batch_search import BatchSearch

        kind = IslandKind(self.maker, self.fewest_objectives, self.most_objectives)
        return BatchSearch(kind, setup.representation, setup.objectives, setup.seed, setup.batch, setup.coordinates)


ARCHIPELAGO = "archipelago"
"""What searches where a space says nothing else; its islands may differ in what lives on them."""

GENETIC = "genetic"
"""What lives on an island that says nothing else."""

ISLANDS: dict[str, IslandKind] = {
    GENETIC: IslandKind("evoswarm.evolution.algorithms.genetic_search:GeneticSearch"),
    "random": IslandKind("evoswarm.evolution.algorithms.random_search:RandomSearch"),
    "tpe": IslandKind("evoswarm.evolution.algorithms.tpe:TpeSearch"),
    "cmaes": IslandKind("evoswarm.evolution.algorithms.cma_es:CmaEsSearch", most_objectives=1),
    "nsga2": IslandKind("evoswarm.evolution.algorithms.nsga2:Nsga2Search"),
    "catcma": IslandKind("evoswarm.evolution.algorithms.catcma:CatCmaSearch", most_objectives=1),
    "comocatcma": IslandKind("evoswarm.evolution.algorithms.comocatcma:ComoCatCmaSearch", 2, 2),
    "particles": IslandKind("evoswarm.evolution.algorithms.particles:ParticleSearch", most_objectives=1),
}
"""By the name that ``evolution.islands[].algorithm`` of a space gives it."""

ALGORITHMS: dict[str, AlgorithmKind] = {
    ARCHIPELAGO: AlgorithmKind("evoswarm.evolution.algorithms.archipelago:archipelago", islands=True),
    "island": AlgorithmKind("evoswarm.evolution.algorithms.archipelago:single_island", islands=True),
    "random": ISLANDS["random"].alone,
    "tpe": ISLANDS["tpe"].alone,
    "cmaes": ISLANDS["cmaes"].alone,
    "nsga2": ISLANDS["nsga2"].alone,
    "catcma": ISLANDS["catcma"].alone,
    "comocatcma": ISLANDS["comocatcma"].alone,
    "particles": ISLANDS["particles"].alone,
}
"""By the name that ``evolution.algorithm`` of a space gives it."""
