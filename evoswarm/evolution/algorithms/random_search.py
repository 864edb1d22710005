"""Random search: what every other search must beat."""

from __future__ import annotations

from typing import TypeVar

from evoswarm.evolution.genetic import Draft
from evoswarm.evolution.island import Island

G = TypeVar("G")


class RandomSearch(Island[G]):
    """Tries random genomes; immigrants teach it nothing."""

    def _draw(self, generation: int, count: int) -> list[Draft[G]]:
        return self._random(generation, count)
