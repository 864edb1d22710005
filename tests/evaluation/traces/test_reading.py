"""Both files read back: what was written, and what somebody spoilt."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evoswarm.errors import RunError
from evoswarm.evaluation.alone import AloneOnSplit, ScoresAlone, read_alone
from evoswarm.evaluation.traces.lines import TracedPolicy, TraceHeader, TraceLine, TracePart, TraceStep
from evoswarm.evaluation.traces.reading import read_traces

PARTS = (TracePart("", ("a", "b"), "a", "bytes", "mixture"),)
HEADER = TraceHeader(1, "test", 2, (TracedPolicy("champion", "the champion", "d1", PARTS),))
STEPS = (
    TraceStep(
        b"\xe2\x82", 1.25, -0.5, 0.25, (0, 1), ((b"\xe2\x82", 0.6), (b"<\xe2\x80\xa8", 0.4)), (((b"x", 1.0),), ())
    ),
    TraceStep(None, None, None, None, (1,), ((None, 0.9),), (((None, 0.9),),)),
)
LINES = [
    TraceLine(1, "k1", "sums", "1+1=", "2", "champion", 0, 1.0, "2", None, STEPS),
    TraceLine(2, "k2", "sums", "2\u2028+1=", "", "champion", 0, None, "", "prompt_too_long", ()),
]
ALONE = ScoresAlone(
    1,
    ("a", "b"),
    {
        "selection": AloneOnSplit(
            2, ("sums",), (0, 0), {"sums": 2.0}, {"a": (1.0, None), "b": (0.5, 0.0)}, (1.0, 1.0), (0.0, 0.0)
        )
    },
)


def written(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def spoilt(line: TraceLine, **changes: Any) -> str:
    return json.dumps({**json.loads(line.to_json()), **changes})


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    traces = read_traces(written(tmp_path / "traces.jsonl", HEADER.to_json(), *(line.to_json() for line in LINES)))
    assert traces.header == HEADER
    assert list(traces.lines) == LINES
    first = json.loads(LINES[0].to_json())["steps"][0]
    assert first == [
        {"hex": "e282"},
        *(1.25, -0.5, 0.25, [0, 1]),
        [[{"hex": "e282"}, 0.6], ["<\u2028", 0.4]],
        [[["x", 1.0]], []],
    ]
    file = tmp_path / "alone.json"
    file.write_text(ALONE.to_json())
    assert read_alone(file) == ALONE


def test_numbers_are_short(tmp_path: Path) -> None:
    step = STEPS[0]._replace(entropy=1.23456789, log_prob=-1e-9, moved=0.00012345678)
    assert step.to_json()[1:4] == [1.235, 0.0, 0.000123]
    assert str(step.to_json()[2]) == "0.0", "not -0.0"


SPOILT: dict[str, tuple[Callable[[], list[str]], int | None, str]] = {
    "no header": (lambda: [LINES[0].to_json()], 1, "a line as evoswarm writes it"),
    "no JSON": (lambda: [HEADER.to_json(), "{", LINES[1].to_json()], 2, "a line as evoswarm writes it"),
    "another version": (lambda: [HEADER.to_json().replace('"version":1', '"version":2')], 1, "version"),
    "a score above 1": (lambda: [HEADER.to_json(), spoilt(LINES[0], score=1.5)], 2, "score"),
    "a step with too little": (lambda: [HEADER.to_json(), spoilt(LINES[0], steps=[["a", 0.5]])], 2, "steps"),
    "a symbol that is none": (
        lambda: [HEADER.to_json(), spoilt(LINES[0], steps=[[{"hex": "zz"}, 0, 0, 0, [], [], []]])],
        2,
        "steps.0",
    ),
    "a stranger's part": (lambda: [HEADER.to_json(), spoilt(LINES[0], part=3)], 2, "got part 3 of 'champion'"),
    "a speaker of no name": (
        lambda: [HEADER.to_json(), spoilt(LINES[0], steps=[["a", 0.5, -1, 0, [2], [], [[]]]])],
        2,
        "speakers among 2 members",
    ),
    "an item too few": (lambda: [HEADER.to_json(), LINES[0].to_json()], None, "expected 2 items in order"),
    "items out of order": (
        lambda: [HEADER.to_json(), *(line.to_json() for line in LINES[::-1])],
        None,
        "expected 2 items in order",
    ),
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_spoilt_file_is_refused_in_a_sentence(tmp_path: Path, how: str) -> None:
    lines, number, said = SPOILT[how]
    file = written(tmp_path / "traces.jsonl", *lines())
    with pytest.raises(RunError) as caught:
        read_traces(file)
    place = str(file) if number is None else f"{file}:{number}"
    assert str(caught.value).startswith(f"{place}: expected")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path / "traces.jsonl", HEADER.to_json(), *(line.to_json() for line in LINES))
    for size in (0, 20, len(file.read_bytes()) - 1):
        (tmp_path / "cut").write_bytes(file.read_bytes()[:size])
        with pytest.raises(RunError, match="expected"):
            read_traces(tmp_path / "cut")


@pytest.mark.parametrize(
    "changes",
    [{"items": 3}, {"scores": {"a": [1.0, None]}}, {"task": [0, 1]}, {"weight": {}}, {"champion": [1.0, 2.0]}],
    ids=lambda changes: next(iter(changes)),
)
def test_scores_that_do_not_fit_are_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    data = json.loads(ALONE.to_json())
    data["splits"]["selection"] |= changes
    (tmp_path / "alone.json").write_text(json.dumps(data))
    with pytest.raises(RunError, match=r"alone\.json: expected scores as evoswarm writes them"):
        read_alone(tmp_path / "alone.json")
