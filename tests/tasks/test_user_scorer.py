"""Users' own scorers: only where the caller allows them, and never in this process."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from evoswarm.confined import ResourceLimits
from evoswarm.errors import TaskError
from evoswarm.tasks.scorers.settings import ScorerSettings
from evoswarm.tasks.scorers.user_scorer import UserScorer, function_limits
from evoswarm.tasks.task import Item
from evoswarm.trust import NOBODY, Trust

SOURCE = """
import os, socket, sys, time
from pathlib import Path

def length(text, item):
    return len(text) / 10

def right(text, item):
    return text == item.gold

right.extract = lambda text: text.upper()
number = 3

def broken(text, item):
    return 1 / 0

def exits(text, item):
    sys.exit(0)

def vanishes(text, item):
    os._exit(0)

def waits(text, item):
    time.sleep(60)

def spins(text, item):
    9**9**9

def calls_home(text, item):
    socket.create_connection(("127.0.0.1", 9), timeout=1)

def takes_notes(text, item):
    Path("notes").write_text(text)
    return 1

def word(text, item):
    return "a word"

def none_at_all():
    return 1
"""


def item(gold: str) -> Item:
    return Item("0" * 64, "task", "question", gold, {"row": 1})


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with a module of the user's in it, of a name that nothing else has."""
    directory = tmp_path_factory.mktemp("home")
    (directory / "scoring_of_one_s_own.py").write_text(SOURCE)
    return directory


@pytest.fixture
def module(home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(home)
    return "scoring_of_one_s_own"


def load(reference: str, limits: ResourceLimits | None = None) -> UserScorer:
    trust = Trust(scorers=(reference.split(":")[0],))
    return UserScorer.load(reference, trust, *([limits] if limits else []))


def test_a_function_of_the_user_s(module: str) -> None:
    path = list(sys.path)
    scorer = ScorerSettings(kind=f"{module}:length").scorer(Trust(scorers=(module,)))
    assert sys.path == path
    assert module not in sys.modules, "its code never runs here"
    assert scorer.score(item("x"), "12345") == 0.5
    assert scorer.extract(" a ") == "a"
    own = load(f"{module}:right")
    assert own.score(item("x"), "x") == 1.0
    assert own.extract("a") == "A"
    assert own.id != scorer.id


def test_its_file_may_be_allowed_instead(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TaskError, match="ModuleNotFoundError"):
        load("scoring_of_one_s_own:length")
    file = str(home / "scoring_of_one_s_own.py")
    scorer = UserScorer.load("scoring_of_one_s_own:length", Trust(scorers=(file,)))
    assert scorer.score(item("x"), "12345") == 0.5
    with pytest.raises(TaskError, match=r"a file to import 'gone' from, got none at 'gone\.py'"):
        UserScorer.load("gone:f", Trust(scorers=("gone.py",)))


@pytest.mark.parametrize("trust", [NOBODY, Trust(True), Trust(scorers=("shutil:rmtree", "os", "a.py"))])
@pytest.mark.parametrize("reference", ["shutil:rmtree", "pty:spawn"])
def test_nothing_is_imported_on_a_stranger_s_word(reference: str, trust: Trust) -> None:
    with pytest.raises(TaskError, match=r"--allow-scorer (shutil|pty) ") as caught:
        ScorerSettings(kind=reference).scorer(trust)
    assert reference in str(caught.value)


def test_the_id_follows_the_user_s_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("changing.py").write_text("def f(text, item):\n    return 1\n")
    before = load("changing:f").id
    with Path("changing.py").open("a") as file:
        file.write("# changed\n")
    assert load("changing:f").id != before


@pytest.mark.parametrize(
    ("function", "text", "words"),
    [
        ("length", "x" * 11, "a number in [0, 1], got 1.1"),
        ("word", "x", "a number in [0, 1], got \"'a word'\""),
        ("broken", "x", "got ZeroDivisionError: division by zero"),
        ("exits", "x", "got SystemExit: 0"),
        ("vanishes", "x", "got the process ended with status 0"),
        ("waits", "x", "got it took more than 1 s"),
        ("spins", "x", "got it took too much processor time"),
        ("calls_home", "x", "is refused to a confined process"),
    ],
)
def test_a_function_that_fails_is_named(module: str, function: str, text: str, words: str) -> None:
    seconds = 1.0 if function == "waits" else 60.0
    limits = ResourceLimits(cpu_seconds=1.0, wall_seconds=seconds, files=True, processes=True)
    scorer = load(f"{module}:{function}", limits)
    for _ in range(2):  # the second call has a child of its own
        with pytest.raises(TaskError) as caught:
            scorer.score(item("x"), text)
        assert words in str(caught.value)
        assert f"{module}:{function}" in str(caught.value)


def test_files_are_its_own_business(module: str, home: Path) -> None:
    assert load(f"{module}:takes_notes").score(item("x"), "a note") == 1.0
    assert (home / "notes").read_text() == "a note"


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("no_such_module_of_mine:f", "ModuleNotFoundError"),
        ("{module}:missing", "got no such name"),
        ("{module}:number", "got a int"),
        ("{module}:none_at_all", r"takes \(text, item\), got 'scoring_of_one_s_own:none_at_all\(\)'"),
        ("a b:c", "expected module:function"),
    ],
)
def test_a_function_that_cannot_be_had(module: str, reference: str, words: str) -> None:
    with pytest.raises(TaskError, match=words):
        load(reference.format(module=module))


@pytest.mark.parametrize("result", [float("nan"), -0.1, "1", None, [1]])
def test_results_out_of_range(result: Any) -> None:
    scorer = UserScorer("m:f", "id", lambda *arguments: result)
    with pytest.raises(TaskError, match=r"a number in \[0, 1\]"):
        scorer.score(item("x"), "x")


def test_a_space_may_grant_more() -> None:
    assert function_limits() == ResourceLimits(files=True, processes=True)
    assert function_limits(100, 0.5) == ResourceLimits(100, 400, memory_bytes=1 << 29, files=True, processes=True)
