"""What a machine is told: every event as the published schema says."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from evoswarm.cli.telling.events import EVENTS
from evoswarm.cli.telling.machine import Machine
from evoswarm.cli.telling.narrator import Narrator
from evoswarm.cli.telling.start import Start
from evoswarm.errors import RunError
from evoswarm.evaluation.advance import Advance
from evoswarm.experiment.result import SearchResult
from tests.cli.conftest import Command

pytestmark = [
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy"),  # within MLflow
    pytest.mark.filterwarnings("ignore:For backward compatibility, 'str' dtypes"),  # within MLflow
]


def events(out: str) -> list[dict[str, object]]:
    """What was printed, checked against the schema in both of its forms."""
    validator = jsonschema.Draft202012Validator(EVENTS.json_schema())
    found = [json.loads(line) for line in out.splitlines()]
    for event in found:
        validator.validate(event)
        EVENTS.validate_python(event)
    return found


def kinds(found: list[dict[str, object]]) -> list[object]:
    return [event["event"] for event in found if event["event"] != "progress"]


def test_a_search_from_its_start_to_its_result(command: Command, space_file: Path) -> None:
    outcome = command("search", space_file, "--json", "--set", "evolution.generations=2", "--out", "mine")
    assert (outcome.code, outcome.error) == (0, "")
    found = events(outcome.out)
    started = next(event for event in found if event["event"] == "start")
    assert (started["command"], started["space"], started["seed"]) == ("search", "micro", 0)
    assert (started["directory"], started["continues"], started["changed"]) == ("mine", False, [])
    phases = [(event["phase"], event["state"]) for event in found if event["event"] == "phase"]
    names = list(dict.fromkeys(name for name, _ in phases))
    begun = [name for name in names if name not in ("loading", "looking")]  # which nobody needs to do twice
    assert begun == [
        *("reading", "importing", "items", "calibrating", "evolving", "choosing", "rivals", "test", "tracing"),
    ]
    for name in names:
        states = [state for phase, state in phases if phase == name]
        assert states == ["begin", "end"] * (len(states) // 2)
    assert kinds(found)[-3:] == ["phase", "verdict", "result"]
    assert kinds(found).count("generation") == 2
    longer = command("search", space_file, "--json", "--set", "evolution.generations=3", "--out", "mine")
    resumed = next(event for event in events(longer.out) if event["event"] == "start")
    assert (resumed["continues"], resumed["generations_done"]) == (True, 2)


def test_a_mistake_is_an_event_too(command: Command, space_file: Path) -> None:
    outcome = command("search", space_file, "--json", "--set", "pool.0.path=/not/there")
    assert outcome.code == 2
    last = events(outcome.out)[-1]
    assert (last["event"], last["code"]) == ("error", 2)
    assert outcome.error == f"error: {last['message']}\n"


def test_every_command_ends_with_its_result(command: Command, space_file: Path, finished: SearchResult) -> None:
    evaluated = events(command("evaluate", finished.directory, "--space", space_file, "--json").out)[-1]
    assert (evaluated["event"], evaluated["split"]) == ("result", "selection")
    planned, refused = events(command("plan", space_file, "--json").out)[-2:]
    assert (planned["event"], planned["space"]) == ("result", "micro")
    assert (refused["event"], refused["code"]) == ("error", 2), "six test items can show nothing"
    parts = planned["parts"]
    assert isinstance(parts, dict)
    assert {"search", "choosing", "rivals", "test"} <= set(parts)


def test_what_comes_rarely(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    with pytest.raises(RunError), Narrator(Machine(), "search", clock=lambda: now[0], beats=False) as narrator:
        narrator.start(Start("search", "space micro"))
        narrator.note("The test items are unseen.")
        narrator.enter("evolving", "evolving")
        narrator.progress.decoding(Advance(3, 10, 2.0, 40, 100))
        now[0] += 2
        narrator.beat()
        narrator.part("trial", 0, {"score": 1.0, "seconds": 4.0}, "trial 0: 1.0")
        narrator.result({"accuracy": float("nan")}, refusal="opened before")
        raise RunError("the disk is full")
    found = events(capsys.readouterr().out)
    expected = ["start", "note", "phase", "progress", "trial", "phase", "refusal", "result", "error"]
    assert [event["event"] for event in found] == expected
    told = next(event for event in found if event["event"] == "progress")
    assert (told["done"], told["wanted"], told["symbols"], told["silent_seconds"]) == (3, 10, 40, 2.0)
    assert found[-2]["accuracy"] is None, "JSON knows no nan"


def test_what_is_refused_before_anybody_tells_is_an_event_too(command: Command, space_file: Path) -> None:
    for arguments in (
        ["evaluate", "r.json", "--space", space_file, "--split", "foo"],
        ["search", space_file, "--oops"],
    ):
        outcome = command(*arguments, "--json")
        assert outcome.code == 2
        (error,) = events(outcome.out)
        assert outcome.error.startswith(f"error: {str(error['message'])[:20]}")
    (error,) = [one for one in events(command("search", "none.yaml", "--json").out) if one["event"] == "error"]
    assert error["code"] == 2, "and what the narrator hears is told once"


def test_a_name_that_is_no_text_and_a_figure_that_is_no_number(capfd: pytest.CaptureFixture[str]) -> None:
    Machine().note("run\udcff.yaml")
    Machine().part("trial", 1, {"loss": float("nan"), "all": [float("inf"), 2.0]}, "")
    note, part = capfd.readouterr().out.splitlines()
    assert json.loads(note)["text"] == "run\udcff.yaml"
    assert json.loads(part)["figures"] == {"loss": None, "all": [None, 2.0]}
