"""What is known of genomes before they are evaluated: drafts are screened, children refined, equals told apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from statistics import fmean
from typing import Any

import pytest

from evoswarm.evolution.algorithms.archipelago import Archipelago
from evoswarm.evolution.genetic import Breeder
from evoswarm.evolution.individual import Individual
from evoswarm.evolution.ranking import Ranking
from evoswarm.evolution.settings import ArchipelagoSettings, GuidanceSettings, IslandSettings, Objective
from tests.evolution.conftest import PLACES, Toy, ToyRepresentation, total

SUM = (Objective("sum"),)


class Knowing:
    """Expects the sum of the digits that matter, and makes the first of them a nine."""

    def __init__(self) -> None:
        self.asked: list[list[Toy]] = []

    def refined(self, genomes: Sequence[Toy]) -> list[Toy]:
        return [[9, *genome[1:]] for genome in genomes]

    def promise(self, genomes: Sequence[Toy]) -> list[tuple[float, ...]]:
        self.asked.append([list(genome) for genome in genomes])
        return [(float(sum(genome[:-1])), float(genome[0])) for genome in genomes]


def evolved(guidance: GuidanceSettings, guide: Knowing | None, seed: int = 1, generations: int = 4) -> Archipelago[Toy]:
    settings = ArchipelagoSettings((IslandSettings(population=6),) * 2, SUM, guidance=guidance)
    archipelago = Archipelago(settings, ToyRepresentation(), seed, guide)
    for _ in range(generations):
        archipelago.tell([total(individual) for individual in archipelago.ask()])
    return archipelago


def lines(archipelago: Archipelago[Toy]) -> list[object]:
    return [individual.to_dict(list) for individual in archipelago.history]


def test_a_guide_that_nobody_listens_to_changes_nothing() -> None:
    assert lines(evolved(GuidanceSettings(), Knowing())) == lines(evolved(GuidanceSettings(), None))
    asked_for = GuidanceSettings(refine=0.5, screen=3, order=True)
    assert lines(evolved(asked_for, None)) == lines(evolved(GuidanceSettings(), None))


@pytest.mark.parametrize("asked_for", [{"refine": 0.5}, {"screen": 3}, {"order": True}])
def test_the_same_guide_gives_the_same_search(asked_for: dict[str, Any]) -> None:
    guidance = GuidanceSettings(**asked_for)
    assert lines(evolved(guidance, Knowing())) == lines(evolved(guidance, Knowing()))


def test_of_several_drafts_the_most_promising_is_evaluated() -> None:
    guide = Knowing()
    archipelago = evolved(GuidanceSettings(screen=4), guide, generations=1)
    drawn = [individual for individual in archipelago.history if individual.origin.operator == "random"]
    assert len(drawn) == 9  # 12 places, 3 founders that differ
    best = [max(group, key=lambda genome: sum(genome[:-1])) for row in guide.asked for group in _groups(row, 4)]
    assert [individual.genome for individual in drawn] == best
    plain = [evolved(GuidanceSettings(), None, seed, 1) for seed in range(20)]
    screened = [evolved(GuidanceSettings(screen=4), Knowing(), seed, 1) for seed in range(20)]
    assert _mean(screened) > _mean(plain) + 2


def _groups(row: list[Toy], drafts: int) -> list[list[Toy]]:
    count = len(row) // drafts
    return [row[place::count] for place in range(count)]


def _mean(searches: list[Archipelago[Toy]]) -> float:
    return fmean(individual.objectives[0] for one in searches for individual in one.history)


def test_what_was_not_chosen_may_be_tried_later(toys: ToyRepresentation) -> None:
    known: set[str] = set()
    breeder = Breeder(toys, known, Knowing(), GuidanceSettings(screen=5))
    chosen = breeder.randoms(3, Random(1))
    assert known == {draft.key for draft in chosen}


def test_refined_children_say_so_and_keep_their_parents() -> None:
    archipelago = evolved(GuidanceSettings(refine=1.0), Knowing())
    refined = [one for one in archipelago.history if one.origin.operator.endswith("+refine")]
    assert refined
    for individual in refined:
        assert individual.genome[0] == 9
        assert individual.origin.operator in {"crossover+refine", "mutation+refine", "crossover+mutation+refine"}
        assert individual.origin.parents
    founders = [one for one in archipelago.history if one.origin.generation == 0]
    assert not any("refine" in one.origin.operator for one in founders)


def test_a_refined_child_that_was_tried_stays_what_it_was(toys: ToyRepresentation) -> None:
    known = {"9" * (PLACES - 1)}

    class ToNines(Knowing):
        def refined(self, genomes: Sequence[Toy]) -> list[Toy]:
            return [[9] * PLACES for _ in genomes]

    breeder = Breeder(toys, known, ToNines(), GuidanceSettings(refine=1.0))
    population = [total(draft.born(0, 0, number)) for number, draft in enumerate(breeder.randoms(4, Random(2)))]
    children = breeder.offspring(population, 6, IslandSettings(population=4), Ranking(SUM), Random(3))
    assert not any("refine" in child.operator for child in children)


def test_equals_are_told_apart_by_their_promise(individual: Callable[..., Individual[Toy]]) -> None:
    ranking = Ranking(SUM)
    older, younger, worse = individual(5.0, number=0), individual(5.0, number=1), individual(4.0, number=2)
    assert ranking.best_first([older, younger, worse]) == [older, younger, worse]
    promised = [
        Individual(one.genome, one.key, one.origin, one.objectives, promise=promise)
        for one, promise in ((older, (5.0, 0.1)), (younger, (5.0, 0.7)), (worse, (9.0, 9.0)))
    ]
    assert [one.id for one in ranking.best_first(promised)] == [younger.id, older.id, worse.id]


def test_the_lineage_tells_what_was_expected() -> None:
    archipelago = evolved(GuidanceSettings(order=True), Knowing())
    for individual in archipelago.history:  # migrants too
        assert individual.to_dict(list)["promise"] == [sum(individual.genome[:-1]), individual.genome[0]]
    assert all("promise" not in one.to_dict(list) for one in evolved(GuidanceSettings(), Knowing()).history)
