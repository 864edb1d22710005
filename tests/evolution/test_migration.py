from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from evoswarm.errors import SpaceError
from evoswarm.evolution.individual import Individual
from evoswarm.evolution.migration import Migrator, edges_of
from evoswarm.evolution.settings import ArchipelagoSettings, IslandSettings, MigrationSettings
from tests.evolution.conftest import Toy, ToyRepresentation

BOTH_WAYS = ((0, 1), (0, 2), (1, 0), (1, 3), (2, 0), (2, 3), (3, 1), (3, 2))
EDGES = {
    "ring": ((0, 1), (1, 2), (2, 3), (3, 0)),
    "bidirectional_ring": ((0, 1), (0, 3), (1, 0), (1, 2), (2, 1), (2, 3), (3, 0), (3, 2)),
    "torus": BOTH_WAYS,  # two rows of two
    "star": ((0, 1), (0, 2), (0, 3), (1, 0), (2, 0), (3, 0)),
    "fully_connected": tuple((a, b) for a in range(4) for b in range(4) if a != b),
    "unconnected": (),
    "edges": ((0, 3), (2, 1)),
}


@pytest.mark.parametrize("topology", EDGES)
def test_edges_of_four_islands(topology: Any) -> None:
    assert edges_of(topology, 4, [(2, 1), (0, 3), (0, 3)]) == EDGES[topology]


def test_edges_of_other_numbers_of_islands() -> None:
    for topology in EDGES:
        assert edges_of(topology, 1) == ()  # type: ignore[arg-type]
    assert edges_of("ring", 2) == edges_of("bidirectional_ring", 2) == ((0, 1), (1, 0))
    assert edges_of("torus", 5) == edges_of("bidirectional_ring", 5)
    nine = edges_of("torus", 9)
    assert [b for a, b in nine if a == 0] == [1, 2, 3, 6]
    assert len(nine) == 36
    assert [b for a, b in edges_of("torus", 6) if a == 0] == [1, 2, 3]  # two rows of three


def islands(individual: Any, count: Any = 4, size: Any = 4) -> Any:
    """Island i holds the objectives 10 i + size - 1 down to 10 i, so that everybody's home is written on him."""
    return [
        [individual(10.0 * island + size - 1 - rank, island=island, number=rank) for rank in range(size)]
        for island in range(count)
    ]


def worths(population: Any) -> Any:
    return sorted((i.objectives[0] for i in population), reverse=True)


# By hand, from the edges above: best of every source, worst of the target leaves for each arrival.
TRACES = {
    "ring": [[33, 3, 2, 1], [13, 12, 11, 3], [23, 22, 21, 13], [33, 32, 31, 23]],
    "bidirectional_ring": [[33, 13, 3, 2], [23, 13, 12, 3], [33, 23, 22, 13], [33, 32, 23, 3]],
    "torus": [[23, 13, 3, 2], [33, 13, 12, 3], [33, 23, 22, 3], [33, 32, 23, 13]],
    "star": [[33, 23, 13, 3], [13, 12, 11, 3], [23, 22, 21, 3], [33, 32, 31, 3]],
    "fully_connected": [[33, 23, 13, 3], [33, 23, 13, 3], [33, 23, 13, 3], [33, 23, 13, 3]],
    "edges": [[3, 2, 1, 0], [23, 13, 12, 11], [23, 22, 21, 20], [33, 32, 31, 3]],
}


def migrated(settings: Any, populations: Any, toys: Any, seed: Any = 0, generation: Any = 1, capacity: Any = 4) -> Any:
    migration = Migrator(settings, [capacity] * len(populations), toys.distance, seed)
    return migration.migrate(populations, generation, [7] * len(populations))


@pytest.mark.parametrize("topology", TRACES)
def test_traces_by_hand(topology: Any, individual: Callable[..., Individual[Toy]], toys: ToyRepresentation) -> None:
    settings = MigrationSettings(topology, ((0, 3), (2, 1)), every=1)
    after, arrivals = migrated(settings, islands(individual), toys)
    assert [worths(population) for population in after] == TRACES[topology]
    assert len(arrivals) == len(EDGES[topology])


