from __future__ import annotations

import copy
import json
import math
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from evoswarm.evolution.individual import Individual, Origin
from evoswarm.evolution.ranking import Fitness, Ranking
from evoswarm.evolution.settings import Objective
from tests.evolution.conftest import Toy

BORN = Individual((1, 2), "12", Origin(3, 2, 7, "mutation", ("g02-i2-01",)))


def test_ids_are_deterministic_and_order_does_not_depend_on_digits() -> None:
    assert BORN.id == "g03-i2-07"
    early, late = (Individual((1,), "1", Origin(generation, 0, 0, "random")) for generation in (20, 100))
    assert late.id < early.id
    assert late.order > early.order


def test_an_outcome_is_objectives_or_a_failure() -> None:
    assert not BORN.evaluated
    assert BORN.scored([0.5, 3]).objectives == (0.5, 3.0)
    failed = BORN.failed("time_out")
    assert failed.evaluated
    assert not failed.succeeded
    assert failed.objectives == ()
    with pytest.raises(ValueError, match="got both"):
        Individual((1,), "1", BORN.origin, (1.0,), "time_out")
    with pytest.raises(ValueError, match="at least one objective"):
        BORN.scored([])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_a_failure_and_never_a_number(value: Any) -> None:
    told = BORN.scored([1.0, value])
    assert told.failure == "non_finite"
    assert told.objectives == ()
    with pytest.raises(ValueError, match="finite"):
        Individual((1,), "1", BORN.origin, (value,))


@pytest.mark.parametrize("told", [BORN, BORN.scored([0.1, 1e-17]), BORN.failed("no_mass")])
def test_lineage_lines_hold_all_that_is_known_exactly(told: Any) -> None:
    line = json.loads(json.dumps(told.to_dict(list)))
    origin = Origin(
        **{name: line[name] for name in ("generation", "island", "number", "operator", "migrated_from")},
        parents=tuple(line["parents"]),
    )
    outcome = tuple(line["objectives"]), line["failure"]
    assert Individual(tuple(line["genome"]), line["key"], origin, *outcome) == told
    assert line["id"] == told.id


def test_fitness_compares_as_larger_is_better_and_refuses_nan() -> None:
    assert Fitness((0.0, 2.0)) > Fitness((0.0, 1.0)) > Fitness((-1.0, math.inf))
    for twin in (copy.deepcopy(Fitness((1.0, 2.0))), pickle.loads(pickle.dumps(Fitness((1.0, 2.0))))):
        assert twin == Fitness((1.0, 2.0))
        assert twin.values == (1.0, 2.0)
        assert type(twin) is Fitness
    with pytest.raises(ValueError, match="expected numbers"):
        Fitness((math.nan,))


def test_failures_are_not_ranked(individual: Callable[..., Individual[Toy]]) -> None:
    with pytest.raises(ValueError, match="got a failure"):
        Ranking([Objective("a")]).candidates([individual(1.0), individual(number=1).failed("time_out")])


def test_signs_weights_and_ties(individual: Callable[..., Individual[Toy]]) -> None:
    cheap, dear, equal = individual(0.5, 10.0), individual(0.6, 90.0, number=1), individual(0.5, 10.0, number=2)
    objectives = [Objective("accuracy"), Objective("flops", maximise=False)]
    accurate = Ranking(objectives, {"accuracy": 1.0}, [0.1, 80.0])
    frugal = Ranking(objectives, {"accuracy": 1.0, "flops": 1.5}, [0.1, 80.0])
    assert accurate.best_first([equal, cheap, dear]) == [dear, cheap, equal]
    assert frugal.best_first([equal, cheap, dear]) == [cheap, equal, dear]
    assert not accurate.several
    assert Ranking(objectives).several
    only = Ranking([Objective("flops", maximise=False)])
    assert only.best_first([individual(3.0), individual(1.0, number=1)])[0].objectives == (1.0,)


def test_several_objectives_rank_by_front_then_crowding(individual: Callable[..., Individual[Toy]]) -> None:
    points = [(3.0, 0.0), (0.0, 3.0), (1.6, 1.6), (1.5, 1.5), (2.0, 1.4), (1.4, 2.0)]
    made = [individual(*point, number=place) for place, point in enumerate(points)]
    ranking = Ranking([Objective("a"), Objective("b")])
    ranked = ranking.best_first(made)
    assert {i.objectives for i in ranked[:2]} == {(3.0, 0.0), (0.0, 3.0)}  # the ends of the front
    assert ranked[4].objectives == (1.6, 1.6)  # the crowded middle of the front
    assert ranked[5].objectives == (1.5, 1.5)  # dominated
    assert {i.objectives for i in ranking.select(made, 2)} == {(3.0, 0.0), (0.0, 3.0)}
    assert made[3] not in ranking.select(made, 5)
    assert len(ranking.select(made, 9)) == 6
