"""Races over rungs, on matrices of scores: who goes on, what is known of the others, and what it costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from random import Random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoswarm.evaluation.evaluation import Evaluation, Summary, summarize
from evoswarm.evaluation.racing.race import Bracket, Race, RaceResult
from evoswarm.evaluation.racing.rungs import RungSchedule
from evoswarm.failure import Failure
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe, RecipeMember
from evoswarm.statistics.paired import StratifiedEstimate
from evoswarm.tasks.reasoning_gym import ReasoningGymTask
from evoswarm.tasks.task import Item, Task

TASKS: Mapping[str, Task] = {
    name: ReasoningGymTask.verified(name=name, family="spell_backward", max_bytes=10) for name in "abcd"
}
Score = Callable[[int, int], float | None]  # of a recipe's number and an item's place; None is a failure


def make_items(count: int, tasks: str = "abcd") -> list[Item]:
    """So many items, tasks in turn, as a split has them."""
    return [Item(key=f"key{n}", task=tasks[n % len(tasks)], prompt=f"prompt {n}", gold="gold") for n in range(count)]


def recipe(number: int) -> Recipe:
    """A recipe like no other."""
    return Recipe(members=(RecipeMember(spec=MemberSpec(name="m", path="m")),), lead="m", samples=2 + number)


class Matrix:
    """Scores as drawn, and what was asked of them."""

    tasks = TASKS

    def __init__(self, score: Score) -> None:
        self._score = score
        self.calls: list[tuple[set[int], set[int]]] = []
        self.asked: set[tuple[int, int]] = set()

    def evaluate(self, policies: Sequence[Recipe], items: Sequence[Item]) -> list[list[Evaluation]]:
        numbers = [one.samples - 2 for one in policies]
        places = [int(item.key[3:]) for item in items]
        self.calls.append((set(numbers), set(places)))
        self.asked.update((number, place) for number in numbers for place in places)
        return [[self._row(number, place) for place in places] for number in numbers]

    def _row(self, number: int, place: int) -> Evaluation:
        score = self._score(number, place)
        return Evaluation(score=score, failure=Failure("time_out", "slow") if score is None else None)

    def items_of(self, number: int) -> int:
        """How many items a recipe was scored on."""
        return sum(one == number for one, _ in self.asked)


def drawn(abilities: Sequence[float], seed: int, count: int = 96) -> Score:
    """Scores of recipes of these abilities: an item has one difficulty for all, and a little chance of its own."""
    rng = Random(seed)
    difficulties = [rng.random() for _ in range(count)]
    table = [[float(ability + rng.gauss(0, 0.1) > difficulty) for difficulty in difficulties] for ability in abilities]
    return lambda number, place: table[number][place]


def race(
    score: Score,
    sizes: Sequence[int],
    brackets: Sequence[Bracket[Recipe]],
    generation: int = 0,
    objective: str = "accuracy",
) -> tuple[Matrix, dict[int, RaceResult]]:
    """One race; the results by the recipes' numbers."""
    matrix = Matrix(score)
    results = Race(matrix, make_items(sizes[-1]), sizes, objective).run(generation, brackets)
    numbers = {recipe(n).digest: n for n in range(40)}
    return matrix, {numbers[digest]: result for digest, result in results.items()}


def island(numbers: Sequence[int], elites: int = 2, incumbents: Sequence[int] = ()) -> Bracket[Recipe]:
    return Bracket(elites, tuple(recipe(n) for n in numbers), tuple(recipe(n).digest for n in incumbents))


