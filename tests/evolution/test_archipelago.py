from __future__ import annotations

import gc
import json
import math
import random
from collections.abc import Callable
from typing import Any

import numpy
import pytest
from deap import tools

from evoswarm.evolution.algorithm import Algorithm
from evoswarm.evolution.algorithms import ISLANDS
from evoswarm.evolution.algorithms.archipelago import Archipelago
from evoswarm.evolution.archive import Archive
from evoswarm.evolution.batch_search import BatchSearch
from evoswarm.evolution.deap_operators import lend
from evoswarm.evolution.genetic import survivors
from evoswarm.evolution.individual import Individual
from evoswarm.evolution.randomness import generator
from evoswarm.evolution.ranking import Ranking
from evoswarm.evolution.settings import ArchipelagoSettings, IslandSettings, MigrationSettings, Objective
from tests.evolution.conftest import Toy, ToyRepresentation

TWO = (Objective("sum"), Objective("first", maximise=False))


def lines(algorithm: Any) -> Any:
    return "\n".join(json.dumps(i.to_dict(list), sort_keys=True) for i in algorithm.history)


def two(individual: Any) -> Any:
    return individual.scored([sum(individual.genome[:-1]), individual.genome[0]])


def test_the_first_generation_deals_founders_in_turn_and_fills_up_at_random(
    archipelago: Callable[..., Archipelago[Toy]],
) -> None:
    asked = archipelago(islands=2).ask()
    assert [i.id for i in asked] == [f"g00-i{island}-{number:02d}" for island in range(2) for number in range(6)]
    operators = [i.origin.operator for i in asked]
    assert operators == ["all:0", "all:2"] + ["random"] * 4 + ["all:1"] + ["random"] * 5  # the double is not dealt


def test_founders_beyond_the_room_are_left_out_last_first(toys: ToyRepresentation) -> None:
    settings = ArchipelagoSettings((IslandSettings(population=2),))
    assert [i.origin.operator for i in Archipelago(settings, toys, 0).ask()] == ["all:0", "all:1"]


def test_asking_is_repeatable_and_telling_idempotent_and_of_any_order(
    archipelago: Callable[..., Archipelago[Toy]], evolve: Callable[..., list[list[Individual[Toy]]]]
) -> None:
    plain, shuffled = archipelago(), archipelago()
    evolve(plain, 5)
    for generation in range(5):
        asked = shuffled.ask()
        assert shuffled.ask() == asked
        assert shuffled.generation == generation
        told = [i.scored([sum(i.genome[:-1])]) for i in asked]
        random.Random(generation).shuffle(told)
        shuffled.tell(told[:7])
        shuffled.tell(told[:7])
        assert {i.id for i in shuffled.ask()} == {i.id for i in told[7:]}
        shuffled.tell(told[5:])
        shuffled.tell(told)
        shuffled.tell([])
    assert lines(shuffled) == lines(plain)
    assert shuffled.reports == plain.reports
    assert shuffled.populations == plain.populations


def test_what_cannot_be_told_is_refused_and_changes_nothing(
    archipelago: Callable[..., Archipelago[Toy]], individual: Callable[..., Individual[Toy]]
) -> None:
    search = archipelago()
    first = search.ask()[0]
    for wrong, reason in [
        (first, "got neither"),
        (first.scored([1.0, 2.0]), "expected 1 objectives"),
        (individual(1.0, generation=5), "asked for"),
        (individual(1.0, genome=[4, 4, 4, 4, 4]), "asked for"),
    ]:
        with pytest.raises(ValueError, match=reason):
            search.tell([first.scored([1.0]), wrong])
    assert search.ask()[0] == first
    search.tell([first.scored([1.0])])
    with pytest.raises(ValueError, match="told before"):
        search.tell([first.scored([2.0])])


@pytest.mark.parametrize("objectives", [(Objective("sum"),), TWO])
def test_runs_repeat_to_the_byte_and_leave_global_chance_alone(
    archipelago: Callable[..., Archipelago[Toy]], evolve: Callable[..., list[list[Individual[Toy]]]], objectives: Any
) -> None:
    def run(seed: Any) -> Any:
        search = archipelago(seed=seed, objectives=objectives, stagnation=2)
        evolve(search, 8, two if len(objectives) == 2 else lambda i: i.scored([sum(i.genome[:-1])]))
        return lines(search)

    random.seed(1)
    numpy.random.seed(1)
    before = random.getstate(), numpy.random.get_state()[1].tolist()  # type: ignore[index]
    first = run(3)
    assert (random.getstate(), numpy.random.get_state()[1].tolist()) == before  # type: ignore[index]
    random.seed(2)
    numpy.random.seed(2)
    assert run(3) == first != run(4)


