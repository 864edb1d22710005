"""The contract of what can live on an island; a new one joins by an entry in ``ISLANDS``."""

from __future__ import annotations

import json
from typing import Any

import pytest

from evoswarm.evolution.algorithms import GENETIC, ISLANDS
from evoswarm.evolution.algorithms.archipelago import Archipelago
from evoswarm.evolution.genetic import Breeder
from evoswarm.evolution.individual import Individual, Origin
from evoswarm.evolution.island import Island, IslandSetup
from evoswarm.evolution.settings import ArchipelagoSettings, IslandSettings, MigrationSettings, Objective
from tests.evolution.conftest import Toy
from tests.evolution.test_algorithms import ONE, TOYS, TWO, ToyCoordinates, outcome, run

SIZE = 6
BEST = [9, 9, 9, 9, 9]
NAMES = [
    (name, objectives) for name, kind in ISLANDS.items() for objectives in (ONE, TWO) if kind.takes(len(objectives))
]
contract = pytest.mark.parametrize(("name", "objectives"), NAMES, ids=[f"{n}-{len(o)}" for n, o in NAMES])


def place(objectives: Any, size: int = SIZE, weights: Any = None) -> IslandSetup[Toy]:
    settings = IslandSettings(population=size, objective_weights=weights)
    return IslandSetup(0, 1, settings, objectives, TOYS, Breeder(TOYS, set()), ToyCoordinates())


def mixed(*names: str, objectives: Any = ONE, seed: int = 1, **options: Any) -> Archipelago[Toy]:
    islands = tuple(IslandSettings(population=SIZE, algorithm=name) for name in names)
    migration = options.pop("migration", MigrationSettings(every=1))
    settings = ArchipelagoSettings(islands, objectives, migration, **options)
    return Archipelago(settings, TOYS, seed, coordinates=ToyCoordinates())


def alone(name: str, objectives: Any, generations: int) -> Island[Toy]:
    """An island that has been asked and told so often."""
    island: Island[Toy] = ISLANDS[name].make(place(objectives))
    for generation in range(generations):
        drafts = island.ask(generation, [])
        born = [draft.born(generation, 0, number) for number, draft in enumerate(drafts)]
        island.tell(generation, [outcome(one, objectives) for one in born])
    return island


def immigrant(objectives: Any, genome: Toy = BEST) -> Individual[Toy]:
    origin = Origin(3, 0, SIZE, "migration", ("g03-i1-00",), "g03-i1-00")
    made = Individual(list(genome), TOYS.key(genome), origin)
    return made.scored([float(sum(genome[:-1])), float(genome[0])][: len(objectives)])


@contract
def test_a_population_is_distinct_successes_best_first(name: str, objectives: Any) -> None:
    island = alone(name, objectives, 5)
    population = island.population
    assert 0 < len(population) <= SIZE
    assert len({one.key for one in population}) == len(population)
    assert all(one.succeeded for one in population)
    assert population == island.ranking.best_first(population)


@contract
def test_an_immigrant_settles_and_its_place_is_as_the_migration_says(name: str, objectives: Any) -> None:
    island = alone(name, objectives, 4)
    newcomer = immigrant(objectives)
    staying = [*island.population[:-1], newcomer]
    island.settle(staying, [newcomer])
    assert {one.id for one in island.population} == {one.id for one in staying}
    assert len(island.ask(4, [])) == SIZE


@pytest.mark.parametrize("name", ["tpe", "nsga2", "catcma", "particles", GENETIC])
def test_who_learns_goes_where_an_immigrant_came_from(name: str) -> None:
    """The same island, with and without an immigrant that is much better than all it knows."""

    def reached(genome: Toy) -> float:
        island = alone(name, ONE, 3)
        newcomer = immigrant(ONE, genome).scored([1000.0])
        drafts = []
        island.settle([newcomer, *island.population[:-1]], [newcomer])
        for generation in range(3, 9):
            born = [d.born(generation, 0, n) for n, d in enumerate(island.ask(generation, []))]
            island.tell(generation, [one.scored([-float(TOYS.distance(one.genome, genome))]) for one in born])
            drafts += born
        return sum(sum(one.genome[:-1]) for one in drafts) / len(drafts)

    assert reached(BEST) > reached([0, 0, 0, 0, 0]) + 4