@given(st.integers(1, 4), st.data())
def test_rungs_hold_every_task_alike_and_rotate(tasks: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(tasks, 40))
    sizes = sorted({*data.draw(st.lists(st.integers(tasks, count), max_size=3)), count})
    items = make_items(count, "abcd"[:tasks])
    schedule = RungSchedule(items, sizes)
    seen: set[int] = set()
    for generation in range(count):
        rungs = schedule.rungs(generation)
        assert [len(rung) for rung in rungs] == sizes
        for rung, longer in pairwise(rungs):
            assert set(rung) < set(longer)
        for rung in rungs:
            counts = [sum(items[place].task == task for place in rung) for task in "abcd"[:tasks]]
            assert max(counts) - min(counts) <= 1
        assert rungs[-1] == list(range(count))
        seen |= set(rungs[0])
    assert seen == set(range(count))  # no item is never on a first rung


def test_a_generation_begins_where_the_one_before_left_off() -> None:
    first, second, third = (RungSchedule(make_items(48), [16, 48]).rungs(generation)[0] for generation in range(3))
    assert not set(first) & set(second)
    assert sorted([*first, *second, *third]) == list(range(48))


def test_an_estimate_is_a_score() -> None:
    """Where the best of all solves the first rung and little else, who solves nothing of it is not below 0."""
    _, results = race(lambda number, place: float(number == 0 and place < 16), [16, 96], [island([0, 1], elites=1)])
    estimate = results[1].estimate
    assert not results[1].complete
    assert estimate is not None
    assert estimate.mean == 0.0


def test_selection_compares_a_standard_error_below_the_estimate() -> None:
    _, results = race(drawn([0.9, 0.05], 8), [16, 48], [island(range(2), elites=1)])
    sure, estimated = results[0].estimate, results[1].estimate
    assert sure is not None
    assert estimated is not None
    assert estimated.error > 0
    assert [results[number].bound for number in range(2)] == [sure.mean, estimated.mean - estimated.error]
    assert results[1].to_json() == {"objectives": [estimated.mean], "items": 16, "standard_error": estimated.error}


def test_the_hopeless_stop_on_the_first_rung_and_the_best_go_all_the_way() -> None:
    score = drawn([0.9, 0.88, 0.15, 0.1, 0.05, 0.2], 1)
    matrix, results = race(score, [32, 96], [island(range(6))])
    assert [matrix.items_of(number) for number in range(6)] == [96, 96, 32, 32, 32, 32]
    assert [results[number].complete for number in range(6)] == [True, True, False, False, False, False]


def test_whoever_could_still_win_goes_on() -> None:
    matrix, results = race(lambda number, place: float(place % 2), [8, 16, 48], [island(range(6))])
    assert all(result.complete for result in results.values())  # all alike: nobody can be told from another
    assert len(matrix.asked) == 6 * 48


@pytest.mark.parametrize("seed", range(30))
def test_elites_know_all_items(seed: int) -> None:
    rng = Random(seed)
    score = drawn([rng.uniform(0.3, 0.9) for _ in range(24)], seed)
    brackets = [island(range(8)), island(range(8, 16), elites=1), island(range(16, 24), elites=3)]
    matrix, results = race(score, [16, 48, 96], brackets)
    for bracket, first in zip(brackets, (0, 8, 16), strict=True):
        bounds = {}
        for number in range(first, first + 8):
            estimate = results[number].estimate
            assert estimate is not None
            bounds[number] = estimate.lower(1.0)
        best = sorted(bounds, key=lambda number: -bounds[number])[: bracket.elites]
        assert all(results[number].complete for number in best)
    assert len(matrix.asked) < 24 * 96


def test_a_race_hardly_ever_loses_the_best_and_spends_half() -> None:
    found, spent = 0, 0.0
    for seed in range(200):
        rng = Random(1000 + seed)
        score = drawn([min(0.95, rng.betavariate(2, 3)) for _ in range(8)], seed)
        matrix, _ = race(score, [16, 48, 96], [island(range(8))])
        accuracies = [fmean(score(number, place) or 0.0 for place in range(96)) for number in range(8)]
        best = max(range(8), key=lambda number: accuracies[number])
        complete = max(accuracies[number] for number in range(8) if matrix.items_of(number) == 96)
        found += complete >= accuracies[best]
        spent += len(matrix.asked) / (8 * 96) / 200
    assert found >= 190
    assert spent < 0.62


