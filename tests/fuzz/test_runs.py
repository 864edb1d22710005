"""A run directory and its ledger, spoilt: one sentence, and nothing that was done is lost."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from evoswarm.decoding.swarm import Swarm
from evoswarm.errors import EvoswarmError, RunError
from evoswarm.evaluation.ledger import Ledger
from evoswarm.experiment.certification import certify
from evoswarm.experiment.result import SearchResult
from evoswarm.experiment.session import search
from evoswarm.experiment.workbench import load_swarm
from evoswarm.run_directory import ALONE, INDIVIDUALS, JOURNAL, TRACES
from evoswarm.space import SearchSpace
from tests.experiment.runs import copied
from tests.fuzz.mutations import spoil_bytes, spoil_data
from tests.fuzz.sentences import refusal

SEEDS = range(24)
LINES = (JOURNAL, INDIVIDUALS, TRACES)
WHOLE = ("calibration.json", "champion.json", "front.json", "certificate.json", "space.yaml", ALONE)
COLUMNS = {
    "evaluations": ("score", "answer", "answers", "cost", "margin", "steps", "open_steps", "lead_tokens", "entropy"),
    "facts": ("fact",),
    "version": ("version",),
}
VALUES = (7, -1, "abc", b"\xff", "[]", "{}", "null", "[[-1, -1, -1, -1, -1], [0, 0, 0, 0, 0]]", '{"score": 7}')


@pytest.fixture(scope="module")
def swarm(micro: Callable[..., SearchSpace]) -> Swarm:
    return load_swarm(micro())  # type: ignore[return-value]


def spoil(run: Path, chance: Random) -> str:
    """Do something to a run or to its ledger; says what."""
    if chance.random() < 0.3:
        table = chance.choice(list(COLUMNS))
        column, value = chance.choice(COLUMNS[table]), chance.choice(VALUES)
        with closing(sqlite3.connect(run.parent / "ledger.sqlite")) as database, database:
            database.execute(f"UPDATE {table} SET {column} = ?", (value,))
        return f"ledger: {table}.{column} = {value!r}"
    name = chance.choice((*LINES, *WHOLE))
    file = run / name
    kind = chance.choice(["gone", "another", "bytes", "data", "data"])
    if kind == "gone":
        file.unlink()
    elif kind == "another":
        other = chance.choice((*LINES, *WHOLE))
        shutil.copyfile(run / other, file) if other != name else None
        return f"{name} is {other}"
    elif kind == "data" and name in LINES:
        lines = file.read_text().splitlines()
        place = chance.randrange(len(lines))
        data, done = spoil_data(json.loads(lines[place]), chance)
        lines[place] = json.dumps(data)
        file.write_text("\n".join(lines) + "\n")
        return f"{name}:{place + 1}: {done}"
    elif kind == "data" and name != "space.yaml":
        data, done = spoil_data(json.loads(file.read_text()), chance)
        file.write_text(json.dumps(data))
        return f"{name}: {done}"
    else:
        content, done = spoil_bytes(file.read_bytes(), chance)
        file.write_bytes(content)
        return f"{name}: {done}"
    return f"{name} is {kind}"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_spoilt_run_goes_on_or_is_refused_and_keeps_what_it_has(
    finished: SearchResult, micro: Callable[..., SearchSpace], swarm: Swarm, tmp_path: Path, seed: int
) -> None:
    run = copied(finished, tmp_path / "runs")
    case = f"seed {seed}: {spoil(run, Random(seed))}"
    before = (run / INDIVIDUALS).read_bytes() if (run / INDIVIDUALS).is_file() else b""

    def go_on() -> None:
        search(micro("evolution.generations=4"), runs=run.parent, out=run, swarm=swarm, certify=False)

    def look() -> None:
        certify(run, runs=run.parent, swarm=swarm, force=True)

    for read in (go_on, look) if seed % 2 else (look, go_on):
        refusal(read, EvoswarmError, case)
    whole = before[: before.rfind(b"\n") + 1]  # what a crash leaves behind the last line feed may go
    assert not whole or (run / INDIVIDUALS).read_bytes().startswith(whole), case


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("score", 7),
        ("score", "abc"),
        ("steps", -3),
        ("failure", "[]"),
        ("ending", "?"),
        ("answer", b"\xff"),
    ],
)
def test_a_row_that_cannot_be_true_is_not_acted_on(
    finished: SearchResult, tmp_path: Path, column: str, value: object
) -> None:
    run = copied(finished, tmp_path / "runs")
    file = run.parent / "ledger.sqlite"
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(f"UPDATE evaluations SET {column} = ?", (value,))
        recipe, item, context = database.execute("SELECT recipe, item, context FROM evaluations").fetchone()
    with (
        Ledger(file) as ledger,
        pytest.raises(RunError, match=r"ledger\.sqlite: expected the evaluation "),
    ):
        ledger.read(recipe, context, [item])
