"""What a few items say of many: on counts and seconds that were recorded, and on made-up ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evoswarm.decoding.request import Counters
from evoswarm.experiment.outlook.kinds import Kinds
from evoswarm.experiment.outlook.prices import FORWARDS_GROWTH, LEAST_GROWTH, Prices, Taken, Work, growth_of
from evoswarm.experiment.outlook.rehearsal import Rehearsal
from evoswarm.experiment.outlook.scenes import (
    CALIBRATING,
    CHOOSING,
    FITTING,
    NARROWING,
    READING,
    RIVALS,
    TEST,
    Act,
    Scene,
)

# The quickstart on 5 and on 15 items of each split: seconds, model calls, rounds, prefixes, distributions worked out
# and asked for, evaluations; and its whole choice (200 items), rivals (200) and test (1,000), on the same busy machine.
RECORDED = {
    5: {
        CALIBRATING: (0.228, 45, 14, 302, 128, 146, 0),
        "0": (0.298, 49, 30, 337, 334, 1502, 150),
        "1": (0.348, 63, 34, 245, 240, 1895, 150),
        "2": (0.184, 27, 18, 105, 101, 2394, 150),
        "3": (0.141, 21, 16, 37, 36, 2465, 150),
        CHOOSING: (0.314, 62, 30, 409, 257, 2355, 140),
        RIVALS: (0.625, 92, 125, 465, 591, 4290, 280),
        TEST: (0.360, 79, 81, 523, 412, 1053, 85),
    },
    15: {
        CALIBRATING: (0.294, 48, 13, 872, 419, 419, 0),
        "0": (0.347, 46, 36, 715, 713, 4003, 450),
        "1": (0.373, 61, 41, 546, 527, 5040, 450),
        "2": (0.254, 39, 27, 304, 301, 4714, 450),
        "3": (0.198, 24, 18, 67, 69, 6048, 450),
        CHOOSING: (0.445, 75, 33, 1162, 763, 5589, 420),
        RIVALS: (0.677, 73, 129, 994, 1368, 7067, 690),
        TEST: (0.582, 97, 108, 1648, 1427, 3729, 255),
    },
}
WHOLE = {
    CHOOSING: (200, 2.49, 118, 66, 14847, 10145, 88012),
    RIVALS: (200, 4.08, 130, 172, 15939, 20761, 128304),
    TEST: (1000, 11.61, 291, 185, 99740, 92124, 244179),
}
KINDS = ("forwards", "rounds", "rows", "found", "lookups")


def recorded(*sizes: int) -> list[Act]:
    return [
        Act(
            tuple(
                Scene(name, size, Taken(Work(*map(float, counts)), seconds), evaluations, 2.0 * evaluations)
                for name, (seconds, *counts, evaluations) in RECORDED[size].items()
            ),
            items=(),
        )
        for size in sizes
    ]


@pytest.mark.parametrize("part", WHOLE)
def test_few_items_say_what_many_take(part: str) -> None:
    items, seconds, *counts = WHOLE[part]
    known = Rehearsal(recorded(5, 15))
    work, took = known.work(part, items), known.part(part, items).seconds
    for kind, count in zip(KINDS, counts, strict=True):
        assert 1 / 1.6 < getattr(work, kind) / count < 1.6, kind
    assert 1 / 1.5 < took / seconds < 1.5


def test_what_a_search_has_taken_corrects_its_prices() -> None:
    """On a machine that is twice as slow with many items, the parts that are over say so."""
    known = Rehearsal(recorded(5, 15))
    over = [Taken(work := known.work(str(generation), 100), 2 * known.prices.seconds(work)) for generation in range(4)]
    rest = known.work(TEST, 1000)
    corrected = Rehearsal(recorded(5, 15), over * 5).prices.seconds(rest)
    assert 1.5 < corrected / known.prices.seconds(rest) < 3.0


def test_a_part_takes_no_less_than_on_few_items_and_no_more_than_each_by_itself() -> None:
    """However little the prices are worth."""
    free, dear = Rehearsal(recorded(5)), Rehearsal(recorded(5))
    free.prices, dear.prices = Prices((0.0,) * 5), Prices((1.0,) * 5)
    assert free.part(TEST, 1000).seconds == RECORDED[5][TEST][0]
    assert dear.part(TEST, 1000).seconds == pytest.approx(200 * RECORDED[5][TEST][0])


def test_prices_are_found_where_work_tells_them_apart() -> None:
    prices = Prices((4e-3, 1e-3, 2e-4, 1e-4, 2e-5))
    kinds = [Work(50, 20, 300, 200, 500), Work(20, 20, 10, 10, 3000), Work(60, 15, 2000, 500, 600)]
    kinds += [Work(10, 90, 50, 40, 4000), Work(30, 30, 300, 300, 300), Work(70, 40, 900, 800, 9000)]
    found = Prices.of([Taken(one, prices.seconds(one)) for one in kinds])
    assert found.each == pytest.approx(prices.each, rel=1e-3)
    assert min(Prices.of([Taken(one, 1.0 / (1 + one.forwards)) for one in kinds]).each) >= 0.0, "no work pays back"
    assert Prices.of([]).seconds(kinds[0]) == 0.0


def test_calls_and_rounds_grow_slower_than_items() -> None:
    assert growth_of([(5, 100.0), (20, 200.0)]) == pytest.approx(0.5)
    assert growth_of([(5, 100.0), (20, 90.0)]) == LEAST_GROWTH
    assert growth_of([(5, 100.0), (20, 800.0)]) == 1.0
    assert growth_of([(5, 100.0)]) == growth_of([(5, 100.0), (5, 90.0)]) == FORWARDS_GROWTH
    grown = Work(8.0, 4.0, 10.0, 20.0, 30.0).scaled(4.0, growth=0.5)
    assert grown == Work(16.0, 8.0, 40.0, 80.0, 120.0)


def test_generations_that_were_not_played_are_as_the_last_two_were() -> None:
    known = Rehearsal(recorded(5))
    two, four, six = (known.searching(100, count) for count in (2, 4, 6))
    last = [known.work(name, 100).lookups for name in ("2", "3")]
    assert six.work.lookups - four.work.lookups == pytest.approx(sum(last))
    assert two.work.lookups < four.work.lookups
    assert two.seconds < four.seconds < six.seconds
    calibrated = known.work(CALIBRATING, 64).rows
    assert known.searching(100, 0).work.rows == calibrated == pytest.approx(302 * 64 / 5)


def with_fits(size: int) -> Act:
    """The same with right answers that were read and fitted to in 0.3 seconds, 0.1 of which went into narrowing."""
    (played,) = recorded(size)
    taken = {READING: Taken(Work(forwards=10.0, found=100.0), 0.05)}
    taken |= {NARROWING: Taken(Work(), 0.1), FITTING: Taken(Work(), 0.2)}
    return replace(played, scenes=(*played.scenes, *(Scene(name, size, one, 0, 0.0) for name, one in taken.items())))


def test_fits_to_right_answers_are_part_of_the_search_and_no_work_of_the_engine() -> None:
    known, without = (Rehearsal([with_fits(5)], without=some) for some in ((), (READING, NARROWING, FITTING)))
    assert known.fitting(5) == pytest.approx(0.2)
    assert 0.2 < known.fitting(100) < 0.2 * 20
    assert known.fitting(20, 20) == pytest.approx(2 * known.fitting(20))
    assert without.fitting(100) == 0.0
    fitted, plain = (one.searching(100, 4) for one in (known, without))
    assert fitted.work.found - plain.work.found == pytest.approx(2000.0), "all items are read"
    assert fitted.seconds - plain.seconds > 20 * 0.1 + known.fitting(100)
    assert plain.work == Rehearsal(recorded(5)).searching(100, 4).work


def test_choosing_fits_to_every_kind_and_asks_specialists() -> None:
    """Five policies more on 140 evaluations of 5 items are 5 for 28."""
    known = Rehearsal([with_fits(5)])
    plain, whole = known.part(CHOOSING, 200), known.choosing(200, Kinds(5, (20, 30), 0.25))
    assert whole.work.lookups == pytest.approx(plain.work.lookups * 33 / 28)
    fits = known.fitting(20, 30)
    assert whole.seconds == pytest.approx(known.part(CHOOSING, 200, more=5).seconds + fits + 0.25)
    assert known.part(CHOOSING, 200, more=5).seconds > plain.seconds
    assert known.choosing(200, Kinds()) == plain


def test_evaluations_and_tokens_grow_with_items() -> None:
    known = Rehearsal(recorded(5, 15))
    assert known.asked(TEST, 1000) == (17_000, pytest.approx(34_000.0))
    assert known.tokens_of_generations(100, 8) == pytest.approx(8 * 2.0 * 3000)
    assert Rehearsal([]).asked(TEST, 1000) == (0, 0.0)


def test_work_is_what_the_engine_counted() -> None:
    counters = Counters(
        forwards=3, step_batches=2, rows_forwarded=10, rows_reforwarded=4, text_found=5, text_lookups=9, symbols=7
    )
    assert Work.of(counters) == Work(3, 2, 14, 5, 9)
