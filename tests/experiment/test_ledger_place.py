"""Where the ledger lies: where the caller says, and nowhere that a link leads to."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from evoswarm.cli import run as run_command
from evoswarm.errors import RunError
from evoswarm.evaluation.ledger import Ledger
from evoswarm.evaluation.openings.places import OPENINGS
from evoswarm.experiment.files.places import LEDGER, ledger_file, root_of
from evoswarm.experiment.result import SearchResult


def test_the_callers_word_then_the_environment_then_beside_the_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert ledger_file(tmp_path) == tmp_path / "ledger.sqlite"
    monkeypatch.setenv("EVOSWARM_LEDGER", "/elsewhere/all.sqlite")
    assert ledger_file(tmp_path) == Path("/elsewhere/all.sqlite")
    assert ledger_file(tmp_path, "mine.sqlite") == Path("mine.sqlite")
    monkeypatch.setenv("EVOSWARM_LEDGER", "$HOME/all.sqlite")
    monkeypatch.setenv("HOME", "/home/of/mine")
    assert ledger_file(tmp_path) == Path("/home/of/mine/all.sqlite")
    monkeypatch.setenv("EVOSWARM_LEDGER", "$NO_SUCH_VARIABLE_HERE/all.sqlite")
    with pytest.raises(RunError, match=r"EVOSWARM_LEDGER: expected a path of variables that are set, got \$NO_SUCH"):
        ledger_file(tmp_path)


def test_a_run_without_a_ledger_stays_with_the_openings_beside_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("runs", "mine"):
        (tmp_path / folder).mkdir()
    (tmp_path / "runs" / LEDGER).touch()
    assert root_of(tmp_path / "mine" / "run") == Path("runs")
    (tmp_path / "mine" / OPENINGS).touch()
    assert root_of(tmp_path / "mine" / "run") == tmp_path / "mine"


def test_commands_take_it(
    finished: SearchResult, space_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["evaluate", str(finished.directory), "--space", str(space_file), "--split", "search", "--json"]
    assert run_command([*words, "--ledger", "deep/mine.sqlite"]) == 0
    assert not Path("runs").exists()
    with Ledger("deep/mine.sqlite") as ledger:
        assert ledger.count() == 6


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal"])
@pytest.mark.parametrize(
    ("make", "got"),
    [
        (lambda path: path.symlink_to("secret"), "a link"),
        (os.mkfifo, "a pipe"),
        (lambda path: path.mkdir(), "a directory"),
    ],
)
def test_what_is_no_regular_file_is_neither_followed_nor_opened(
    tmp_path: Path, make: Callable[[Path], object], got: str, suffix: str
) -> None:
    (tmp_path / "secret").write_text("mine")
    make(tmp_path / f"ledger.sqlite{suffix}")
    with pytest.raises(RunError, match=rf"ledger\.sqlite{suffix}: expected a regular file .*, got {got}"):
        Ledger(tmp_path / "ledger.sqlite")
    assert (tmp_path / "secret").read_text() == "mine"


def test_a_device_is_none_either() -> None:
    with pytest.raises(RunError, match=r"/dev/null: expected a regular file .*, got a device"):
        Ledger("/dev/null")