def test_lending_gives_deap_the_generator_and_leaves_the_global_one_alone() -> None:
    def drawn(rng: Any) -> Any:
        row = [0.5] * 4
        tools.mutPolynomialBounded(row, 20.0, 0.0, 1.0, indpb=1.0)
        picked = tools.selRandom(range(100), 3)
        return row, picked

    rng, same = generator(1, 2, 3, "x"), generator(1, 2, 3, "x")
    assert generator(1, 2, 3, "y").random() != generator(1, 2, 3, "x").random()
    random.seed(0)
    before = random.getstate(), numpy.random.get_state()[1].tolist()  # type: ignore[index]
    with pytest.raises(RuntimeError), lend(rng):
        first = drawn(rng)
        raise RuntimeError
    assert (random.getstate(), numpy.random.get_state()[1].tolist()) == before  # type: ignore[index]
    with lend(same):
        random.random()  # another thread may draw meanwhile
        assert drawn(same) == first
    assert rng.random() == same.random()
    assert tools.selection.random is tools.mutation.random is random


def test_nothing_is_shared_between_islands(
    archipelago: Callable[..., Archipelago[Toy]], evolve: Callable[..., list[list[Individual[Toy]]]]
) -> None:
    search = archipelago(migration=MigrationSettings("fully_connected", every=1, count=2))
    evolve(search, 4)

    def reachable(thing: Any) -> Any:
        """The ids of individuals and of everything mutable in them."""
        found, waiting = set(), list(thing)
        while waiting:
            item = waiting.pop()
            if isinstance(item, Individual | list | dict | set):
                found.add(id(item))
            waiting += [i for i in gc.get_referents(item) if not isinstance(i, type) and id(i) not in found]
        return found

    islands = [reachable(population) for population in search.populations]
    assert all(len(found) >= 12 for found in islands)  # six individuals with a list each
    assert not islands[0] & islands[1]
    assert not islands[1] & islands[2]
    assert not islands[0] & islands[2]
    assert any(i.origin.migrated_from for population in search.populations for i in population)


@pytest.mark.parametrize("objectives", [(Objective("sum"),), TWO])
def test_failures_and_nan_are_never_parents_survivors_or_migrants(
    archipelago: Callable[..., Archipelago[Toy]], evolve: Callable[..., list[list[Individual[Toy]]]], objectives: Any
) -> None:
    search = archipelago(objectives=objectives, migration=MigrationSettings(every=1, select="random"))

    def evaluate(individual: Any) -> Any:
        values = [float(sum(individual.genome[:-1])), 1.0][: len(objectives)]
        if individual.genome[0] % 3 == 1:
            return individual.failed("out_of_memory")
        return individual.scored([math.nan, *values[1:]] if individual.genome[0] % 3 == 2 else values)

    evolve(search, 8, evaluate)
    failed = {i.id for i in search.history if not i.succeeded}
    assert len(failed) > 20
    assert all(i.genome[0] % 3 == 0 for population in search.populations for i in population)
    named = {name for i in search.history for name in (*i.origin.parents, i.origin.migrated_from)}
    assert not failed & named
    assert not failed & {i.id for i in search.archive.individuals + search.archive.front}
    assert sum(report.failures for report in search.reports) == len(failed)


def test_an_island_where_all_fail_begins_again_at_random(
    archipelago: Callable[..., Archipelago[Toy]], evolve: Callable[..., list[list[Individual[Toy]]]]
) -> None:
    search = archipelago()
    evolve(search, 1, lambda individual: individual.failed("time_out"))
    assert search.populations == ((), (), ())
    assert len(search.archive) == 0
    assert search.reports[0].best_id == ""
    assert search.reports[0].mean == ()
    assert {i.origin.operator for i in search.ask()} == {"random"}


def test_gaps_left_by_failures_are_filled_at_random(
    archipelago: Callable[..., Archipelago[Toy]], evolve: Callable[..., list[list[Individual[Toy]]]]
) -> None:
    search = archipelago(islands=1)
    evolve(search, 1, lambda i: i.failed("no_mass") if i.origin.number < 2 else i.scored([1.0]))
    operators = [i.origin.operator for i in search.ask()]
    assert operators[:2] == ["random"] * 2
    assert "random" not in operators[2:]


