"""The settings of evolution: plain frozen data, checked where it contradicts itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from evoswarm.errors import SpaceError, Where

Topology = Literal["ring", "bidirectional_ring", "torus", "star", "fully_connected", "unconnected", "edges"]
Select = Literal["best", "random", "diverse"]
Replace = Literal["worst", "random", "oldest"]
Edge = tuple[int, int]


@dataclass(frozen=True)
class Objective:
    """What is to be made large (or small).

    Attributes:
        name: for people and for the objective weights of islands.
        maximise: larger is better; False: smaller is better.
    """

    name: str
    maximise: bool = True

    @property
    def sign(self) -> float:
        """What turns a raw value into larger-is-better."""
        return 1.0 if self.maximise else -1.0


@dataclass(frozen=True)
class IslandSettings:
    """How one island evolves.

    Attributes:
        population: individuals kept, and new ones asked for in every generation.
        crossover: probability that a child has two parents.
        mutation: probability that a child is mutated.
        mutated_genes: active genes that a mutation changes, on average.
        tournament: candidates per tournament.
        elites: best parents that survive as they are (one objective, or objective weights; NSGA-II keeps its
            front by itself). At most ``population - 1`` of them.
        objective_weights: objective name -> weight, >= 0; the island then ranks by the weighted sum of the
            objectives, each divided by the range it had in the first generation. None: by the one objective, or
            by NSGA-II when there are several.
        algorithm: a key of ``ISLANDS``; all but the genetic one need only ``population`` and ``objective_weights``.
    """

    population: int = 12
    crossover: float = 0.7
    mutation: float = 0.9
    mutated_genes: float = 2.0
    tournament: int = 3
    elites: int = 2
    objective_weights: Mapping[str, float] | None = None
    algorithm: str = "genetic"


@dataclass(frozen=True)
class MigrationSettings:
    """Who travels between islands, when, and whom they replace.

    Attributes:
        topology: which islands are connected.
        edges: (source, target) pairs of ``topology="edges"``.
        every: generations between two migrations.
        count: emigrants per edge.
        select: ``best``; ``random``; ``diverse``, those of the better half that are farthest from the target.
        replace: ``worst``, ``random`` or ``oldest`` of the target (never its best, never a newcomer).
        copy: emigrants also stay where they were; False: they leave.
    """

    topology: Topology = "ring"
    edges: tuple[Edge, ...] = ()
    every: int = 2
    count: int = 1
    select: Select = "best"
    replace: Replace = "worst"
    copy: bool = True


@dataclass(frozen=True)
class GuidanceSettings:
    """What is done with what can be known of genomes before they are evaluated; nothing without a guide.

    Attributes:
        refine: share of the children that are made a few steps better.
        screen: drafts for every individual, of which the most promising is evaluated; 1 is no choice.
        order: of equals in tournaments and survival, the more promising is the better.
    """

    refine: float = 0.0
    screen: int = 1
    order: bool = False


UNGUIDED = GuidanceSettings()


@dataclass(frozen=True)
class ArchipelagoSettings:
    """An island model.

    Attributes:
        islands: one entry per island.
        objectives: what individuals are measured by, in the order of their raw values.
        migration: who travels.
        stagnation: generations without a better best after which an island is reseeded; None is never.
        guidance: what is done with a guide, where there is one.

    Raises:
        SpaceError: the settings contradict themselves.
    """

    islands: tuple[IslandSettings, ...]
    objectives: tuple[Objective, ...] = (Objective("accuracy"),)
    migration: MigrationSettings = MigrationSettings()
    stagnation: int | None = None
    guidance: GuidanceSettings = UNGUIDED

    def __post_init__(self) -> None:
        if not self.islands:
            raise _wrong("evolution.islands", "expected at least one island, got none")
        names = [objective.name for objective in self.objectives]
        if not names or len(set(names)) < len(names):
            raise _wrong("objectives", f"expected at least one name and none twice, got {names}")
        for index, island in enumerate(self.islands):
            self._check_island(f"evolution.islands.{index}", island, names)
        for edge in self.migration.edges:
            if not all(0 <= end < len(self.islands) for end in edge) or edge[0] == edge[1]:
                message = f"expected two different islands of 0 to {len(self.islands) - 1}, got {list(edge)}"
                raise _wrong("evolution.edges", message)

    @staticmethod
    def _check_island(path: str, island: IslandSettings, names: list[str]) -> None:
        if island.population < 2:
            raise _wrong(f"{path}.population", f"expected at least 2, got {island.population}")
        if island.objective_weights is None:
            return
        for name, weight in island.objective_weights.items():
            if name not in names:
                message = f"expected one of the objectives {', '.join(names)}, got {name!r}"
                raise _wrong(f"{path}.objective_weights", message)
            if not (math.isfinite(weight) and weight >= 0):
                raise _wrong(f"{path}.objective_weights.{name}", f"expected a number >= 0, got {weight}")
        if not any(island.objective_weights.values()):
            raise _wrong(f"{path}.objective_weights", "expected a weight above 0, got none")


def _wrong(path: str, message: str) -> SpaceError:
    return SpaceError(message, Where("space", path))