@contract
def test_a_restarted_island_keeps_its_best_alone_and_goes_on(name: str, objectives: Any) -> None:
    island = alone(name, objectives, 4)
    best = island.population[0]
    island.restart(3)
    assert island.population == [best]
    for generation in range(4, 8):
        born = [d.born(generation, 0, n) for n, d in enumerate(island.ask(generation, []))]
        island.tell(generation, [outcome(one, objectives) for one in born])
    assert len(island.population) > 1


@contract
def test_who_is_evaluated_again_takes_the_new_place_or_leaves(name: str, objectives: Any) -> None:
    island = alone(name, objectives, 4)
    first, second, *rest = island.population
    poor = first.scored([-50.0, 50.0][: len(objectives)])
    island.reevaluate({first.id: poor, second.id: second.failed("time_out")})
    assert {one.id for one in island.population} == {first.id, *(one.id for one in rest)}
    assert island.population[-1] == poor


def test_islands_of_different_algorithms_exchange_their_best() -> None:
    names = [name for name, kind in ISLANDS.items() if kind.takes(1)]
    search = run(mixed(*names), ONE, 8)
    travelled = [one for one in search.history if one.origin.migrated_from]
    assert {one.origin.island for one in travelled} == set(range(len(names)))  # everybody takes and gives
    by_id = {one.id: one for one in search.history}
    for one in travelled:
        assert by_id[one.origin.migrated_from].objectives == one.objectives
    made = {(one.origin.island, one.origin.operator) for one in search.history}
    for index, name in enumerate(names):  # lineage names who made whom
        assert {operator for island, operator in made if island == index} & {name, "crossover+mutation", "random"}
    assert {operator for _, operator in made} >= set(names) - {GENETIC}


@pytest.mark.parametrize(
    ("names", "objectives"),
    [(("genetic", "catcma", "particles", "tpe"), ONE), (("genetic", "comocatcma", "nsga2"), TWO)],
)
def test_mixed_islands_repeat_to_the_byte_also_when_they_stagnate(names: Any, objectives: Any) -> None:
    def lines(seed: int) -> Any:
        search = run(mixed(*names, objectives=objectives, seed=seed, stagnation=2), objectives, 8)
        assert any(report.reseeded for report in search.reports)
        return [json.dumps(one.to_dict(list)) for one in search.history]

    assert lines(3) == lines(3) != lines(4)


def test_an_emigrant_that_does_not_stay_leaves_its_particle() -> None:
    search = mixed("particles", "random", migration=MigrationSettings(every=1, copy=False))
    run(search, ONE, 4)
    kept = {one.key for one in search.populations[0]}
    arrived = [one for one in search.history if one.origin.migrated_from]
    gone = {one.key for one in arrived if (one.origin.island, one.origin.generation) == (1, 3)}
    assert gone
    assert not gone & kept


def test_weighted_objectives_are_one_for_who_optimises_one() -> None:
    weighted = IslandSettings(population=SIZE, objective_weights={"first": 1.0}, algorithm="particles")
    others = [IslandSettings(population=SIZE, objective_weights={"first": 1.0}, algorithm=n) for n in ("tpe", "catcma")]
    settings = ArchipelagoSettings((weighted, *others), TWO, MigrationSettings("unconnected"))
    search = run(Archipelago(settings, TOYS, 0, coordinates=ToyCoordinates()), TWO, 8)
    for population in search.populations:
        assert population[0].objectives[1] == 0  # the first digit is to be small
    unweighted = IslandSettings(population=SIZE, algorithm="particles")
    with pytest.raises(ValueError, match=r"expected 1 objective .* got 2"):
        Archipelago(ArchipelagoSettings((unweighted,), (Objective("a"), Objective("b"))), TOYS, 0)


def test_who_needs_coordinates_says_so() -> None:
    settings = ArchipelagoSettings((IslandSettings(algorithm="particles"),))
    with pytest.raises(ValueError, match="expected coordinates"):
        Archipelago(settings, TOYS, 0)