def test_survivors_are_elites_and_the_best_children_without_doubles(individual: Callable[..., Individual[Toy]]) -> None:
    settings, ranking = IslandSettings(population=4, elites=2), Ranking([Objective("sum")])
    parents = [individual(worth, number=n) for n, worth in enumerate((9.0, 8.0, 7.0, 6.0))]
    children = [individual(worth, generation=1, number=n) for n, worth in enumerate((1.0, 3.0, 2.0))]
    twin = individual(9.0, generation=1, number=8, genome=parents[0].genome)
    failed = individual(generation=1, number=9).failed("time_out")
    kept = survivors(parents, [*children, twin, failed], settings, ranking)
    assert [i.objectives[0] for i in kept] == [9, 8, 3, 2]
    assert kept[0] is parents[0]  # the older of two that behave equally
    greedy = survivors(parents, children, IslandSettings(population=2, elites=9), ranking)
    assert [i.objectives[0] for i in greedy] == [9, 3]  # at most all but one are elites


def test_behaviour_is_not_asked_for_twice_where_it_can_be_avoided(
    archipelago: Callable[..., Archipelago[Toy]], evolve: Callable[..., list[list[Individual[Toy]]]]
) -> None:
    asked = [i for generation in evolve(archipelago(), 6) for i in generation]
    assert len({i.key for i in asked}) == len(asked)


def test_lineage_names_parents_that_lived_on_the_same_island(
    archipelago: Callable[..., Archipelago[Toy]], evolve: Callable[..., list[list[Individual[Toy]]]]
) -> None:
    search = archipelago(migration=MigrationSettings(every=1))
    evolve(search, 6)
    known = {}
    for member in search.history:
        for parent in member.origin.parents:
            assert parent in known
            assert known[parent] == member.origin.island or member.origin.operator == "migration"
        known[member.id] = member.origin.island
    assert len(known) == len(search.history)
    operators = {member.origin.operator for member in search.history}
    assert operators >= {"crossover+mutation", "mutation", "migration", "random"}


def test_a_stagnant_island_is_reseeded_from_its_best_the_archive_and_chance(
    archipelago: Callable[..., Archipelago[Toy]], evolve: Callable[..., list[list[Individual[Toy]]]]
) -> None:
    search = archipelago(islands=2, stagnation=2, migration=MigrationSettings("unconnected"))
    evolve(search, 1)
    best = [population[0] for population in search.populations]
    evolve(search, 2, lambda individual: individual.scored([-1.0]))
    assert [(r.stagnant, r.reseeded) for r in search.reports] == [(0, False)] * 2 + [(1, False)] * 2 + [(0, True)] * 2
    assert search.populations == ((best[0],), (best[1],))
    asked = search.ask()
    assert [i.origin.operator for i in asked] == (["reseed:mutation"] * 3 + ["reseed:random"] * 3) * 2
    archived = [i.id for i in search.archive.best(3)]
    assert [i.origin.parents for i in asked[:3]] == [(name,) for name in archived]
    search.tell([i.scored([-2.0]) for i in asked])
    assert search.populations[0][0] == best[0]
    assert len(search.populations[0]) == 6
    assert not search.reports[-1].reseeded


def test_without_stagnation_nothing_is_reseeded(
    archipelago: Callable[..., Archipelago[Toy]], evolve: Callable[..., list[list[Individual[Toy]]]]
) -> None:
    search = archipelago()
    evolve(search, 6, lambda individual: individual.scored([1.0]))
    assert not any(report.reseeded for report in search.reports)
    assert search.reports[-1].stagnant == 5


def test_islands_differ_in_size_and_in_what_they_rank_by(toys: ToyRepresentation) -> None:
    objectives = (Objective("sum"), Objective("first", maximise=False))
    islands = (
        IslandSettings(population=4, objective_weights={"sum": 1.0}),
        IslandSettings(population=8, objective_weights={"first": 1.0}),
        IslandSettings(population=6),
    )
    unconnected = MigrationSettings("unconnected")
    search = Archipelago(ArchipelagoSettings(islands, objectives, unconnected), toys, 0)
    for _ in range(6):
        search.tell([two(individual) for individual in search.ask()])
    assert [len(population) for population in search.populations] == [4, 8, 6]
    tall, low, both = search.populations
    assert tall[0].objectives[0] == max(i.objectives[0] for i in tall)
    assert all(i.objectives[1] == 0 for i in low[:4])
    assert len({i.objectives for i in both}) > 2  # a front, not a point


