"""The route genome: several mix genomes, and which of them answers which kind of items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from evoswarm.genomes.mix.genes import RecipeGenome


@dataclass(frozen=True)
class RouteGenome:
    """The genes of a route.

    Attributes:
        parts: genomes of the mixes; one that answers nothing sleeps.
        places: per kind of items, the position of the part that answers.
    """

    parts: tuple[RecipeGenome, ...]
    places: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.places or not all(0 <= place < len(self.parts) for place in self.places):
            raise ValueError(f"expected a part for every kind of items, got {self.places} of {len(self.parts)} parts")

    @property
    def first(self) -> int:
        """The part that answers the most kinds, of equals the first."""
        return max(range(len(self.parts)), key=lambda part: (self.places.count(part), -part))

    @property
    def awake(self) -> list[int]:
        """The parts that answer anything, in order."""
        return sorted(set(self.places))

    def at(self, kind: int) -> RecipeGenome:
        """The mix that answers a kind."""
        return self.parts[self.places[kind]]

    def with_part(self, part: int, genome: RecipeGenome) -> RouteGenome:
        """The same with another mix at a position."""
        return replace(self, parts=(*self.parts[:part], genome, *self.parts[part + 1 :]))

    def placed(self, kind: int, part: int) -> RouteGenome:
        """The same where a kind goes to a part."""
        return replace(self, places=(*self.places[:kind], part, *self.places[kind + 1 :]))

    def to_dict(self) -> dict[str, Any]:
        """The genome as JSON data."""
        return {"parts": [part.to_dict() for part in self.parts], "places": list(self.places)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RouteGenome:
        """Read what `to_dict` wrote, exactly.

        Raises:
            ValueError: the data is no genome.
        """
        if set(data) != {"parts", "places"}:
            raise ValueError(f"expected the genes of a route (parts, places), got {', '.join(sorted(data))}")
        return cls(tuple(RecipeGenome.from_dict(part) for part in data["parts"]), tuple(data["places"]))
