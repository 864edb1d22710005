"""Which items the rungs of a race hold: as many of every task, and others in every generation."""

from __future__ import annotations

from collections.abc import Sequence

from evoswarm.tasks.splits import quotas
from evoswarm.tasks.task import Item


class RungSchedule:
    """Deals items, by their places, to the rungs of every generation.

    Each rung holds as many of every task (as a split does), and all of the rung before. From one generation to the
    next each task's window moves on by what the first rung holds, so that no fixed few items decide everything.

    Args:
        items: of a split; every task has as many, or one fewer than those before it.
        sizes: how many items each rung holds, growing; the last is all of them.
    """

    def __init__(self, items: Sequence[Item], sizes: Sequence[int]) -> None:
        self.by_task: dict[str, list[int]] = {}
        for place, item in enumerate(items):
            self.by_task.setdefault(item.task, []).append(place)
        self._quotas = [quotas(size, len(self.by_task)) for size in sizes]

    def rungs(self, generation: int) -> list[list[int]]:
        """Places of the items of every rung of a generation (counted from 0), each rung's in growing order."""
        return [
            sorted(
                places[(generation * first + step) % len(places)]
                for places, first, count in zip(self.by_task.values(), self._quotas[0], counts, strict=True)
                for step in range(count)
            )
            for counts in self._quotas
        ]