@pytest.mark.parametrize("seed", range(3))
def test_the_pareto_archive_is_exactly_the_non_dominated_set(
    archipelago: Callable[..., Archipelago[Toy]], evolve: Callable[..., list[list[Individual[Toy]]]], seed: int
) -> None:
    search = archipelago(seed=seed, objectives=TWO)
    evolve(search, 6, two)
    distinct = {i.key: i for i in reversed(search.history)}  # the first with a key stands for it
    values = {i.id: (i.objectives[0], -i.objectives[1]) for i in distinct.values()}

    def beaten(mine: Any) -> Any:
        return any(all(a >= b for a, b in zip(o, mine, strict=True)) and o != mine for o in values.values())

    assert {i.id for i in search.archive.front} == {name for name, mine in values.items() if not beaten(mine)}
    front = [i.objectives for i in search.archive.front]
    assert front == sorted(front, reverse=True)
    assert len(front) > 1


def test_the_archive_keeps_distinct_successes_best_first(individual: Callable[..., Individual[Toy]]) -> None:
    archive = Archive([Objective("sum")])
    for _ in range(2):
        archive.add([individual(2.0), individual(5.0, number=1), individual(number=2).failed("no_mass")])
    assert [i.objectives for i in archive.best(9)] == [(5.0,), (2.0,)]
    assert [i.objectives for i in archive.best(1)] == [(5.0,)]
    assert len(archive) == 2


def test_reports_tell_what_an_island_is_like(
    archipelago: Callable[..., Archipelago[Toy]], evolve: Callable[..., list[list[Individual[Toy]]]]
) -> None:
    search = archipelago(islands=2, migration=MigrationSettings(every=2))
    evolve(search, 2)
    first, last = search.reports[0], search.reports[-1]
    assert (first.generation, first.island, last.generation, last.island) == (0, 0, 1, 1)
    assert (first.arrivals, last.arrivals) == (0, 1)
    population = search.populations[1]
    values = sorted(i.objectives[0] for i in population)
    assert last.best == (values[-1],)
    assert last.best_id == population[0].id
    assert last.mean == (pytest.approx(sum(values) / 6),)
    assert last.median == ((values[2] + values[3]) / 2,)
    assert 0 < last.diversity <= 1
    assert last.evaluated == 6
    assert last.population == 6
    assert [report.generation for report in search.reports] == [0, 0, 1, 1]


def test_with_several_objectives_a_report_holds_the_best_of_each(
    archipelago: Callable[..., Archipelago[Toy]], evolve: Callable[..., list[list[Individual[Toy]]]]
) -> None:
    search = archipelago(islands=2, objectives=TWO)
    evolve(search, 4, two)
    for report, population in zip(search.reports[-2:], search.populations, strict=True):
        first, second = zip(*(i.objectives for i in population), strict=True)
        wanted = [max(c) if o.maximise else min(c) for o, c in zip(TWO, (first, second), strict=True)]
        assert list(report.best) == wanted


def test_random_search_tries_founders_then_chance(toys: ToyRepresentation) -> None:
    search: Algorithm[list[int]] = BatchSearch(ISLANDS["random"], toys, [Objective("sum")], seed=0, batch=5)
    operators = []
    for _ in range(3):
        asked = search.ask()
        assert search.ask() == asked
        operators += [i.origin.operator for i in asked]
        search.tell([i.scored([float(sum(i.genome))]) for i in asked])
    assert operators == ["all:0", "all:1", "all:2"] + ["random"] * 12
    assert len(search.history) == len({i.key for i in search.history}) == 15
    assert len(search.reports) == 3


def test_islands_beat_random_search_on_the_toy(
    archipelago: Callable[..., Archipelago[Toy]],
    evolve: Callable[..., list[list[Individual[Toy]]]],
    toys: ToyRepresentation,
) -> None:
    for seed in range(3):
        search = archipelago(islands=4, seed=seed)
        evolve(search, 25)
        assert search.archive.best(1)[0].objectives == (36.0,)
        rival = BatchSearch(ISLANDS["random"], toys, [Objective("sum")], seed, batch=24)
        for _ in range(25):
            rival.tell([i.scored([sum(i.genome[:-1])]) for i in rival.ask()])
        assert rival.archive.best(1)[0].objectives < (36.0,)


def test_individuals_that_are_evaluated_again_take_their_new_place_or_leave(
    archipelago: Callable[..., Archipelago[Toy]],
) -> None:
    algorithm = archipelago(islands=2, elites=3)
    algorithm.tell(one.scored([float(one.origin.number)]) for one in algorithm.ask())
    told = list(algorithm.history)
    best, second, *rest = algorithm.populations[0]
    algorithm.reevaluate([best.scored([-1.0]), second.failed("time_out")])
    assert [one.id for one in algorithm.populations[0]] == [*(one.id for one in rest), best.id]
    assert algorithm.populations[0][-1].objectives == (-1.0,)
    assert algorithm.history == told
    assert algorithm.elites == (3, 3)