def test_when_migration_is_due(toys: ToyRepresentation) -> None:
    due = Migrator(MigrationSettings(every=3), [4, 4], toys.distance, 0).due
    assert [due(generation) for generation in range(6)] == [False, False, True, False, False, True]
    for idle in (MigrationSettings("unconnected", every=1), MigrationSettings(every=1, count=0)):
        assert not Migrator(idle, [4, 4], toys.distance, 0).due(0)


def test_migrants_are_clones_that_name_their_origin(
    individual: Callable[..., Individual[Toy]], toys: ToyRepresentation
) -> None:
    before = islands(individual)
    after, arrivals = migrated(MigrationSettings(), before, toys)
    assert [migrant.id for migrant in arrivals] == [f"g01-i{island}-07" for island in range(4)]
    for target, migrant in enumerate(arrivals):
        original = before[(target - 1) % 4][0]
        assert migrant.origin.migrated_from == original.id
        assert migrant.origin.parents == (original.id,)
        assert migrant.origin.operator == "migration"
        assert (migrant.key, migrant.genome, migrant.objectives) == (original.key, original.genome, original.objectives)
        assert migrant is not original
        assert migrant.genome is not original.genome
        assert original in after[(target - 1) % 4]  # a copy stays
    assert before == islands(individual)  # what was passed in is as it was


def test_who_moves_leaves(individual: Callable[..., Individual[Toy]], toys: ToyRepresentation) -> None:
    after, arrivals = migrated(MigrationSettings("star", copy=False), islands(individual), toys)
    # The hub's three best go one to each ray, each ray's best to the hub; arrivals fill the gaps.
    expected = [[33, 23, 13, 0], [12, 11, 10, 3], [22, 21, 20, 2], [32, 31, 30, 1]]
    assert [worths(population) for population in after] == expected
    assert len(arrivals) == 6


def test_moving_never_empties_an_island(individual: Callable[..., Individual[Toy]], toys: ToyRepresentation) -> None:
    small = islands(individual, count=3, size=1)
    after, _ = migrated(MigrationSettings("fully_connected", count=5, copy=False), small, toys)
    assert after == small


def test_a_migrant_whose_key_is_there_is_dropped(
    individual: Callable[..., Individual[Toy]], toys: ToyRepresentation
) -> None:
    populations = islands(individual, count=2)
    populations[1][1] = individual(12.0, island=1, number=9, genome=populations[0][0].genome)
    after, arrivals = migrated(MigrationSettings(), populations, toys)
    assert after[1] == populations[1]
    assert [migrant.origin.island for migrant in arrivals] == [0]
    moved, _ = migrated(MigrationSettings(copy=False), populations, toys)
    assert populations[0][0] in moved[0]  # dropped at the border: stays at home


def test_one_key_arrives_once_though_two_islands_send_it(
    individual: Callable[..., Individual[Toy]], toys: ToyRepresentation
) -> None:
    populations = islands(individual, count=3)
    populations[1][0] = individual(90.0, island=1, number=0, genome=populations[0][0].genome)
    settings = MigrationSettings("edges", ((0, 2), (1, 2)))
    after, arrivals = migrated(settings, populations, toys)
    assert [migrant.origin.migrated_from for migrant in arrivals] == ["g00-i0-00"]
    assert len({i.key for i in after[2]}) == len(after[2]) == 4


def test_nobody_travels_twice(individual: Callable[..., Individual[Toy]], toys: ToyRepresentation) -> None:
    populations = islands(individual, count=3, size=2)
    settings = MigrationSettings("edges", ((0, 1), (1, 2)))
    after, _ = migrated(settings, populations, toys, capacity=2)
    assert [worths(population) for population in after] == [[1, 0], [11, 1], [21, 11]]