def test_what_a_complete_recipe_shows_is_what_it_shows_without_a_race() -> None:
    score = drawn([0.7, 0.2], 5, 12)
    items = make_items(12)
    _, results = race(score, [8, 12], [island(range(2), elites=2)])
    for number in range(2):
        plain = summarize(items, [Evaluation(score=score(number, place)) for place in range(12)], TASKS)
        assert results[number] == RaceResult(plain, StratifiedEstimate(plain.objective("accuracy"), 0.0), True)


def test_an_easy_rung_does_not_flatter() -> None:
    """Who stopped on easy items is seen as behind those who know all items as it was on the easy ones."""

    def score(number: int, place: int) -> float:
        turn, good = place // 4, number < 2
        if place < 16:
            return float(good or turn > 0)
        return float(turn % 4 < (2 if good else 1))

    matrix, results = race(score, [16, 96], [island(range(4))])
    poor = results[3]
    assert matrix.items_of(3) == 16
    assert poor.summary.accuracy == 0.75
    assert poor.estimate is not None
    assert poor.estimate.mean == pytest.approx(fmean(score(3, place) for place in range(96)))  # 1/3
    assert poor.estimate.error > 0.1


def test_who_is_behind_within_chance_goes_on_and_may_win() -> None:
    def score(number: int, place: int) -> float:
        return float(place > 0) if number == 1 else float(place % 8 != 7 or place < 32)

    matrix, results = race(score, [32, 96], [island(range(3), elites=1)])
    assert matrix.items_of(1) == 96  # one item behind on the first rung, seven ahead in all
    assert results[1].summary.accuracy == pytest.approx(95 / 96)


def test_who_stopped_is_called_back_when_the_last_place_becomes_cheap() -> None:
    """The second collapses behind the first rung. The third, by its lower bound, is better: it may not lose by luck."""

    def score(number: int, place: int, rest: int) -> float:
        if place < 16:
            return float(number < 2 or place >= 4)
        return float(number == 0 or (number == 1 and place % 20 < rest) or (number == 2 and place % 2))

    collapsed, _ = race(lambda number, place: score(number, place, 0), [16, 96], [island(range(3))])
    assert [collapsed.items_of(number) for number in range(3)] == [96, 96, 96]
    assert collapsed.calls[-1][0] == {2}
    held, results = race(lambda number, place: score(number, place, 4), [16, 96], [island(range(3))])
    assert [held.items_of(number) for number in range(3)] == [96, 96, 16]
    third, second = results[2].estimate, results[1].estimate
    assert third is not None
    assert second is not None
    assert third.lower(1.0) < second.mean < third.upper(1.0)  # it may be better: that alone wins no place


@pytest.mark.parametrize("fails", [3, 40, 95])
def test_a_failed_item_is_a_wrong_answer_and_the_race_goes_on(fails: int) -> None:
    def score(number: int, place: int, failure: float | None = 0.0) -> float | None:
        return failure if number == 1 and place == fails else float(number == 0 or place % (12 - 5 * number) > 0)

    matrix, results = race(lambda number, place: score(number, place, None), [16, 48, 96], [island(range(3))])
    plain, expected = race(score, [16, 48, 96], [island(range(3))])
    assert {number: result.estimate for number, result in results.items()} == {
        number: result.estimate for number, result in expected.items()
    }
    assert matrix.calls == plain.calls
    assert results[1].complete
    assert results[1].summary.failure is None
    assert results[1].summary.failures == 1


def test_who_fails_on_the_whole_first_rung_has_failed_and_stops() -> None:
    matrix, results = race(lambda number, place: None if number == 1 else 1.0, [16, 96], [island(range(3))])
    failed = results[1]
    assert failed.estimate is None
    assert failed.bound is None
    assert failed.to_json() == {"objectives": [], "items": 16, "standard_error": 0.0}
    assert not failed.complete
    assert failed.summary.failure == Failure("time_out", "slow")
    assert matrix.items_of(1) == 16


