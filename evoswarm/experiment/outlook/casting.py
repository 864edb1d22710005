"""Who stands for the items of each split when a command is played small."""

from __future__ import annotations

from collections.abc import Sequence

from evoswarm.experiment.workbench import Workbench
from evoswarm.tasks.task import Item, SplitName


def casts(bench: Workbench, counts: Sequence[int]) -> list[dict[SplitName, Sequence[Item]]]:
    """Items for acts of so many each, no item twice where there are enough.

    Items of the selection split stand for test items, if such are asked for: those themselves are never among them.
    """
    search, selection = list(bench.items["search"]), list(bench.items["selection"])
    found: list[dict[SplitName, Sequence[Item]]] = []
    for count in counts:
        search, own = _taken(search, bench.items["search"], count)
        selection, chosen = _taken(selection, bench.items["selection"], count)
        found.append({"search": own, "selection": chosen})
        if "test" in bench.items:
            selection, found[-1]["test"] = _taken(selection, bench.items["selection"], count)
    return found


def _taken(rest: list[Item], everything: Sequence[Item], count: int) -> tuple[list[Item], list[Item]]:
    """What is left when so many are taken, and these; from the beginning again where too few are left."""
    if len(rest) < count:
        rest = list(everything)
    return rest[count:], rest[:count]
