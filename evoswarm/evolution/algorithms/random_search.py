"""Random search: the founders, then random genomes; what every other search must beat."""

from __future__ import annotations

from typing import TypeVar

from evoswarm.evolution.batch_search import BatchSearch
from evoswarm.evolution.genetic import Draft

G = TypeVar("G")


class RandomSearch(BatchSearch[G]):
    """Tries founders and random genomes."""

    def _draw(self, generation: int, count: int) -> list[Draft[G]]:
        return self._random(generation, count)
