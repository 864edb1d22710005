"""Searches that really run, end to end."""

from __future__ import annotations

import errno
import json
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from evoswarm.errors import RunError, SpaceError
from evoswarm.evaluation.candidate import HOW_MADE
from evoswarm.experiment.figures import GenerationFigures
from evoswarm.experiment.files.places import LEDGER
from evoswarm.experiment.files.run_history import origin_of
from evoswarm.experiment.interrupt import SearchInterrupted
from evoswarm.experiment.progress import Progress
from evoswarm.experiment.result import SearchResult
from evoswarm.experiment.session import search
from evoswarm.policies.mix import Recipe
from evoswarm.run_directory import RunDirectory
from evoswarm.space import SearchSpace
from tests.experiment.runs import OUTCOMES, lines, same_outcome
from tests.forked import Forked

Micro = Callable[..., SearchSpace]
CERTIFYING = ("opening", "close_decisions")


def test_the_same_search_twice_is_the_same_to_the_byte(micro: Micro, finished: SearchResult, tmp_path: Path) -> None:
    again = search(micro(), runs=tmp_path / "elsewhere")
    assert same_outcome(finished.directory, again.directory)
    assert again.champion == finished.champion


def test_another_seed_is_another_search(micro: Micro, finished: SearchResult, tmp_path: Path) -> None:
    figures: list[GenerationFigures] = []
    other = search(micro(), seed=1, runs=finished.directory.parent, progress=Progress(generation=figures.append))
    assert other.directory.name == "micro-seed1"
    assert lines(other.directory) != lines(finished.directory)
    founders = [row["key"] for row in lines(finished.directory) if row["generation"] == 0]
    assert any(row["key"] in founders for row in lines(other.directory))
    assert figures[0].decoded < figures[0].fresh  # the ledger is shared: founders need no decoding


def test_what_a_run_directory_holds(finished: SearchResult) -> None:
    run = finished.directory
    others = {"traces.jsonl", "journal.jsonl", "openings.jsonl", "recipes", "report.html"}
    assert {*OUTCOMES, *others} == {path.name for path in run.iterdir()}
    rows = lines(run)
    assert len([row for row in rows if row["operator"] != "migration"]) == 3 * 2 * 3
    assert {row["operator"] for row in rows} >= {"uniform", "single:llama-a", "single:llama-b", "migration"}
    assert all(row["migrated_from"] for row in rows if row["operator"] == "migration")
    for row in rows:
        assert not {"time", "seconds", "date"} & set(row)
        assert (row["accuracy"] is None) == (row["failure"] is not None)
    front = json.loads((run / "front.json").read_text())
    for entry in (*front["front"], *front["contenders"]):
        assert Recipe.load(run / entry["recipe"]).digest == entry["digest"]
    assert {"member llama-a", "member llama-b"} <= {entry["name"] for entry in front["contenders"]}
    assert Recipe.load(run) == Recipe.load(run / "champion.json") == finished.champion
    assert SearchSpace.from_yaml(run / "space.yaml").name == "micro"


def test_the_front_says_how_its_policies_came_to_be(finished: SearchResult) -> None:
    rows = json.loads((finished.directory / "front.json").read_text())["contenders"]
    told = {row["digest"]: row["origin"] for row in rows if "origin" in row}
    assert told == dict(finished.selection.origins)
    assert {"plain"} < set(told.values()) <= set(HOW_MADE)
    assert origin_of(RunDirectory(finished.directory), finished.champion) == told[finished.champion.digest]


def test_the_champion_obeys_the_rule(finished: SearchResult) -> None:
    selection = finished.selection
    assert selection.best.accuracy - selection.winner.accuracy <= selection.standard_error
    assert selection.winner.accuracy - selection.champion.accuracy <= 0.005
    assert selection.champion.flops <= selection.winner.flops
    assert finished.front


