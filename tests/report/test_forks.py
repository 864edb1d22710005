"""Who decided a step, which items are rescued or broken, and what a page has room for."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from evoswarm.errors import RunError
from evoswarm.evaluation.traces.lines import TraceStep
from evoswarm.experiment.result import SearchResult
from evoswarm.report.run_files import RunFiles
from evoswarm.report.sections.deciding import TOGETHER, decided
from evoswarm.report.sections.forks import FLAGS, ROOM, forks
from evoswarm.run_directory import CHAMPION, TRACES
from tests.report.answered_run import MEMBERS, answered, answered_run, champion, overruled, step

RIGHT, WRONG = 1.0, 0.0


@pytest.mark.parametrize(
    ("said", "by"),
    [
        ({0: [(b"x", 0.9)]}, 0),  # the lead alone, though it was drawn against its own likeliest
        ({0: [(b"y", 0.4), (b"x", 0.3)], 1: [(b"x", 0.5)], 2: [(b"x", 0.6)]}, 2),  # the surest of those who wanted it
        ({0: [(b"y", 0.4)], 1: [(b"x", 0.5)], 2: [(b"x", 0.5)]}, 1),  # of two as sure, the first
        ({0: [(b"x", 0.2)], 1: [(b"x", 0.9)]}, 0),  # the lead wanted it too
        ({0: [(b"y", 0.5), (b"x", 0.4)], 1: [(b"z", 0.5), (b"x", 0.4)]}, TOGETHER),
        ({0: [], 1: [(b"x", 0.5)]}, 1),  # the lead has nothing to say
        ({0: [], 1: []}, TOGETHER),
        ({1: [(b"x", 0.5)]}, 1),  # another one was drawn to speak alone
    ],
)
def test_who_decided_a_step(said: dict[int, list[tuple[bytes | None, float]]], by: int) -> None:
    assert decided(step(b"x", said=said), lead=0) == by


def test_end_is_decided_like_any_symbol() -> None:
    assert decided(step(None, said={0: [(b"x", 0.6)], 1: [(None, 0.7)]}), lead=0) == 1


def told(run: RunFiles, room: int = ROOM) -> dict[str, Any]:
    found = forks(run, room)
    assert found is not None
    return found


def outcomes(run: RunFiles) -> dict[int, set[str]]:
    data = told(run)
    return {
        number: {name for place, name in enumerate(FLAGS) if flags >> place & 1}
        for number, flags in zip(data["traced"]["number"], data["traced"]["flags"], strict=True)
    }


def test_rescued_and_broken_are_against_every_member_alone(tmp_path: Path) -> None:
    alone = step(b"6")
    items = [
        answered(1, [overruled(b"6")], (RIGHT, WRONG, WRONG)),
        answered(2, [alone], (WRONG, RIGHT, RIGHT)),
        answered(3, [alone], (RIGHT, WRONG, RIGHT)),  # one member is right alone
        answered(4, [alone], (WRONG, RIGHT, RIGHT)),  # one is wrong
        answered(5, [alone], (0.5, None, RIGHT)),  # a failure is no right answer, half a score is
    ]
    scores: dict[str, list[float | None]] = {
        "adder": [0, 1, 0, 1, None],
        "speller": [0.4, 1, 1, 1, 0],
        "sorter": [0, 1, 0, 0, 0],
    }
    assert outcomes(answered_run(tmp_path, items, scores)) == {
        1: {"right", "rescued", "gained", "open", "overruled"},
        2: {"broken", "lost"},
        3: {"right", "gained"},
        4: {"lost"},
        5: {"right", "rescued", "gained"},
    }


def test_nothing_is_called_rescued_where_nobody_knows_who_is_right_alone(tmp_path: Path) -> None:
    run = answered_run(tmp_path, [answered(1, [step(b"6")])])
    assert outcomes(run) == {1: {"right", "gained"}}
    assert not told(run)["alone"]


def test_answers_are_columns_that_say_what_the_lines_do(tmp_path: Path) -> None:
    steps = [step(b"6", 0.123456), overruled("é".encode()[:1]), overruled("é".encode()[1:]), step(None, None, None)]
    data = told(answered_run(tmp_path, [answered(1, steps)]))
    answer = data["answers"][0][0]
    assert [data["symbols"][number] for number in answer["symbol"]] == ["6", {"hex": "c3"}, {"hex": "a9"}, None]
    assert answer["by"] == [0, 1, 1, 0]
    assert answer["entropy"] == [1235, 20000, 20000, -1]
    assert answer["moved"] == [0, 6000, 6000, -1]
    assert answer["log_prob"] == [2500] * 4
    assert [data["speakers"][number] for number in answer["spoke"]] == [[0], [0, 1], [0, 1], [0]]
    fused = answer["fused"][1]
    assert [(data["symbols"][fused[0]], fused[1]), (data["symbols"][fused[2]], fused[3])] == [
        ({"hex": "c3"}, 7800),
        ("?", 1000),
    ]
    assert answer["own"][0] == 0
    assert [data["symbols"][own[0]] for own in answer["own"][1]] == ["#", {"hex": "c3"}]
    assert answer["text"] is None  # the steps spell it
    assert data["members"] == list(MEMBERS)
    assert data["steps"][0] == {"all": 4, "lead": 2, "others": 2, "together": 0, "open": 2}


def test_the_striking_come_first_then_those_whose_lead_was_moved_most(tmp_path: Path) -> None:
    items = [
        answered(1, [overruled(b"6", moved=0.1)], (RIGHT, RIGHT, RIGHT)),
        answered(2, [overruled(b"6", moved=0.9)], (RIGHT, RIGHT, RIGHT)),
        answered(3, [step(b"6")], (WRONG, RIGHT, RIGHT)),
        answered(4, [step(b"6")], (RIGHT, WRONG, RIGHT)),
    ]
    scores = {name: [1, 1, 1, 0] for name in MEMBERS}
    data = told(answered_run(tmp_path, items, scores))
    assert [item["number"] for item in data["shown"]] == [4, 3, 2, 1]
    assert data["shown"][0]["alone"] == [0, 0, 0]


def many(rng: Random, number: int) -> list[TraceStep]:
    """Steps of a long answer that packs badly."""
    texts = [f"{rng.getrandbits(40):x}".encode() for _ in range(60)]
    likely = {0: [(text, 0.2) for text in texts[:3]], 1: [(text, 0.2) for text in texts[3:6]]}
    return [
        step(text, rng.random(), rng.random(), likely)._replace(
            candidates=tuple((one, rng.random()) for one in texts[at : at + 5])
        )
        for at, text in enumerate(texts)
    ]


@pytest.fixture(scope="module")
def long_run(tmp_path_factory: pytest.TempPathFactory) -> RunFiles:
    rng = Random(0)
    items = [answered(number, many(rng, number), (RIGHT, WRONG, RIGHT)) for number in range(1, 31)]
    rescued = [0.0 if number <= 12 else 1.0 for number in range(1, 31)]
    return answered_run(tmp_path_factory.mktemp("long"), items, dict.fromkeys(MEMBERS, rescued))


def test_a_page_holds_as_many_answers_as_there_is_room_for(long_run: RunFiles) -> None:
    everything = told(long_run)
    assert (len(everything["shown"]), everything["candidates"]) == (30, 5)
    room = 25_000
    some = told(long_run, room)
    packed = gzip.compress(json.dumps([some["symbols"], some["answers"]]).encode(), 9)
    assert room / 2 < len(packed) * 4 / 3 < room * 1.05
    assert some["candidates"] == 2
    shown = [item["number"] for item in some["shown"]]
    rescued = [number for number in shown if number <= 12]
    assert len(shown) < 30
    assert 2 * (len(shown) - len(rescued)) - 2 <= len(rescued) <= 2 * (len(shown) - len(rescued)) + 2
    assert some["traced"] == everything["traced"]  # what is counted does not hang on what is held
    assert len(some["answers"]) == len(shown)
    assert max(number for answers in some["answers"] for one in answers for number in one["symbol"]) < len(
        some["symbols"]
    )


def test_an_item_is_shown_however_little_room_there_is(long_run: RunFiles) -> None:
    assert len(told(long_run, room=10)["shown"]) == 1


def test_traces_of_an_earlier_champion_are_not_shown(tmp_path: Path) -> None:
    run = answered_run(tmp_path, [answered(1, [step(b"6")])])
    champion().changed(lead=MEMBERS[1]).save(tmp_path / CHAMPION)
    assert forks(run) is None


def test_a_lead_that_is_no_member_is_refused(tmp_path: Path) -> None:
    answered_run(tmp_path, [answered(1, [step(b"6")])])
    text = (tmp_path / TRACES).read_text(encoding="utf-8")
    (tmp_path / TRACES).write_text(text.replace('"lead":"adder"', '"lead":"nobody"', 1), encoding="utf-8")
    with pytest.raises(RunError, match="nobody"):
        forks(RunFiles(tmp_path))


def test_a_finished_search_shows_its_answers(finished: SearchResult) -> None:
    data = told(RunFiles(finished.directory))
    assert len(data["shown"]) == data["items"] == 6
    spelled = [
        "".join(symbol for number in answer["symbol"] if (symbol := data["symbols"][number]) is not None)
        for answers in data["answers"]
        for answer in answers
        if answer["text"] is None
    ]
    assert any(spelled)