def test_nobody_but_failures_ends_a_race_too() -> None:
    matrix, results = race(lambda number, place: None, [8, 16], [island(range(3))])
    assert all(result.estimate is None for result in results.values())
    assert len(matrix.calls) == 1


def test_one_call_for_all_islands_on_every_rung() -> None:
    score = drawn([0.9, 0.6, 0.3, 0.1] * 3, 4)
    matrix, _ = race(score, [16, 48, 96], [island(range(4 * n, 4 * n + 4)) for n in range(3)])
    assert [len(places) for _, places in matrix.calls[:3]] == [16, 48, 96]
    assert matrix.calls[0][0] == set(range(12))
    assert all({n // 4 for n in numbers} == {0, 1, 2} for numbers, _ in matrix.calls[:2])


def test_incumbents_are_the_cutoff_of_challengers() -> None:
    """Mediocre challengers would win places among themselves, not against the incumbents."""
    matrix = Matrix(drawn([0.9, 0.92, 0.5, 0.45, 0.4], 7))
    runner = Race(matrix, make_items(96), [32, 96], "accuracy")
    runner.run(0, [island([0, 1])])
    runner.run(1, [island([2, 3, 4], incumbents=[0, 1])])
    assert [matrix.items_of(number) for number in range(5)] == [96, 96, 32, 32, 32]


def test_an_incumbent_that_had_stopped_runs_again_on_the_new_rungs() -> None:
    """It was no elite at home, and is one where it has travelled to."""
    matrix = Matrix(drawn([0.9, 0.5, 0.1], 7))
    runner = Race(matrix, make_items(96), [32, 96], "accuracy")
    at_home = runner.run(0, [island([0, 1], elites=1)])[recipe(1).digest]
    assert at_home.summary.items == 32
    abroad = runner.run(1, [island([2], elites=1, incumbents=[1])])[recipe(1).digest]
    assert abroad.complete
    assert abroad.estimate != at_home.estimate
    again = Matrix(drawn([0.9, 0.5, 0.1, 0.95], 7))
    runner = Race(again, make_items(96), [32, 96], "accuracy")
    runner.run(0, [island([0, 1], elites=1)])
    beaten = runner.run(1, [island([3], elites=1, incumbents=[1])])[recipe(1).digest]
    assert beaten.summary.items == 64  # the rung of the second generation holds other items


def test_a_known_recipe_that_is_asked_for_again_costs_nothing() -> None:
    matrix = Matrix(drawn([0.9, 0.5], 7))
    runner = Race(matrix, make_items(96), [32, 96], "accuracy")
    first = runner.run(0, [island([0])])
    asked, calls = len(matrix.asked), len(matrix.calls)
    assert runner.run(1, [island([0], incumbents=[0])]) == first
    assert (len(matrix.asked), len(matrix.calls)) == (asked, calls)


def test_the_objective_may_be_one_task() -> None:
    def score(number: int, place: int) -> float:
        return float((place % 4 == 0) == (number == 0))  # the first is good at task a alone, the others at the rest

    matrix, results = race(score, [16, 48], [island(range(4), elites=1)], objective="accuracy:a")
    assert [matrix.items_of(number) for number in range(4)] == [48, 16, 16, 16]
    assert results[0].estimate == StratifiedEstimate(1.0, 0.0)
    assert results[1].estimate is not None
    assert results[1].estimate.mean == 0.0
    _, by_mean = race(score, [16, 48], [island(range(4), elites=1)])
    assert not by_mean[0].complete


def test_summaries_are_of_what_was_scored() -> None:
    _, results = race(drawn([0.9, 0.05], 8), [16, 48], [island(range(2), elites=1)])
    summaries: list[Summary] = [results[number].summary for number in range(2)]
    assert [summary.items for summary in summaries] == [48, 16]