def test_a_run_that_was_killed_goes_on_to_the_same_bytes(
    space_file: Path, micro: Micro, finished: SearchResult, tmp_path: Path
) -> None:
    code = (
        "import os, signal, sys; from evoswarm import Progress, search\n"
        "search(sys.argv[1], runs=sys.argv[2], "
        "progress=Progress(generation=lambda f: f.generation == 1 and os.kill(os.getpid(), signal.SIGKILL)))"
    )
    runs = tmp_path / "runs"
    dead = Forked(code, space_file, runs)
    _, said = dead.communicate()
    assert dead.returncode == -signal.SIGKILL, said
    run = runs / "micro-seed0"
    assert not (run / "champion.json").exists()
    with (run / "individuals.jsonl").open("a") as file:
        file.write('{"id": "g02-i0')  # as if it had died while writing
    figures: list[GenerationFigures] = []
    result = search(micro(), runs=runs, progress=Progress(generation=figures.append))
    assert result.directory == run
    assert same_outcome(run, finished.directory)
    assert [(f.replayed, f.decoded == 0) for f in figures] == [
        (True, True),
        (True, True),
        (False, figures[2].decoded == 0),
    ]


def test_raised_generations_go_on_and_a_finished_search_gets_a_number(micro: Micro, tmp_path: Path) -> None:
    first = search(micro("evolution.generations=1"), runs=tmp_path)
    before = (first.directory / "individuals.jsonl").read_bytes()
    more = search(micro("evolution.generations=2"), runs=tmp_path)
    assert more.directory == first.directory
    assert (first.directory / "individuals.jsonl").read_bytes().startswith(before)
    assert {row["generation"] for row in lines(first.directory)} == {0, 1}
    again = search(micro("evolution.generations=2"), runs=tmp_path)
    assert again.directory.name == "micro-seed0-2"
    assert (again.directory / "individuals.jsonl").read_bytes() == (more.directory / "individuals.jsonl").read_bytes()


@pytest.mark.parametrize("interrupted", [False, True])
def test_without_its_ledger_a_run_goes_on_to_the_same_bytes(
    micro: Micro, finished: SearchResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interrupted: bool
) -> None:
    def press(figures: GenerationFigures) -> None:
        if interrupted:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch, suppress(SearchInterrupted):
        patch.setattr("evoswarm.evaluation.evaluation.CLOSE_MARGIN", 1e9)  # other batches, other margins
        search(micro("evolution.generations=1"), runs=tmp_path, progress=Progress(generation=press), certify=False)
    for file in tmp_path.glob(f"{LEDGER}*"):
        file.unlink()
    result = search(micro(), runs=tmp_path)
    assert result.directory == tmp_path / "micro-seed0"
    assert same_outcome(result.directory, finished.directory)


def test_a_replay_that_differs_is_refused(micro: Micro, tmp_path: Path) -> None:
    first = search(micro("evolution.generations=1"), runs=tmp_path)
    file = first.directory / "individuals.jsonl"
    file.write_text(file.read_text().replace('"generation": 0', '"generation": 7', 1))
    with pytest.raises(RunError, match=r"individuals\.jsonl:1: .*another generation: 0 instead of 7"):
        search(micro("evolution.generations=2"), runs=tmp_path)


@pytest.mark.parametrize(
    ("override", "reason"),
    [("stop_at={accuracy: 0.01}", "stop_at.accuracy"), ("budget.evaluations=10", "budget.evaluations")],
)
def test_limits_end_a_search_cleanly(micro: Micro, tmp_path: Path, override: str, reason: str) -> None:
    result = search(micro(override, "evolution.generations=50", "tasks.0.scorer={kind: contains}"), runs=tmp_path)
    assert result.reason == reason
    assert result.generations < 50
    assert (result.directory / "champion.json").exists()


def test_a_limit_that_no_member_meets_is_named_with_the_file(micro: Micro, tmp_path: Path) -> None:
    with pytest.raises(SpaceError, match=r"genome\.max_parameters: expected a limit .*, got 1: the smallest, 'llama-"):
        search(micro("genome.max_parameters=1"), seed=3, runs=tmp_path)


