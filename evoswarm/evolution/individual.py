"""An individual: a genome, where it came from, and what became of it. Immutable, and generic in the genome."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

G = TypeVar("G")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an individual came from.

    Attributes:
        generation: in which it was born on its island, or arrived there.
        island: on which it lives.
        number: counts the individuals of this generation and island.
        operator: what made it (``single:NAME``, ``random``, ``crossover+mutation``, ``migration``, ...).
        parents: their ids.
        migrated_from: id of the individual that it is a clone of, when it travelled.
    """

    generation: int
    island: int
    number: int
    operator: str
    parents: tuple[str, ...] = ()
    migrated_from: str | None = None

    @property
    def id(self) -> str:
        """The deterministic name of the individual, e.g. ``g03-i2-07``."""
        return f"g{self.generation:02d}-i{self.island}-{self.number:02d}"


@dataclass(frozen=True, slots=True)
class Individual(Generic[G]):
    """A genome with its origin and, once told, its outcome: objectives or a failure, never both.

    Attributes:
        genome: what evolution varies.
        key: digest of the behaviour; individuals with one key behave equally.
        origin: where it came from.
        objectives: raw values in their natural units, in the order of the settings' objectives (whether larger
            or smaller is better is for the settings to say); empty as long as it has not been evaluated, and for
            ever when it failed.
        promise: what was expected of it before it was evaluated, by which equals are told apart; empty if nothing was.
        failure: the kind of failure, or None. A failure is never a number. (Its message is not kept here: it may
            differ from machine to machine, and lineages are compared byte for byte.)

    Raises:
        ValueError: an objective is not finite, or there are both objectives and a failure.
    """

    genome: G
    key: str
    origin: Origin
    objectives: tuple[float, ...] = ()
    failure: str | None = None
    promise: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not all(math.isfinite(value) for value in self.objectives):
            raise ValueError(f"{self.id}: expected finite objectives, got {self.objectives}")
        if self.objectives and self.failure is not None:
            raise ValueError(f"{self.id}: expected objectives or a failure, got both")

    @property
    def id(self) -> str:
        """The deterministic name, e.g. ``g03-i2-07``."""
        return self.origin.id

    @property
    def order(self) -> tuple[int, int, int]:
        """Sorts individuals by generation, island and number (ids do not, beyond 99)."""
        return (self.origin.generation, self.origin.island, self.origin.number)

    @property
    def evaluated(self) -> bool:
        """Whether its outcome is known."""
        return self.succeeded or self.failure is not None

    @property
    def succeeded(self) -> bool:
        """Whether it was evaluated without failure."""
        return bool(self.objectives)

    def scored(self, objectives: Iterable[float]) -> Individual[G]:
        """Give it its raw objectives; a value that is not finite makes it the failure ``non_finite``."""
        values = tuple(float(value) for value in objectives)
        if not values:
            raise ValueError(f"{self.id}: expected at least one objective, got none")
        if not all(math.isfinite(value) for value in values):
            return self.failed("non_finite")
        return replace(self, objectives=values, failure=None)

    def failed(self, kind: str) -> Individual[G]:
        """Mark it as a failure of this kind."""
        return replace(self, objectives=(), failure=kind)

    def to_dict(self, encode: Callable[[G], Any]) -> dict[str, Any]:
        """The individual as JSON data: one line of a lineage file. It holds no clock.

        Args:
            encode: turns the genome into JSON data.
        """
        expected = {"promise": list(self.promise)} if self.promise else {}
        return {
            "id": self.id,
            "generation": self.origin.generation,
            "island": self.origin.island,
            "number": self.origin.number,
            "operator": self.origin.operator,
            "parents": list(self.origin.parents),
            "migrated_from": self.origin.migrated_from,
            "key": self.key,
            "objectives": list(self.objectives),
            "failure": self.failure,
            "genome": encode(self.genome),
            **expected,
        }
