"""A toy genome (numbers 0 to 9 at five places) and what tests need to evolve it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

import pytest

from evoswarm.evolution.algorithms.archipelago import Archipelago
from evoswarm.evolution.individual import Individual, Origin
from evoswarm.evolution.settings import ArchipelagoSettings, IslandSettings, MigrationSettings, Objective

PLACES = 5
Toy = list[int]  # mutable on purpose: nothing may be shared between islands


class ToyRepresentation:
    """Lists of digits; the last digit does not matter, so that different genomes may have one key."""

    def founders(self, rng: Random) -> list[tuple[Toy, str]]:
        return [([digit] * PLACES, f"all:{digit}") for digit in range(3)] + [([0, 0, 0, 0, 9], "all:0 again")]

    def random(self, rng: Random) -> Toy:
        return [rng.randrange(10) for _ in range(PLACES)]

    def mate(self, first: Toy, second: Toy, rng: Random) -> tuple[Toy, Toy]:
        cut = rng.randrange(1, PLACES)
        return first[:cut] + second[cut:], second[:cut] + first[cut:]

    def mutate(self, genome: Toy, rng: Random, genes: float) -> Toy:
        mutant = list(genome)
        for place in rng.sample(range(PLACES), max(1, round(genes))):
            mutant[place] = rng.randrange(10)
        return mutant

    def key(self, genome: Toy) -> str:
        return "".join(map(str, genome[:-1]))

    def distance(self, first: Toy, second: Toy) -> float:
        return sum(a != b for a, b in zip(first, second, strict=True)) / PLACES


def total(individual: Individual[Toy]) -> Individual[Toy]:
    """The cheap evaluator: the sum of the digits that matter."""
    return individual.scored([sum(individual.genome[:-1])])


@pytest.fixture
def toys() -> ToyRepresentation:
    return ToyRepresentation()


@pytest.fixture
def individual() -> Callable[..., Individual[Toy]]:
    """Make an evaluated individual."""

    def make(
        *objectives: float, island: int = 0, number: int = 0, generation: int = 0, genome: Iterable[int] | None = None
    ) -> Individual[Toy]:
        genes = [generation, island, number, 0, 0] if genome is None else list(genome)
        origin = Origin(generation, island, number, "made")
        return Individual(genes, "".join(map(str, genes)), origin, tuple(objectives))

    return make


@pytest.fixture
def archipelago(toys: ToyRepresentation) -> Callable[..., Archipelago[Toy]]:
    """Make an archipelago of equal islands of the toy."""

    def make(
        islands: int = 3,
        seed: int = 1,
        objectives: tuple[Objective, ...] = (Objective("sum"),),
        migration: MigrationSettings | None = None,
        stagnation: int | None = None,
        **island: object,
    ) -> Archipelago[Toy]:
        rows = (IslandSettings(**{"population": 6, **island}),) * islands  # type: ignore[arg-type]
        return Archipelago(
            ArchipelagoSettings(rows, objectives, migration or MigrationSettings(), stagnation), toys, seed
        )

    return make


@pytest.fixture
def evolve() -> Callable[..., list[list[Individual[Toy]]]]:
    """Run generations with an evaluator; what was asked in each."""

    def run(
        algorithm: Archipelago[Toy],
        generations: int,
        evaluate: Callable[[Individual[Toy]], Individual[Toy]] = total,
    ) -> list[list[Individual[Toy]]]:
        asked = []
        for _ in range(generations):
            asked.append(algorithm.ask())
            algorithm.tell([evaluate(individual) for individual in asked[-1]])
        return asked

    return run
