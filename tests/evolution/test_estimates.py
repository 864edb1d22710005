"""Individuals that were scored on a part of the items carry that with them, and win nothing by luck."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from evoswarm.evolution.archipelago import Archipelago
from evoswarm.evolution.individual import Individual, Origin
from evoswarm.evolution.ranking import Ranking
from evoswarm.evolution.record import Record
from evoswarm.evolution.settings import MigrationSettings, Objective

Make = Callable[..., Archipelago[Any]]


def individual(number: int, value: float, error: float = 0.0, items: int | None = None) -> Individual[str]:
    newborn = Individual("genome", f"key{number}", Origin(0, 0, number, "random"))
    return newborn.scored([value]) if items is None else newborn.scored([value]).estimated(items, error)


def test_lineages_tell_items_and_errors_only_where_they_differ() -> None:
    plain, partial = individual(0, 0.5), individual(1, 0.5, 0.04, 32)
    assert not {"items", "standard_error"} & set(plain.to_dict(str))
    assert {"items": 32, "standard_error": 0.04}.items() <= partial.to_dict(str).items()
    for one in (plain, partial):
        assert Individual.from_dict(one.to_dict(str), str) == one


@pytest.mark.parametrize("maximise", [True, False])
def test_an_estimate_ranks_a_standard_error_below_what_it_says(maximise: bool) -> None:
    sign = 1 if maximise else -1
    lucky, sure, better = individual(0, sign * 0.80, 0.05, 32), individual(1, sign * 0.76), individual(2, sign * 0.81)
    ranking = Ranking([Objective("o", maximise)])
    assert ranking.best_first([lucky, sure, better]) == [better, sure, lucky]


def test_what_was_told_is_kept_with_its_error_and_may_not_change() -> None:
    record: Record[str] = Record(1)
    record.open([Individual("genome", "key0", Origin(0, 0, 0, "random"))])
    told = individual(0, 0.5, 0.04, 32)
    assert record.accept([told]) == [told]
    assert record.accept([told]) == []
    with pytest.raises(ValueError, match="expected the outcome told before"):
        record.accept([individual(0, 0.5, 0.01, 64)])


def test_migrants_carry_their_error(archipelago: Make) -> None:
    algorithm = archipelago(islands=2, migration=MigrationSettings(every=1))
    algorithm.tell(one.scored([float(one.origin.number)]).estimated(32, 0.04) for one in algorithm.ask())
    arrivals = [one for one in algorithm.history if one.origin.migrated_from]
    assert [(one.items, one.standard_error) for one in arrivals] == [(32, 0.04)] * 2


def test_revised_individuals_take_their_new_place_or_leave(archipelago: Make) -> None:
    algorithm = archipelago(islands=2, elites=3)
    algorithm.tell(one.scored([float(one.origin.number)]).estimated(32, 0.0) for one in algorithm.ask())
    told = list(algorithm.history)
    best, second, *rest = algorithm.populations[0]
    algorithm.revise([best.scored([-1.0]).estimated(96, 0.0), second.failed("time_out")])
    assert [one.id for one in algorithm.populations[0]] == [*(one.id for one in rest), best.id]
    assert algorithm.populations[0][-1].items == 96
    assert algorithm.history == told
    assert algorithm.places == (3, 3)
