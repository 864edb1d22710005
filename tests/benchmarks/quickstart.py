"""The quickstart's pool, its items and recipes as evolution draws them: what most figures are measured on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from evoswarm import Recipe, Request, SearchSpace, Swarm
from evoswarm.decoding.member import Member
from evoswarm.experiment.calibrating import CALIBRATION_ITEMS, calibrate, genomes_for
from evoswarm.experiment.workbench import workbench
from evoswarm.genomes import PolicyGenomes
from evoswarm.tasks.task import Item, Task
from tests.benchmarks.figures import ROOT

SPACE = ROOT / "search_spaces" / "quickstart.yaml"
SEED = 20_251


@dataclass(frozen=True)
class Quickstart:
    """The quickstart's space made ready.

    Attributes:
        members: loaded.
        items: the 200 of the selection split.
        tasks: by name.
        representation: draws genomes and expresses them, thresholds calibrated as a search does it.
    """

    members: tuple[Member, ...]
    items: Sequence[Item]
    tasks: dict[str, Task]
    representation: PolicyGenomes[Any, Any]

    def recipes(self, count: int, seed: int = SEED) -> list[Recipe]:
        """Random recipes, no two alike."""
        rng = Random(seed)
        found: dict[str, Recipe] = {}
        while len(found) < count:
            recipe = self.representation.express(self.representation.random(rng))
            found.setdefault(recipe.digest, recipe)
        return list(found.values())

    def requests(self, recipes: Sequence[Recipe], items: Sequence[Item]) -> list[Request]:
        """Every recipe on every item, as an evaluator asks."""
        return [
            Request(
                recipe,
                item.prompt,
                item.key,
                max_bytes=self.tasks[item.task].max_bytes,
                stop=self.tasks[item.task].stop,
            )
            for recipe in recipes
            for item in items
        ]

    def spread_items(self, count: int) -> list[Item]:
        """So many items, tasks in turn."""
        return list(self.items[:: max(1, len(self.items) // count)][:count])


@cache
def quickstart() -> Quickstart:
    """Load the pool, draw the items, calibrate."""
    plain = space()
    with workbench(plain, ":memory:") as bench:
        table = calibrate(bench, bench.items["search"][:CALIBRATION_ITEMS], bench.space.alphabets[0])
        representation = genomes_for(bench, lambda alphabet: table)
        return Quickstart(bench.swarm.members, bench.items["selection"], dict(bench.tasks), representation)  # type: ignore[attr-defined]


@cache
def written(recipes: int, items: int) -> tuple[tuple[str, str], ...]:
    """Distinct (prompt, answer) pairs that random recipes of two members or more really wrote."""
    ready = quickstart()
    mixed = [recipe for recipe in ready.recipes(4 * recipes) if len(recipe.members) > 1][:recipes]
    requests = ready.requests(mixed, ready.spread_items(items))
    done = Swarm(ready.members).decode(requests)
    pairs = {
        (request.prompt, sample.text): None
        for request, completion in zip(requests, done, strict=True)
        for sample in completion.samples
    }
    return tuple(pairs)


def space(*overrides: str) -> SearchSpace:
    """The quickstart's space with other settings, each ``path.to.key=value``."""
    return SearchSpace.from_yaml(SPACE, overrides)