def test_gaps_are_filled_before_anybody_is_replaced_and_the_best_stays(
    individual: Callable[..., Individual[Toy]], toys: ToyRepresentation
) -> None:
    populations = islands(individual, count=2)
    populations[1] = populations[1][:2]
    after, _ = migrated(MigrationSettings("edges", ((0, 1),), count=2), populations, toys)
    assert worths(after[1]) == [13, 12, 3, 2]
    after, _ = migrated(MigrationSettings("edges", ((0, 1),), count=9), islands(individual, count=2), toys)
    assert worths(after[1]) == [13, 3, 2, 1]


def test_oldest_and_random_residents_give_way(
    individual: Callable[..., Individual[Toy]], toys: ToyRepresentation
) -> None:
    populations = islands(individual, count=2)
    populations[1] = [individual(float(20 - g), island=1, generation=g, number=g) for g in (0, 3, 1, 2)]
    after, _ = migrated(MigrationSettings("edges", ((0, 1),), replace="oldest"), populations, toys, generation=4)
    assert worths(after[1]) == [20, 18, 17, 3]  # born in generation 1: the older one is the best, and stays
    victims = set()
    for seed in range(20):
        after, _ = migrated(
            MigrationSettings("edges", ((0, 1),), replace="random"), islands(individual, count=2), toys, seed
        )
        assert 13 in worths(after[1])
        assert 3 in worths(after[1])
        victims |= {13, 12, 11, 10} - set(worths(after[1]))
    assert victims == {12, 11, 10}


def test_random_emigrants_differ_by_seed_and_repeat_by_seed(
    individual: Callable[..., Individual[Toy]], toys: ToyRepresentation
) -> None:
    settings = MigrationSettings("edges", ((0, 1),), select="random", count=2)
    chosen = [[m.origin.migrated_from for m in migrated(settings, islands(individual), toys, s)[1]] for s in range(8)]
    again = [[m.origin.migrated_from for m in migrated(settings, islands(individual), toys, s)[1]] for s in range(8)]
    assert chosen == again
    assert len({tuple(row) for row in chosen}) > 1


def test_diverse_emigrants_are_of_the_better_half_and_far_from_the_target(
    individual: Callable[..., Individual[Toy]], toys: ToyRepresentation
) -> None:
    home = [
        individual(9.0, number=0, genome=[1, 1, 1, 1, 1]),
        individual(8.0, number=1, genome=[7, 7, 7, 1, 1]),
        individual(7.0, number=2, genome=[8, 8, 8, 8, 8]),
        individual(6.0, number=3, genome=[9, 9, 9, 9, 9]),
    ]
    there = [individual(1.0, island=1, number=n, genome=[1, 1, 1, 1, n]) for n in range(2, 6)]
    settings = MigrationSettings("edges", ((0, 1),), select="diverse")
    _, arrivals = migrated(settings, [home, there], toys)
    assert [migrant.origin.migrated_from for migrant in arrivals] == ["g00-i0-01"]


def test_edges_of_islands_that_are_not_there_are_refused() -> None:
    for edge in ((0, 2), (-1, 0), (1, 1)):
        with pytest.raises(SpaceError, match=r"evolution\.edges"):
            ArchipelagoSettings((IslandSettings(),) * 2, migration=MigrationSettings("edges", (edge,)))


@pytest.mark.parametrize(
    ("island", "field"),
    [
        (IslandSettings(objective_weights={"speed": 1.0}), "objective_weights"),
        (IslandSettings(objective_weights={"accuracy": -1.0}), "objective_weights.accuracy"),
        (IslandSettings(objective_weights={"accuracy": 0.0}), "objective_weights"),
        (IslandSettings(population=1), "population"),
    ],
)
def test_islands_that_contradict_themselves_are_refused(island: Any, field: Any) -> None:
    with pytest.raises(SpaceError, match=rf"evolution\.islands\.1\.{field}"):
        ArchipelagoSettings((IslandSettings(), island))
