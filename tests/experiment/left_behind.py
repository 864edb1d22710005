"""Everything that searches leave on disk, as far as it does not depend on a clock."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from evoswarm.evaluation.openings.places import OPENINGS
from evoswarm.experiment.merging import PREFIX
from evoswarm.run_directory import JOURNAL, REPORT, TRACES
from evoswarm.tracking.openings import OPENING_FILE
from tests.experiment.runs import told_by

CLOCKS = (JOURNAL, OPENINGS, OPENING_FILE, REPORT)
"""Files that say when, or how long it took."""


def left_behind(runs: Path) -> dict[str, Any]:
    """What searches left, by name: files by their digest, MLflow's points and runs, the ledger's rows.

    Left out is what holds clocks: the journal, stamps, ids that MLflow makes up.
    """
    found: dict[str, Any] = {}
    for path in sorted(runs.glob("*/**/*")):
        passing = any(part.startswith(PREFIX) for part in path.parts)  # a later certificate throws it away
        if path.is_file() and path.name not in CLOCKS and "mlartifacts" not in path.parts and not passing:
            found[str(path.relative_to(runs))] = hashlib.sha256(_nameless(path)).hexdigest()
    with closing(sqlite3.connect(runs / "ledger.sqlite")) as database:
        rows = database.execute("SELECT recipe, item, context, score, answers, cost FROM evaluations").fetchall()
        found["ledger"] = hashlib.sha256(repr(rows).encode()).hexdigest()
        openings = [json.loads(line) for (line,) in database.execute("SELECT opening FROM opened")]
        found["openings"] = sorted((one["search"], one["champions"], one["questions"]) for one in openings)
    with closing(sqlite3.connect(runs / "mlflow.db")) as database:
        found |= _mlflow(database, runs / "mlartifacts")
    plain: dict[str, Any] = json.loads(json.dumps(found))  # tuples are lists, as in what was noted
    return plain


def _plain(path: Path) -> bytes:
    """A file; one of traces less the last digits of numbers."""
    return json.dumps(told_by(path)).encode() if path.name == TRACES else path.read_bytes()


def _nameless(path: Path) -> bytes:
    """The same; one of a policy less the name of its run directory."""
    content = _plain(path)
    return re.sub(rb'"run": "[^"]*"', b"", content) if b'"about"' in content else content


def _mlflow(database: sqlite3.Connection, artifacts: Path) -> dict[str, Any]:
    """Everything in the store, runs by their names."""
    found: dict[str, Any] = {}
    tags = "SELECT value FROM tags WHERE run_uuid = runs.run_uuid AND key = "
    runs = database.execute(
        f"SELECT run_uuid, name, ({tags} 'mlflow.parentRunId'), status FROM runs WHERE lifecycle_stage = 'active'"
    ).fetchall()
    names = {run: name for run, name, _, _ in runs}
    found["mlflow runs"] = sorted((name, names.get(parent), status) for _, name, parent, status in runs)
    for run, name, _, _ in runs:
        points = "SELECT key, step FROM metrics WHERE run_uuid = ? ORDER BY key, step"
        found[f"mlflow {name}: points"] = database.execute(points, (run,)).fetchall()
        found[f"mlflow {name}: parameters"] = database.execute(
            "SELECT key, value FROM params WHERE run_uuid = ? ORDER BY key", (run,)
        ).fetchall()
        files = (
            path for path in (artifacts / run / "artifacts").rglob("*") if path.is_file() and path.name not in CLOCKS
        )
        found[f"mlflow {name}: files"] = {
            str(path.relative_to(artifacts / run)): hashlib.sha256(_plain(path)).hexdigest() for path in files
        }
    return found
