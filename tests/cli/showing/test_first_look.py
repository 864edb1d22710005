"""A first look as people see it: a table that leaves nothing out, and texts that show what they hold."""

from __future__ import annotations

import json

from evoswarm.cli.showing.first_look import first_look_lines, shown
from evoswarm.cli.telling.events import FirstLookEvent
from evoswarm.experiment.first_look.look import Alone, Answered, FirstLook


def look_of(tasks: int, answer: str = "two", prompt: str = "one?") -> FirstLook:
    names = [f"task-{number:02}" for number in range(tasks)]
    rows = [
        Alone(member, task, 8, 0.25, 4 if member == "second" else 0, 0, 0, 0, 0, "")
        for member in ("first", "second")
        for task in names
    ]
    answers = [
        Answered(task, "second", "one?", prompt, "", answer, score, "limit", failure)
        for task in names
        for score, failure in ((0.0, ""), (0.5, ""), (None, "the context is too short"))
    ]
    return FirstLook(8 * tasks, tuple(rows), tuple(answers), ("All may be well.",), ("Something is wrong.",))


def test_the_table_goes_on_below_where_all_tasks_do_not_fit() -> None:
    lines = first_look_lines(look_of(20), width=80)
    table = lines[1 : next(place for place, line in enumerate(lines) if "some answers" in line)]
    assert all(len(line) <= 80 for line in table)
    assert [word for line in table[::3] for word in line.split() if word.startswith("task-")] == [
        f"task-{number:02}" for number in range(20)
    ]
    assert table[1].split()[:2] == ["first", "25%"]
    assert table[2].split()[:3] == ["second", "25%", "(50%)"]
    assert lines[0].endswith("right answers, and in brackets answers that ran to max_bytes")
    assert lines[-2:] == ["Note: All may be well.", "Warning: Something is wrong."]


def test_short_answers_take_a_line_each() -> None:
    lines = [line for line in first_look_lines(look_of(1)) if line.startswith("  question")]
    assert lines == [
        '  question "one?", read as it stands, gold none, answer of second "two": ' + judged
        for judged in (
            "wrong, ran to max_bytes",
            "scores 0.5, ran to max_bytes",
            "failed: the context is too short",
        )
    ]


def test_long_ones_are_cut_in_the_middle() -> None:
    prompt = "begin\n" + "x" * 500 + "\nend: "
    lines = first_look_lines(look_of(1, prompt=prompt))
    (read, *_) = [line for line in lines if line.startswith("  read as")]
    assert '"begin\\nxxx' in read
    assert read.endswith('xxx\\nend: "')
    assert "416 characters" in read
    assert all(len(line) <= 160 for line in lines)


def test_what_cannot_be_seen_is_spelled_out() -> None:
    assert shown("a\tb\x1b[31m\n\u200bü ") == '"a\\tb\\x1b[31m\\n\\u200bü "'


def test_machines_get_all_of_it() -> None:
    look = look_of(2)
    event = json.loads(FirstLookEvent.of(look).model_dump_json())
    assert event.pop("event") == "first_look"
    assert FirstLook.from_json(json.dumps(event)) == look
