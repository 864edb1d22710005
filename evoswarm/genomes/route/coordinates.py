"""The route genome as a point of a box: the coordinates of every part, and the part of every kind."""

from __future__ import annotations

from collections.abc import Callable

from evoswarm.evolution.coordinates import Choice, Coordinate, Coordinates, Point
from evoswarm.genomes.mix.genes import RecipeGenome
from evoswarm.genomes.route.genes import RouteGenome


class RouteCoordinates:
    """A ``Coordinates[RouteGenome]``: ``0:weight:NAME`` and the like for the mix of each part, ``kind:0`` and so on.

    Args:
        mixes: the box of a mix.
        parts: how many mixes there are.
        kinds: of items.
        repair: makes a genome one that the space allows.
    """

    def __init__(
        self,
        mixes: Coordinates[RecipeGenome],
        parts: int,
        kinds: int,
        repair: Callable[[RouteGenome], RouteGenome],
    ) -> None:
        self._mixes, self._parts, self._kinds, self._repair = mixes, parts, kinds, repair
        inner = [Coordinate(f"{part}:{one.name}", one.choices) for part in range(parts) for one in mixes.dimensions]
        places = [Coordinate(f"kind:{kind}", tuple(range(parts))) for kind in range(kinds)] if parts > 1 else []
        self._dimensions = (*inner, *places)

    @property
    def dimensions(self) -> tuple[Coordinate, ...]:
        """All coordinates, part by part, then the kinds."""
        return self._dimensions

    def encode(self, genome: RouteGenome) -> dict[str, Choice | float]:
        """The point of a genome."""
        points = [self._mixes.encode(part) for part in genome.parts]
        found = {f"{part}:{name}": value for part, point in enumerate(points) for name, value in point.items()}
        return {**found, **self.kinds(genome)}

    def kinds(self, genome: RouteGenome) -> dict[str, Choice | float]:
        """The part of every kind, where there are several parts."""
        return {f"kind:{kind}": place for kind, place in enumerate(genome.places)} if self._parts > 1 else {}

    def decode(self, point: Point) -> RouteGenome:
        """The genome of a point, repaired."""
        inner: list[dict[str, Choice | float]] = [{} for _ in range(self._parts)]
        for name, value in point.items():
            part, _, rest = name.partition(":")
            if part != "kind":
                inner[int(part)][rest] = value
        places = tuple(int(point.get(f"kind:{kind}", 0)) for kind in range(self._kinds))
        return self._repair(RouteGenome(tuple(map(self._mixes.decode, inner)), places))
