"""CMA-ES over numbers and categories: what the package is told, and what becomes of failures and immigrants."""

from __future__ import annotations

import warnings
from typing import Any

import numpy
import pytest
from cmaes import CatCMAwM

from evoswarm.evolution.algorithms import ISLANDS
from evoswarm.evolution.algorithms.catcma import CatCmaSearch
from evoswarm.evolution.cma_search import Kernel, MixedBox
from evoswarm.evolution.coordinates import Choice, Coordinate, Point
from tests.evolution.conftest import Toy
from tests.evolution.test_algorithms import ONE, TWO
from tests.evolution.test_islands import immigrant, outcome, place


class Mixed:
    """A number, an ordered number of samples, a bit and a name."""

    dimensions = (
        Coordinate("bit", (False, True)),
        Coordinate("samples", (9, 1, 3)),
        Coordinate("weight"),
        Coordinate("rule", ("mean", "product", "vote")),
    )

    def encode(self, genome: Any) -> dict[str, Choice | float]:
        return dict(genome)

    def decode(self, point: Point) -> Any:
        return dict(point)


ORIGIN: dict[str, Choice | float] = {"bit": True, "samples": 3, "weight": 0.25, "rule": "vote"}


def test_ordered_choices_are_integers_and_the_rest_categories() -> None:
    box: MixedBox[Any] = MixedBox(Mixed())
    assert box.spaces == {"x_space": [[0.0, 1.0]], "z_space": [[0, 1, 2]], "c_space": [2, 3]}
    assert box.numbers(ORIGIN).tolist() == [0.25, 1.0]  # 3 is the second of 1, 3, 9
    assert box.categories(ORIGIN).tolist() == [[False, True, False], [False, False, True]]
    solution = CatCMAwM.Solution(x=numpy.array([0.25]), z=numpy.array([1]), c=box.categories(ORIGIN))
    assert box.genome(solution) == ORIGIN


def test_a_kernel_begins_around_what_it_is_given() -> None:
    kernel = Kernel(MixedBox(Mixed()), [ORIGIN], 40, seed=1)
    drawn = [kernel.ask() for _ in range(400)]
    weights = numpy.array([one.x[0] for one in drawn])
    assert weights.mean() == pytest.approx(0.25, abs=0.02)
    assert weights.std() == pytest.approx(0.1, abs=0.02)
    assert numpy.mean([one.z[0] == 1 for one in drawn]) > 0.95
    rules = numpy.mean([one.c[1] for one in drawn], axis=0)
    assert rules == pytest.approx([1 / 6, 1 / 6, 1 / 2 + 1 / 6], abs=0.08)


def test_a_kernel_learns_from_ranks_alone_and_nothing_where_all_are_equal() -> None:
    def after(values: Any) -> Any:
        kernel = Kernel(MixedBox(Mixed()), [ORIGIN], 8, seed=1)
        solutions = [kernel.ask() for _ in range(8)]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            kernel.tell(list(zip(solutions, values, strict=True)))
        return numpy.array([one.x[0] for one in (kernel.ask() for _ in range(5))])

    ranks = after([3.0, 1.0, 2.0, 0.0, 7.0, 6.0, 5.0, 4.0])
    assert (after([30.0, 1e-9, 2.0, -1e9, float("inf"), 1e12, 50.0, 40.0]) == ranks).all()
    untouched = after([1.0] * 8)
    assert (after([float("inf")] * 8) == untouched).all()
    assert not (ranks == untouched).all()
    after([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0])  # the package alone would divide by a spread of 0


def test_external_solutions_are_told_to_lie_no_farther_than_draws() -> None:
    kernel = Kernel(MixedBox(Mixed()), [ORIGIN], 8, seed=1)
    near, far = numpy.array([0.3, 1.1]), numpy.array([1.0, 1.0])
    assert kernel.injected(near) == pytest.approx(near)
    farthest = 2**0.5 + 2 * 2 / (2 + 2)  # standard deviations, of which one is 0.1
    assert kernel.injected(far) == pytest.approx([0.25 + 0.1 * farthest, 1.0])


def told(island: Any, generation: int, objectives: Any, fails: Any = lambda one: False) -> Any:
    born = [draft.born(generation, 0, number) for number, draft in enumerate(island.ask(generation, []))]
    scores = [one.failed("no_mass") if fails(one) else outcome(one, objectives) for one in born]
    island.tell(generation, scores)
    return born


@pytest.mark.parametrize(("name", "objectives"), [("catcma", ONE), ("comocatcma", TWO)])
def test_generations_where_all_fail_leave_it_where_it_was(name: str, objectives: Any) -> None:
    island = ISLANDS[name].make(place(objectives, 12))
    for generation in range(3):
        told(island, generation, objectives)
    population = list(island.population)
    for generation in range(3, 6):
        told(island, generation, objectives, lambda one: True)
    assert island.population == population
    assert told(island, 6, objectives)
    assert island.population


def test_catcma_moves_away_from_failures() -> None:
    """All successes are equally good: what is learnt is where they are."""
    island = ISLANDS["catcma"].make(place(ONE, 24))
    for generation in range(14):
        born = told(island, generation, ONE, lambda one: one.genome[2] >= 5)
    assert sum(one.genome[2] >= 5 for one in born) < 0.35 * len(born)


def test_immigrants_before_the_beginning_are_among_what_it_begins_from() -> None:
    island = ISLANDS["catcma"].make(place(ONE, 6))
    assert isinstance(island, CatCmaSearch)
    told(island, 0, ONE)
    best = immigrant(ONE).scored([1000.0])
    island.settle([best, *island.population[:-1]], [best])
    told(island, 1, ONE)
    drafts = island.ask(2, [])
    assert {draft.operator for draft in drafts} == {"catcma"}
    digits: list[Toy] = [draft.genome[2:4] for draft in drafts]
    assert sum(map(sum, digits)) / (2 * len(drafts)) > 7.5  # around nines
