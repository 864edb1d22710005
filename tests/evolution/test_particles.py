"""Particles against their formula by hand, and traces of patience."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from evoswarm.evolution.algorithms import ISLANDS
from evoswarm.evolution.algorithms.particles import (
    PATIENCE,
    ParticleSearch,
    Pulls,
    category,
    velocity,
)
from evoswarm.evolution.coordinates import Choice, Coordinate, Point
from evoswarm.evolution.genetic import Breeder
from evoswarm.evolution.island import IslandSetup
from evoswarm.evolution.randomness import generator
from evoswarm.evolution.settings import IslandSettings, Objective
from tests.evolution.conftest import Toy, ToyRepresentation

SIZE = 5


class Line:
    """Genomes whose first two digits are numbers and whose third is a category; ten times finer than toys."""

    dimensions = (Coordinate("x"), Coordinate("y"), Coordinate("kind", ("a", "b", "c")))

    def encode(self, genome: Toy) -> dict[str, Choice | float]:
        return {"x": genome[0] / 1000, "y": genome[1] / 1000, "kind": "abc"[genome[2] % 3]}

    def decode(self, point: Point) -> Toy:
        return [round(1000 * float(point["x"])), round(1000 * float(point["y"])), "abc".index(str(point["kind"])), 0, 0]


class Places(ToyRepresentation):
    def founders(self, rng: Random) -> list[tuple[Toy, str]]:
        return []

    def random(self, rng: Random) -> Toy:
        return [rng.randrange(1001), rng.randrange(1001), rng.randrange(3), 0, 0]

    def key(self, genome: Toy) -> str:
        return "-".join(map(str, genome))


@pytest.fixture
def particles() -> ParticleSearch[Toy]:
    objectives = (Objective("worth"),)
    made = IslandSetup(2, 7, IslandSettings(population=SIZE), objectives, Places(), Breeder(Places(), set()), Line())
    island = ISLANDS["particles"].make(made)
    assert isinstance(island, ParticleSearch)
    return island


def worth(genome: Toy) -> float:
    return -abs(genome[0] - 700.0) - abs(genome[1] - 200.0)


def step(search: ParticleSearch[Toy], generation: int, told: Any = worth) -> list[Toy]:
    born = [draft.born(generation, 2, n) for n, draft in enumerate(search.ask(generation, []))]
    outcomes = [told(one.genome) for one in born]
    search.tell(
        generation, [i.failed("no_mass") if w is None else i.scored([w]) for i, w in zip(born, outcomes, strict=True)]
    )
    return [one.genome for one in born]


def test_a_velocity_is_the_formula_by_hand() -> None:
    """v <- [r_v phi_v v + r_p phi_p (p - x) + r_g phi_g (g - x) + r_w phi_w (x - g_w)] / C, by hand with pulls
    2, 3, 4, 1 and C = 10: (2 * 1 + 3 * (4 - 2) + 4 * (7 - 2) + 1 * (2 - 3)) / 10."""
    got = velocity({"x": 1.0}, {"x": 2.0}, {"x": 4.0}, {"x": 7.0}, {"x": 3.0}, Pulls(2.0, 3.0, 4.0, 1.0))
    assert got == {"x": pytest.approx(2.7)}


def test_one_step_of_all_particles_equals_the_formula(particles: ParticleSearch[Toy]) -> None:
    first = step(particles, 0)
    places = [[x / 1000, y / 1000] for x, y, *_ in first]
    speeds = [[one.speed["x"], one.speed["y"]] for one in particles.particles]
    for place, speed in zip(places, speeds, strict=True):  # the first velocity leads to somebody's place
        assert any(
            place[0] + speed[0] == pytest.approx(x) and place[1] + speed[1] == pytest.approx(y) for x, y in places
        )
    worths = [worth(genome) for genome in first]
    best, worst = places[worths.index(max(worths))], places[worths.index(min(worths))]
    rng = generator(7, 2, 1, "particles")
    second = step(particles, 1)
    for place, speed, got in zip(places, speeds, second, strict=True):
        pulls = [phi * rng.random() for phi in (0.2, 0.3, 0.4, 0.05)]
        for axis in range(2):
            x = place[axis]
            toward = pulls[0] * speed[axis] + 0.0 + pulls[2] * (best[axis] - x) + pulls[3] * (x - worst[axis])
            reached = min(max(x + 1.0 * toward / sum(pulls), 0.0), 1.0)  # its own best is where it is
            assert got[axis] == round(1000 * reached)
        rng.random()  # the category moves with the chance of the step, which is 1 at first
        rng.choices("vpgw", weights=pulls)


def test_a_category_is_drawn_by_the_pulls() -> None:
    rng, pulls = Random(0), Pulls(2.0, 3.0, 4.0, 1.0)
    rows = [category("a", "b", "c", "a", ("a", "b", "c"), pulls, rng) for _ in range(20_000)]
    shares = [rows.count(one) / len(rows) for one in "abc"]
    assert shares == pytest.approx([0.2, 0.3 + 0.05, 0.4 + 0.05], abs=0.015)  # the worst's is left for any other
    still = [category("a", "b", "c", "b", ("a", "b", "c"), pulls, rng) for _ in range(20_000)]
    assert still.count("a") / len(still) == pytest.approx(0.3, abs=0.015)  # it is not the worst's: nothing to leave


def test_the_step_shrinks_to_its_least(particles: ParticleSearch[Toy]) -> None:
    """The worth grows with every generation, so that nobody's patience ends."""
    steps = []
    for generation in range(60):
        step(particles, generation, lambda genome, grown=generation: float(grown))
        steps.append(particles.step)
    assert steps[:3] == [1.0, pytest.approx(0.95), pytest.approx(0.95**2)]
    assert steps[45] == pytest.approx(0.1)
    assert steps[-1] == 0.1


