"""Genomes as points of a box, for algorithms that know nothing but numbers and categories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

G = TypeVar("G")

Choice = bool | int | str
Point = Mapping[str, Choice | float]


@dataclass(frozen=True)
class Coordinate:
    """One dimension.

    Attributes:
        name: unique among the coordinates.
        choices: of a category, at least two; empty for a place from 0 to 1, on the scale on which genomes are drawn
            (so that a uniform place is what a random genome has there).
    """

    name: str
    choices: tuple[Choice, ...] = ()


class Coordinates(Protocol[G]):
    """A box of fixed dimensions in which every point is a genome. Coordinates that do not matter at a point (those of
    dormant genes) stay in it and change nothing."""

    @property
    def dimensions(self) -> tuple[Coordinate, ...]:
        """All coordinates, in a fixed order; none for what cannot vary."""
        ...

    def encode(self, genome: G) -> dict[str, Choice | float]:
        """The point of a genome: decoding it gives a genome that behaves alike (up to rounding)."""
        ...

    def decode(self, point: Point) -> G:
        """The genome of a point; any point of the box has one."""
        ...


def boxed(coordinates: Coordinates[G] | None) -> Coordinates[G]:
    """The coordinates, for whoever cannot do without.

    Raises:
        ValueError: there are none.
    """
    if coordinates is None:
        raise ValueError("expected coordinates (the algorithm knows numbers and categories only), got none")
    return coordinates
