"""What stands at the bottom of a terminal: all of it on a large one, the most important on a small one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evoswarm.cli.telling.live.course import Course
from evoswarm.cli.telling.live.glyphs import DRAWN, TYPED, Glyphs, glyphs_for
from evoswarm.cli.telling.live.line import painted, width_of
from evoswarm.cli.telling.live.view import Size, view
from evoswarm.cli.telling.status import Parts, Status
from evoswarm.evaluation.advance import Advance
from evoswarm.experiment.front import FrontFigures
from evoswarm.experiment.progress import GenerationStep, Stage, StageStep
from tests.cli.telling.scenes import figures

EVOLVING = Stage("evolving", "evolving on 100 items")
DECODING = Advance(2943, 3000, 4.0, 9000, 20_000, 5200, 0.931)
STATUS = Status(EVOLVING, 65.0, GenerationStep("generation", 4, 8), DECODING, left=40.0, left_in_all=90.0)


def course(*generations: tuple[float, ...]) -> Course:
    """A search whose islands did so."""
    found = Course()
    for number, islands in enumerate(generations):
        found.hear(figures(number, 8, islands))
    return found


THREE = course((0.5, 0.25, 0.75), (0.5, 0.5, 0.75), (0.75, 0.5, 0.8))


def seen(status: Status, search: Course, columns: int, rows: int = 24, glyphs: Glyphs = DRAWN) -> list[str]:
    """The lines without their styles."""
    lines = view(status, search, Size(columns, rows), glyphs, turn=0)
    assert all(width_of(line) <= columns for line in lines), lines
    assert len(lines) <= rows
    return [painted(line, columns, styled=False).rstrip() for line in lines]


def test_a_search_at_work() -> None:
    assert seen(STATUS, THREE, 100) == [
        "⠋ generation 4 of 8, 2,943 of 3,000 answers, less than 1 s left",
        "  ━━━━━━━━━━━━────────────  49%  about 40 s in this phase, 1 min 30 s in all left, 1 min 05 s so far",
        "  best accuracy 0.800",
        "  island    1                     2                     3",
        "  best      0.750                 0.500                 0.800",
        "  median    0.375                 0.250                 0.400",
        "  course    ▄▄▇                   ▁▄▄                   ▇▇█",
        "  stagnant  0                     1                     2",
        "  now 736 answers/s, 1.3k tokens/s, prefix reuse 93.1%",
        "  generation 3: 1k evaluations/s, 2.5k tokens/s, prefix reuse 93.0%",
    ]


def test_sixty_columns_and_forty() -> None:
    assert seen(STATUS, THREE, 59)[:4] == [
        "⠋ generation 4 of 8, 2,943 of 3,000 answers,",
        "  less than 1 s left",
        "  ━━━━━━━━━━━━━━━━━━━━────────────────────  49%",
        "  about 40 s in this phase, 1 min 30 s in all left,",
    ]
    narrow = seen(STATUS, THREE, 39)
    assert "  best      0.750    0.500    0.800" in narrow
    assert narrow[-2:] == ["  generation 3: 1k evaluations/s,", "    2.5k tokens/s, prefix reuse 93.0%"]


def test_a_low_window_shows_the_most_important() -> None:
    whole = seen(STATUS, THREE, 100)
    assert seen(STATUS, THREE, 100, rows=1) == whole[:1]
    assert seen(STATUS, THREE, 100, rows=3) == whole[:3]
    assert seen(STATUS, THREE, 100, rows=9) == [*whole[:3], *whole[-2:]], "speeds, as the islands have no room"
    assert seen(STATUS, THREE, 100, rows=10) == whole


@settings(max_examples=30, deadline=None)
@given(
    st.integers(19, 130),
    st.integers(1, 30),
    st.lists(st.lists(st.floats(0, 1), min_size=1, max_size=12), max_size=2),
    st.sampled_from([DRAWN, TYPED]),
    st.sampled_from(["", "loading", "loading " * 20, "x" * 150, "日本" * 40, "\x1b[2J"]),
    st.one_of(st.none(), st.builds(Parts, st.integers(0, 9), st.just(9))),
)
def test_it_always_fits(
    columns: int, rows: int, islands: list[list[float]], glyphs: Glyphs, words: str, parts: Parts | None
) -> None:
    status = Status(EVOLVING, 4000.0, StageStep(words, 2, 3), DECODING, 30.0, 20.0, 2e5, parts)
    lines = view(status, course(*map(tuple, islands)), Size(columns, rows), glyphs, turn=3)
    assert len(lines) <= rows
    for line in lines:
        assert painted(line, columns, styled=False).isprintable()


def test_many_islands_stand_side_by_side_as_far_as_there_is_room() -> None:
    lines = seen(STATUS, course(tuple(number / 20 for number in range(20))), 80)
    assert "  island    1       2       3       4       5       6       7       8" in lines
    assert "  and 12 more islands" in lines


def test_a_front_is_its_size_and_its_ends() -> None:
    search = Course()
    front = FrontFigures(("accuracy", "flops"), 3, 0.5, ((0.75, 3e7), (0.25, 4e6)))
    search.hear(figures(0, 8, (), front=front))
    told = "  nothing is right yet, front of 3: accuracy 0.750 at 30M flops, 0.250 at 4M"
    assert told in seen(STATUS, search, 100)


def test_what_nobody_knows_is_not_drawn() -> None:
    assert seen(Status(Stage("importing", "importing torch"), 3.0), Course(), 80) == [
        "⠋ importing torch",
        "  3.0 s so far",
    ]
    loading = StageStep("gemma, 540MB", 2, 4, loading=True)
    assert seen(Status(EVOLVING, 3.0, loading), Course(), 80)[1].split() == [
        "━" * 10 + "─" * 30,
        "25%",
        "3.0",
        "s",
        "so",
        "far",
    ]


def test_parts_of_a_study_are_what_the_bar_is_of() -> None:
    studying = Status(
        Stage("studying", "8 trials"), 3.0, GenerationStep("generation", 1, 2), DECODING, parts=Parts(2, 8)
    )
    assert " 25%" in seen(studying, Course(), 80)[1]


def test_a_replayed_generation_has_no_speed() -> None:
    search = Course()
    search.hear(figures(0, 8, (0.5,), replayed=True))
    assert "  generation 1 was replayed" in seen(STATUS, search, 80)


def test_another_search_begins_anew() -> None:
    search = course((0.5,), (0.75,))
    assert search.bests == {0: [0.5, 0.75]}
    search.hear(figures(0, 8, (0.25,)))
    assert search.bests == {0: [0.25]}


def test_what_an_encoding_lacks_is_typed() -> None:
    assert glyphs_for("utf-8") == DRAWN
    assert glyphs_for("latin-1") == glyphs_for(None) == glyphs_for("no such encoding") == TYPED
    lines = seen(STATUS, THREE, 100, glyphs=TYPED)
    assert lines[1].startswith("  ############------------  49%")
    assert not any(line.startswith("  course") for line in lines)


@pytest.mark.parametrize(
    ("width", "styled", "expected"),
    [
        (9, True, "\x1b[1m日本\x1b[0m\\x1b"),
        (9, False, "日本\\x1b"),
        (3, True, "\x1b[1m日 \x1b[0m"),
        (2, False, "日"),
    ],
)
def test_a_line_is_cut_by_columns_and_cannot_move_the_cursor(width: int, styled: bool, expected: str) -> None:
    assert painted((("日本", "bold"), ("\x1b", "")), width, styled=styled) == expected