def test_who_does_not_get_better_begins_anew_at_its_best(particles: ParticleSearch[Toy]) -> None:
    """All later places are worse: 6 generations of patience pass, at the 7th everybody is at home, at rest."""
    first = step(particles, 0)
    for generation in range(1, 8):
        step(particles, generation, lambda genome: -5000.0)
        home = [one.point == one.best_point and not any(one.speed.values()) for one in particles.particles]
        assert all(home) == (generation == 7)
    assert [one.best.genome for one in particles.particles] == first


def test_when_the_best_of_all_does_not_get_better_the_others_are_drawn_anew(particles: ParticleSearch[Toy]) -> None:
    first = step(particles, 0)
    best = max(first, key=worth)
    for generation in range(1, PATIENCE + 1):
        assert sum(one.best is not None for one in particles.particles) == SIZE
        step(particles, generation, lambda genome: -5000.0)
    assert [one.best.genome for one in particles.particles if one.best is not None] == [best]
    drafts = particles.ask(PATIENCE + 1, [])
    assert sorted(draft.operator for draft in drafts) == ["particles"] + ["random"] * (SIZE - 1)


def test_a_failure_sends_a_particle_home_and_is_no_worst(particles: ParticleSearch[Toy]) -> None:
    first = step(particles, 0)
    step(particles, 1, lambda genome: None)
    assert [one.best.genome for one in particles.particles] == first
    assert all(one.point == one.best_point and not any(one.speed.values()) for one in particles.particles)


def test_who_only_failed_is_drawn_anew(particles: ParticleSearch[Toy]) -> None:
    step(particles, 0, lambda genome: None)
    assert particles.population == []
    assert {draft.operator for draft in particles.ask(1, [])} == {"random"}


def test_an_immigrant_is_a_particle_at_rest_in_place_of_the_worst(particles: ParticleSearch[Toy]) -> None:
    step(particles, 0)
    worst = particles.population[-1]
    place = [one.best for one in particles.particles].index(worst)
    newcomer = worst.__class__([700, 200, 1, 0, 0], "new", worst.origin).scored([0.0])
    particles.settle([*particles.population[:-1], newcomer], [newcomer])
    taken = particles.particles[place]
    assert taken.best == newcomer
    assert taken.point == taken.best_point == {"x": 0.7, "y": 0.2, "kind": "b"}
    assert not any(taken.speed.values())
    assert particles.population[0] == newcomer
    parents = {draft.parents for draft in particles.ask(1, [])}
    assert all(newcomer.id in row for row in parents)