def test_a_stop_by_the_clock_is_journalled_and_replayed(micro: Micro, tmp_path: Path) -> None:
    space = micro("budget.seconds=0.001", "evolution.generations=50")
    result = search(space, runs=tmp_path)
    assert (result.reason, result.generations) == ("budget.seconds", 1)
    journal = result.directory / "journal.jsonl"
    events = [json.loads(line) for line in journal.read_text().splitlines()]
    assert [event["event"] for event in events] == [
        "began",
        "items",
        "fitted",
        "generation",
        "stopped",
        *CERTIFYING,
        "finished",
    ]
    journal.write_text("\n".join(json.dumps(event) for event in events[:5]) + "\n")  # died before the end
    again = search(micro("evolution.generations=50"), runs=tmp_path)  # without the limit: the journal says it all
    assert (again.directory, again.reason, again.generations) == (result.directory, "budget.seconds", 1)
    more = search(micro("evolution.generations=2"), runs=tmp_path)  # another sitting goes on
    assert (more.directory, more.reason, more.generations) == (result.directory, "generations", 2)


def test_several_objectives_give_a_front(micro: Micro, tmp_path: Path) -> None:
    result = search(micro("objectives=[accuracy, flops]", "evolution.generations=2"), runs=tmp_path)
    assert result.selection.objectives == ("accuracy", "flops")
    points = [(s.accuracy, s.flops) for s in result.front]
    assert points == sorted(points, reverse=True)
    for accuracy, flops in points:
        assert not any(a >= accuracy and f <= flops and (a, f) != (accuracy, flops) for a, f in points)


def test_a_users_own_models_and_questions(pool: Path, tmp_path: Path) -> None:
    words = ["stone", "river", "cloud", "table", "horse", "plant", "chair", "bread", "glass", "light"]
    words += [word[::-1] for word in words]
    rows = [{"question": f"rev {word}=", "answer": word[::-1]} for word in words * 3]
    rows += [{"question": f"{a}+{b}=", "answer": str(a + b)} for a in range(12, 22) for b in range(31, 35)]
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "mine.yaml").write_text(
        "name: mine\n"
        f"pool:\n  - {{name: one, path: {pool}/llama-a}}\n  - {{name: two, path: {pool}/llama-b}}\n"
        f"tasks:\n  - {{name: questions, source: dataset, path: {tmp_path}/mine.jsonl, max_bytes: 8}}\n"
        "splits: {search: 6, selection: 6, test: 6}\n"
        "evolution: {generations: 2, islands: 2, population: 3}\n"
        "tracking: {mlflow: false}\n"
    )
    result = search(tmp_path / "mine.yaml", runs=tmp_path / "runs")
    assert result.directory == tmp_path / "runs" / "mine-seed0"
    assert {member.spec.name for member in result.champion.members} <= {"one", "two"}  # type: ignore[attr-defined]
    assert all(member.spec.fingerprint for member in result.champion.members)  # type: ignore[attr-defined]


def test_a_warm_start_is_among_the_founders(micro: Micro, finished: SearchResult, tmp_path: Path) -> None:
    champion = finished.directory / "recipes" / "uniform-mix.json"
    result = search(micro(f"warm_start=[{champion}]", "evolution.generations=1"), runs=tmp_path)
    assert "warm_start:uniform-mix" in {row["operator"] for row in lines(result.directory)}


def test_out_of_another_space_is_refused_before_anything_is_loaded(
    micro: Micro, finished: SearchResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evoswarm.experiment.session.workbench", lambda *_, **__: pytest.fail("the pool was loaded"))
    with pytest.raises(RunError, match="expected a directory of this search"):
        search(micro("name=other"), out=finished.directory)


def test_a_full_disk_keeps_what_there_is(micro: Micro, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync

    def fill(figures: GenerationFigures) -> None:
        def full(descriptor: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(RunError, match="room on the disk, got a full one: everything written before is kept"):
        search(micro("evolution.generations=2"), runs=tmp_path, progress=Progress(generation=fill))
    monkeypatch.setattr(os, "fsync", real)
    result = search(micro("evolution.generations=2"), runs=tmp_path)
    assert result.directory == tmp_path / "micro-seed0"
    assert len(list(tmp_path.glob("micro*"))) == 1
