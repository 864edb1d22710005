"""Whose code may run is said by options, on every command that reads a space; a file never says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from evoswarm.experiment.files.finished_run import read_run
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe, RecipeMember
from evoswarm.trust import Trust
from tests.cli.conftest import Command, refused

SPACE = """\
name: own
pool: [{name: a, path: "zoo:llama-a"}, {name: b, path: "zoo:llama-b"}]
tasks: [{name: t, source: reasoning_gym, family: pair, scorer: {kind: "scoring_beside:score"}}]
splits: {search: 8, selection: 8, test: 8}
"""
SCORER = "open('imported', 'w').close()\ndef score(text, item):\n    return text == item.gold\n"
CHAMPION = Recipe(
    members=(RecipeMember(spec=MemberSpec(name="a", path="zoo:llama-a"), weight=1.0),),
    lead="a",
)


@pytest.fixture
def asked(command: Command) -> Command:
    """In a directory with a space whose scorer leaves a trace when it is imported."""
    Path("space.yaml").write_text(SPACE)
    Path("scoring_beside.py").write_text(SCORER)
    CHAMPION.save("recipe.json")
    return command


@pytest.mark.parametrize(
    "words",
    [
        ("check", "space.yaml"),
        ("plan", "space.yaml"),
        ("search", "space.yaml"),
        ("evaluate", "recipe.json", "--space", "space.yaml"),
        ("compare", "space.yaml", "--evaluations", "1000"),
        ("two-by-two", "space.yaml", "space.yaml"),
    ],
    ids=lambda words: words[0],
)
def test_nothing_of_a_stranger_s_is_imported(asked: Command, words: tuple[str, ...]) -> None:
    refused(asked(*words), "space.yaml:3:", "--allow-scorer scoring_beside")
    assert not Path("imported").exists()
    assert not Path("runs").exists()


@pytest.mark.parametrize("allowed", ["scoring_beside", "scoring_beside.py", "./scoring_beside.py"])
def test_what_is_allowed_by_name_or_by_file_is_used(asked: Command, allowed: str) -> None:
    outcome = asked("check", "space.yaml", "--allow-scorer", allowed)
    assert (outcome.code, outcome.error) == (0, "")
    assert Path("imported").exists()
    refused(asked("check", "space.yaml", "--allow-scorer", "shutil"), "--allow-scorer scoring_beside")


def test_a_run_directory_carries_no_permission(asked: Command) -> None:
    run = Path("run")
    run.mkdir()
    (run / "space.yaml").write_text(SPACE)
    CHAMPION.save(run / "champion.json")
    trust = Trust(scorers=("scoring_beside",))
    assert read_run(run)[0].trust == Trust()
    assert read_run(run, trust)[0].trust == trust
    refused(asked("certify", run), "--allow-scorer scoring_beside")
    assert not Path("imported").exists()
