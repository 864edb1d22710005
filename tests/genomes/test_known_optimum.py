"""A search space whose best recipe is known, with a cheap stand-in for decoding."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from evoswarm.evolution.algorithms import ISLANDS
from evoswarm.evolution.algorithms.archipelago import Archipelago
from evoswarm.evolution.batch_search import BatchSearch
from evoswarm.evolution.settings import Objective
from evoswarm.genomes.archipelago_settings import archipelago_settings
from evoswarm.genomes.mix.representation import MixGenomes
from evoswarm.policies.mix import Recipe

BEST_WEIGHTS = {"m1": 0.5, "m4": 0.3, "m6": 0.2}
BEST_TEMPERATURES = {"m1": 1.0, "m4": 0.7, "m6": 1.4}
GENERATIONS = 15


def worth(recipe: Recipe) -> float:
    """1 for the product of m1 (the lead), m4 and m6 with certain weights and temperatures; less for all else."""
    present = {member.spec.name: member for member in recipe.members}
    union = present.keys() | BEST_WEIGHTS.keys()
    common = present.keys() & BEST_WEIGHTS.keys()
    near = math.fsum(
        1 - min(1.0, abs(math.log(present[name].weight / BEST_WEIGHTS[name])))
        + 1 - min(1.0, abs(math.log(present[name].temperature / BEST_TEMPERATURES[name])))
        for name in sorted(common)
    )  # fmt: skip
    named = 0.5 * (recipe.fusion.rule == "product") + 0.5 * (recipe.lead == "m1")
    return 0.6 * len(common) / len(union) + 0.2 * near / 6 + 0.2 * named


def found(search: Any, made: Any, generations: Any) -> Any:
    for _ in range(generations):
        search.tell([individual.scored([worth(made.express(individual.genome))]) for individual in search.ask()])
    return search.archive.best(1)[0].objectives[0]


@pytest.mark.parametrize("seed", range(4))
def test_islands_reach_the_optimum_and_random_search_does_not(
    representation: Callable[..., MixGenomes], seed: int
) -> None:
    made = representation(10)
    settings = archipelago_settings(made.space)
    asked = sum(island.population for island in settings.islands)
    islands = Archipelago(settings, made, seed)
    rival = BatchSearch(ISLANDS["random"], made, [Objective("accuracy")], seed, batch=asked)
    assert found(islands, made, GENERATIONS) >= 0.95
    assert found(rival, made, GENERATIONS) < 0.9
    champion = made.express(islands.archive.best(1)[0].genome)
    assert {member.spec.name for member in champion.members} == set(BEST_WEIGHTS)
    assert champion.lead == "m1"
    assert champion.fusion.rule == "product"
