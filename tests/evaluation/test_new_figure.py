"""A figure more is an edit of one file and a migration: done to a copy of the package, and tried on an old ledger."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import evoswarm
from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.evaluation.ledger import ADDED, LEDGER_VERSION, Key, Ledger

FIGURE = '    language: Annotated[str | None, kept("TEXT", one_of(Literal["en", "de"]), null="TRUE")] = None\n'
SUM = '    english: Annotated[int, _count("language", "en")] = 0\n'
MIGRATION = f', {LEDGER_VERSION + 1}: ("language",)'

TRIED = """
import sqlite3, sys
from evoswarm.errors import RunError
from evoswarm.evaluation.evaluation import Evaluation, summarize
from evoswarm.evaluation.ledger import Key, Ledger
from evoswarm.evaluation.row import LedgerRow, EvaluationTable
from evoswarm.evaluation.cached_summary import CachedSummary
from evoswarm.tasks.task import Item
from types import SimpleNamespace

items = [Item(str(place), "x", "", "") for place in range(3)]
tasks = {"x": SimpleNamespace(name="x", weight=1.0)}
kept = [Evaluation(1.0, answer="old"), Evaluation(0.5, language="en"), Evaluation(0.0, language="de")]
for _ in range(2):
    with Ledger(sys.argv[1]) as ledger:
        ledger.write({Key("r", str(place), "c"): one for place, one in enumerate(kept)})
        table = EvaluationTable(ledger.read("r", "c", ["0", "1", "2"]), [])
assert table.evaluations() == kept and kept[0].language is None
assert summarize(items, kept, tasks).english == 1
known = CachedSummary.of(table, ["0", "1", "2"], items, tasks)
assert CachedSummary.from_json(known.to_json(), []) == known and known.summary == summarize(items, kept, tasks)
database = sqlite3.connect(sys.argv[1])
database.execute("UPDATE evaluations SET language = 'fr' WHERE item = '1'")
database.commit()
database.close()
with Ledger(sys.argv[1]) as ledger:
    try:
        ledger.read("r", "c", ["1"])
    except RunError as error:
        assert "numbers that no evaluation has" in str(error)
    else:
        raise SystemExit("expected a refusal")
"""


def edited(file: Path, behind: str, line: str) -> None:
    """Put a text behind another one that stands there once."""
    text = file.read_text()
    assert text.count(behind) == 1
    file.write_text(text.replace(behind, behind + line))


def test_a_figure_more_is_an_edit_and_a_migration(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l.sqlite") as before:
        before.write({Key("r", "0", "c"): Evaluation(1.0, answer="old")})
    source = Path(evoswarm.__file__).parent
    package = shutil.copytree(
        source, tmp_path / "evoswarm", ignore=shutil.ignore_patterns("members", "zoo", "__pycache__")
    )
    edited(package / "evaluation" / "evaluation.py", 'one_of(Ending), null="TRUE")] = None\n', FIGURE)
    edited(package / "evaluation" / "evaluation.py", 'cut_off: Annotated[int, _count("ending", "cut_off")] = 0\n', SUM)
    edited(
        package / "evaluation" / "ledger.py", f"{LEDGER_VERSION}: {ADDED[LEDGER_VERSION]}".replace("'", '"'), MIGRATION
    )
    command = [sys.executable, "-W", "error", "-c", TRIED, str(tmp_path / "l.sqlite")]
    subprocess.run(command, check=True, timeout=120, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)})
