"""The commands ``show`` and ``runs``: what was found, and where it lies, from files alone."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from evoswarm.cli.runs_command import HOLDING, KNOWN
from evoswarm.cli.showing.console import print_result
from evoswarm.cli.showing.screen import make_console
from evoswarm.durable import locked
from evoswarm.evaluation.openings.places import OPENINGS
from evoswarm.experiment.ending import ending_of
from evoswarm.experiment.files.beginning import beginning
from evoswarm.experiment.files.places import LEDGER
from evoswarm.experiment.openings.guard import OpeningDeclined, require_yes
from evoswarm.experiment.openings.remedy import DECLINED
from evoswarm.experiment.result import PLAIN, SearchResult
from evoswarm.report.run_files import RunFiles
from evoswarm.run_directory import INDIVIDUALS, JOURNAL
from evoswarm.space import SearchSpace
from evoswarm.study.comparison.result import COMPARISON
from evoswarm.study.hyperparameters.question import STUDIES
from evoswarm.study.hyperparameters.storage import STORAGE
from evoswarm.study.two_by_two.searches import DIRECTORY
from tests.cli.conftest import Command, python, refused

LATER = {"front.json", "champion.json", "certificate.json", "certificate.txt", "recipes", "report.html"}
"""What a run has once its search has chosen."""

CODE = """
import sys
from evoswarm.cli import run
assert [run(["show", sys.argv[1]]), run(["show", sys.argv[2]]), run(["runs", sys.argv[3]])] == [0, 0, 0]
print(sorted({"torch", "transformers", "mlflow", "datasets", "optuna", "matplotlib"} & set(sys.modules)))
"""


def test_a_run_is_shown_as_its_search_showed_it(
    command: Command, finished: SearchResult, capsys: pytest.CaptureFixture[str]
) -> None:
    print_result(make_console(), finished)
    end = capsys.readouterr().out
    outcome = command("show", finished.directory)
    assert outcome.code == 0
    first, _, rest = outcome.out.partition("\n")
    assert first == f"{finished.directory}: a search of space micro, seed 0"
    assert rest == end
    for part in ("Champion ", "On the selection split", "Pareto front", "Verdict", "The search ended", "Use it"):
        assert part in rest


def test_what_a_run_says_is_what_its_search_knew(finished: SearchResult) -> None:
    ending = ending_of(RunFiles(finished.directory))
    assert ending is not None
    known, read = finished.selection, ending.selection
    assert (ending.champion, read.dropped, read.objectives) == (finished.champion, known.dropped, known.objectives)
    assert (read.estimates, read.origins, read.made) == (known.estimates, known.origins, known.made)
    assert (read.reference_accuracy, read.thrifty) == (known.reference_accuracy, known.thrifty)
    assert [one.name for one in read.contenders] == [one.name for one in known.contenders]
    for one, before in zip(read.contenders, known.contenders, strict=True):
        assert one.summary.cost.members == before.summary.cost.members
        assert (one.key == PLAIN, one.summary.spoken) == (before.key == PLAIN, before.summary.spoken)
    assert (ending.warnings, ending.example) == (finished.warnings, finished.example)
    state = ending.state
    assert (state.reason, state.limit, state.generations) == (finished.reason, finished.limit, finished.generations)


def test_nothing_slow_is_imported(finished: SearchResult) -> None:
    run = finished.directory
    done = python(CODE, str(run), str(run / "champion.json"), str(run.parent))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_machines_are_told_too(command: Command, finished: SearchResult) -> None:
    (result,) = [json.loads(line) for line in command("show", finished.directory, "--json").out.splitlines()]
    assert (result["event"], result["kind"], result["digest"]) == ("result", "run", finished.champion.digest)
    assert result["state"]["name"] == "finished"
    assert finished.certificate is not None
    assert result["verdict"]["outcome"] == finished.certificate.verdict.outcome
    assert result["choice"]["champion"] == finished.champion.digest
    (result,) = [json.loads(line) for line in command("runs", finished.directory.parent, "--json").out.splitlines()]
    (run,) = [one for one in result["runs"] if one["directory"] == str(finished.directory)]
    assert (run["space"], run["seed"]) == ("micro", 0)
    assert run["accuracy"]["accuracy"] == finished.certificate.score.mean
    assert {one["name"] for one in result["beside"]} >= {"ledger.sqlite", "openings.jsonl"}


@pytest.mark.parametrize("named", ["champion.json", ""])
def test_a_policy_in_words(named: str, command: Command, finished: SearchResult, tmp_path: Path) -> None:
    """Its file, or a bundle: a directory without a space."""
    shutil.copy(finished.directory / "champion.json", tmp_path)
    outcome = command("show", tmp_path / named)
    assert outcome.code == 0, outcome.error
    words = finished.champion.words(finished.selection.champion.summary.spoken)
    assert all(line in " ".join(outcome.out.split()) for line in words)
    for spec in finished.champion.specs:
        assert (
            f"{spec.name}: {spec.path}, a directory that is here, fingerprint {str(spec.fingerprint)[:12]}"
            in " ".join(outcome.out.split())
        )
    assert "test items; certificate: undecided." in " ".join(outcome.out.split())
    data = json.loads(command("show", tmp_path / named, "--json").out)
    assert (data["kind"], data["words"]) == ("mix", words)
    assert data["about"]["run"] == finished.directory.name


def test_a_policy_of_which_nothing_is_known(command: Command, finished: SearchResult) -> None:
    Path("plain.json").write_text(finished.champion.to_json())
    out = command("show", "plain.json").out
    assert "% of steps" not in out
    assert "Nothing: its file says what it is, and not where it comes from." in out


def run_until(generation: int, finished: SearchResult, folder: Path, *more: str) -> Path:
    """The same run as a death left it behind some generation."""
    run = folder / "runs" / finished.directory.name
    shutil.copytree(finished.directory, run)
    for name in LATER:
        path = run / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    events = [json.loads(line) for line in (run / JOURNAL).read_text().splitlines()]
    kept = [one for one in events if one["event"] != "finished" and one.get("generation", -1) < generation]
    (run / JOURNAL).write_text("".join(json.dumps(one) + "\n" for one in kept) + "".join(f"{one}\n" for one in more))
    rows = (run / INDIVIDUALS).read_text().splitlines(keepends=True)
    (run / INDIVIDUALS).write_text("".join(row for row in rows if json.loads(row)["generation"] < generation))
    return run


def test_an_unfinished_run_says_how_far_it_is_and_how_to_go_on(
    command: Command, finished: SearchResult, tmp_path: Path, micro: Callable[..., SearchSpace]
) -> None:
    run = run_until(2, finished, tmp_path)
    out = command("show", run).out
    assert "generation 2 of 3 is done" in out
    assert "It ended before its time." in out
    assert "The best so far" in out
    assert "  island    1                     2" in out
    assert f"evoswarm search {run}/space.yaml --out {run}" in out
    again = beginning(SearchSpace.from_yaml(run / "space.yaml"), run.parent, run)
    assert (again.continues, again.generations) == (True, 2)
    with locked(run / JOURNAL):
        out = command("show", run).out
        assert "It is at work now." in out
        assert "To go on" not in out
    data = json.loads(command("show", run, "--json").out)
    assert (data["state"]["name"], data["state"]["generations"], data["state"]["of"]) == ("unfinished", 2, 3)
    assert data["figures"]["generation"] == 1
    assert data["best"][0]["accuracy"] == max(row["accuracy"] for row in RunFiles(run).individuals)


def test_a_run_before_its_first_generation(command: Command, finished: SearchResult, tmp_path: Path) -> None:
    run = run_until(0, finished, tmp_path, '{"event": "interrupted"}')
    out = command("show", run).out
    assert "No generation is done. It was interrupted by Ctrl-C." in out


def test_why_there_is_no_verdict(command: Command, finished: SearchResult, tmp_path: Path) -> None:
    run = tmp_path / "runs" / finished.directory.name
    shutil.copytree(finished.directory, run)
    for name in ("certificate.json", "certificate.txt"):
        os.remove(run / name)
    said = json.loads((run / "champion.json").read_text())

    def words(**about: object) -> str:
        kept = {key: value for key, value in said["about"].items() if key not in ("test", "verdict")}
        (run / "champion.json").write_text(json.dumps({**said, "about": {**kept, **about}}))
        return " ".join(command("show", run).out.split())

    assert f"No verdict The test items were left closed. To open them: evoswarm certify {run}" in words()
    declined = f"No verdict {DECLINED}. To open them later: evoswarm certify {run}"
    assert declined in words(refusal=DECLINED)
    assert f"To look again all the same: evoswarm certify {run} --force" in words(refusal="expected, got other")
    events = (run / JOURNAL).read_text().splitlines(keepends=True)
    (run / JOURNAL).write_text("".join(line for line in events if '"finished"' not in line))
    assert "its certificate is still to come" in words()
    with pytest.raises(OpeningDeclined) as caught:
        require_yes(lambda question: False, "open them?")
    assert caught.value.message == DECLINED


def test_runs_are_listed_the_latest_first_and_damaged_ones_too(
    command: Command, finished: SearchResult, tmp_path: Path
) -> None:
    run = run_until(2, finished, tmp_path, '{"event": "interrupted"}')
    root = run.parent
    done = shutil.copytree(finished.directory, root / "done")
    damaged = root / "damaged"
    damaged.mkdir()
    (damaged / JOURNAL).write_text("nonsense\n")
    for place, moment in ((run, 3e9), (done, 2e9), (damaged, 1e9)):
        for file in [place, *place.rglob("*")]:
            os.utime(file, (moment, moment))
    (root / "compare-micro").mkdir()
    (root / "compare-micro" / COMPARISON).write_text("{}")
    (root / "notes.txt").write_text("mine")
    (root / LEDGER).write_bytes(b"")
    outcome = command("runs", root)
    assert outcome.code == 0
    rows = [line.split("│")[1:-1] for line in outcome.out.splitlines() if line.startswith("│")]
    cells = [[cell.strip() for cell in row] for row in rows]
    assert [row[0] for row in cells] == [run.name, "done", "damaged"]
    assert cells[0][1:4] == ["interrupted at 2 of 3", "-", "-"]
    assert (cells[1][1], cells[1][3], cells[2][1]) == ("finished", "undecided", "damaged")
    words = " ".join(outcome.out.split())
    assert f"damaged cannot be read: {damaged / JOURNAL}:1: expected an event" in words
    assert "Beside them: compare-micro (a comparison of algorithms" in words
    assert "Not known, and not listed: notes.txt." in words


@pytest.mark.parametrize("width", [40, 60])
def test_runs_fit_the_terminal(
    width: int, command: Command, finished: SearchResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evoswarm.cli.showing.screen.columns", lambda stream: width)
    out = command("runs", finished.directory.parent).out
    assert all(len(line) <= width or str(finished.directory.parent) in line for line in out.splitlines())
    assert finished.certificate is not None
    assert f"{finished.certificate.score.mean:.1%} (" in out


def test_an_empty_directory_of_runs(command: Command, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    assert command("runs", "none").out == "No search has written to none yet.\n"
    refused(command("runs"), "runs", "expected a directory of runs, got nothing there")


def test_a_directory_of_runs_is_no_run(command: Command, finished: SearchResult) -> None:
    root = finished.directory.parent
    refused(command("show", root), str(root), f"(evoswarm runs {root} lists them)")


def test_what_else_is_known_is_called_so() -> None:
    assert {LEDGER, OPENINGS, STUDIES, STORAGE, DIRECTORY} <= set(KNOWN)
    assert COMPARISON in HOLDING


def test_a_stranger_cannot_move_the_cursor(command: Command, finished: SearchResult, tmp_path: Path) -> None:
    run = shutil.copytree(finished.directory, tmp_path / "stranger")
    front = json.loads((run / "front.json").read_text())
    for row in front["contenders"]:
        row["name"] += "\x1b[2J"
    front["example"]["question"] = "\x1b]0;title\x07"
    (run / "front.json").write_text(json.dumps(front))
    outcome = command("show", run)
    assert outcome.code == 0
    assert "\x1b" not in outcome.out
    assert "evoswarm generate" in outcome.out
    front["contenders"][0]["recipe"] = "../champion.json"
    (run / "front.json").write_text(json.dumps(front))
    refused(command("show", run), "front.json", "expected a file of recipes/")
