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


class Relaxed(Coordinates[G]):
    """The same box for algorithms that know no categories: each is a number from 0 to 1, cut into equal parts.

    Args:
        coordinates: with categories.
    """

    def __init__(self, coordinates: Coordinates[G]) -> None:
        self._coordinates = coordinates
        self._choices = {one.name: one.choices for one in coordinates.dimensions if one.choices}
        self._dimensions = tuple(Coordinate(one.name) for one in coordinates.dimensions)

    @property
    def dimensions(self) -> tuple[Coordinate, ...]:
        """As many as before, all of them numbers."""
        return self._dimensions

    def encode(self, genome: G) -> dict[str, Choice | float]:
        """The point of a genome; a category is the middle of its part."""
        point = self._coordinates.encode(genome)
        for name, choices in self._choices.items():
            point[name] = (choices.index(point[name]) + 0.5) / len(choices)
        return point

    def decode(self, point: Point) -> G:
        """The genome of a point."""
        whole = dict(point)
        for name, choices in self._choices.items():
            whole[name] = choices[min(int(float(whole[name]) * len(choices)), len(choices) - 1)]
        return self._coordinates.decode(whole)
