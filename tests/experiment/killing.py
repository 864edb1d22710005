"""Searches that die by SIGKILL at a chosen durable write, and are run again until they end.

    python -m tests.experiment.killing SPACE DIRECTORY --seeds 0 1 2 3 4

Everything is imported and the members are loaded once, in a process without threads; every sitting of a search is a
fork of it. The first sitting is not disturbed and counts its durable writes by kind. For each seed a search in a
directory of its own then dies at one of them: before it, half-way through it, or behind it. The same search is run
again, and what lies there at the end is compared with what the undisturbed one left. One JSON object is printed.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import json
import logging
import os
import shutil
import signal
import sqlite3
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

from evoswarm.run_directory import INDIVIDUALS, JOURNAL
from evoswarm.run_directory.durable import TEMPORARY

KINDS = ("ledger", "journal", "individuals", "file", "mlflow")
"""What is written so that it lasts; ``store``, the making of MLflow's database, is a sixth that only studies hit."""

Point = tuple[str, int]


class Deaths:
    """Counts durable writes by kind, and dies at one of them.

    Args:
        at: a kind and a number, from 0; None only counts.
    """

    def __init__(self, at: Point | None) -> None:
        self.at = at
        self.counts: Counter[str] = Counter()

    def here(self, kind: str, first: Callable[[], object] = lambda: None) -> None:
        """A moment at which this process may die; ``first`` is done before it does."""
        if self.at == (kind, self.counts[kind]):
            first()
            os.kill(os.getpid(), signal.SIGKILL)
        self.counts[kind] += 1


class _Instead:
    """A module with some names replaced, as one other module sees it."""

    def __init__(self, module: ModuleType, **names: Any) -> None:
        self.__dict__.update(names)
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def watch(deaths: Deaths) -> None:
    """Put a possible death before, inside and behind every durable write of a search."""
    _watch_files(deaths)
    _watch_ledger(deaths)
    _watch_mlflow(deaths)


def _watch_files(deaths: Deaths) -> None:
    from evoswarm.run_directory import durable

    def kind_of(descriptor: int) -> str:
        name = Path(os.readlink(f"/proc/self/fd/{descriptor}")).name
        return {JOURNAL: "journal", INDIVIDUALS: "individuals"}.get(name, "file")

    def write(descriptor: int, data: bytes) -> int:
        kind = kind_of(descriptor)
        deaths.here(kind)
        deaths.here(kind, lambda: os.write(descriptor, data[: len(data) // 2]))
        return os.write(descriptor, data)

    def fsync(descriptor: int) -> None:
        deaths.here(kind_of(descriptor))
        os.fsync(descriptor)

    def replace(source: str, target: Path) -> None:
        assert Path(source).name.startswith(TEMPORARY)
        deaths.here("file")
        os.replace(source, target)
        deaths.here("file")

    durable.os = _Instead(os, write=write, fsync=fsync, replace=replace)  # type: ignore[attr-defined]


def _watch_ledger(deaths: Deaths) -> None:
    from evoswarm.evaluation import ledger

    class Watched(sqlite3.Connection):
        """Dies before statements that write, and between two rows of one."""

        writing = False

        def execute(self, statement: str, *parameters: Any) -> sqlite3.Cursor:
            if statement.startswith("BEGIN"):
                self.writing = statement.endswith("IMMEDIATE")
            if self.writing and not statement.lstrip().startswith("SELECT"):
                deaths.here("ledger")
            return super().execute(statement, *parameters)

        def executemany(self, statement: str, rows: Iterable[Any]) -> sqlite3.Cursor:
            rows = list(rows)
            if self.writing:
                half = functools.partial(super().executemany, statement, rows[: len(rows) // 2])
                deaths.here("ledger", half)
            return super().executemany(statement, rows)

    connect = functools.partial(sqlite3.connect, factory=Watched)
    ledger.sqlite3 = _Instead(sqlite3, connect=connect)  # type: ignore[attr-defined]


def _watch_mlflow(deaths: Deaths) -> None:
    from mlflow import MlflowClient
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    from evoswarm.tracking import store

    kind = ["mlflow"]
    for name in ("create_experiment", "create_run", "update_run", "log_batch", "log_dict", "log_text", "log_artifacts",
                 "set_tag", "set_terminated"):  # fmt: skip
        setattr(MlflowClient, name, _between(getattr(MlflowClient, name), deaths))

    @event.listens_for(Engine, "before_cursor_execute")
    def statement(*arguments: Any) -> None:
        if arguments[2].split(maxsplit=1)[0].upper() in ("INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP"):
            deaths.here(kind[0])

    @event.listens_for(Engine, "commit")
    def commit(connection: object) -> None:
        deaths.here(kind[0])

    make = store._make

    def making(own: Path) -> None:
        kind[0] = "store"
        make(own)
        kind[0] = "mlflow"

    store._make = making


def _between(call: Callable[..., Any], deaths: Deaths) -> Callable[..., Any]:
    @functools.wraps(call)
    def watched(*arguments: Any, **named: Any) -> Any:
        deaths.here("mlflow")
        outcome = call(*arguments, **named)
        deaths.here("mlflow")
        return outcome

    return watched


class Searches:
    """Sittings of one search, each a fork of this process.

    Args:
        file: of the space.
        directory: everything is written below it.
        overrides: of the space, each ``path.to.key=value``.
    """

    def __init__(self, file: Path, directory: Path, overrides: Sequence[str] = ()) -> None:
        import mlflow.store.tracking.sqlalchemy_store  # noqa: F401
        import torch

        from evoswarm import SearchSpace, Swarm
        from evoswarm.decoding.forward.devices import silence_loading
        from evoswarm.experiment import session  # noqa: F401  imported here, so that no sitting has to

        silence_loading()
        torch.set_num_threads(1)
        self._space = SearchSpace.from_yaml(file, overrides)
        self._swarm = Swarm.load(self._space.pool, **self._space.decoding.model_dump())
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        assert threading.active_count() == 1, (
            f"expected no threads where a process is forked, got {threading.enumerate()}"
        )
        undisturbed = self._undisturbed(directory / "undisturbed.json")
        self.seconds: float = undisturbed["seconds"]
        self.counts: dict[str, int] = undisturbed["counts"]
        self.left: dict[str, Any] = undisturbed["left"]

    def _undisturbed(self, known: Path) -> dict[str, Any]:
        """What a search counts and leaves that nobody kills; of an earlier process, if it is noted."""
        if not known.exists():
            runs = _emptied(self._directory / "undisturbed")
            began = time.monotonic()
            counts = json.loads(str(self._sit(runs, None)))
            record = {"seconds": time.monotonic() - began, "counts": counts, "left": left_behind(runs)}
            known.write_text(json.dumps(record))
        found: dict[str, Any] = json.loads(known.read_text())
        return found

    def points(self, seed: int, kinds: Sequence[str] = KINDS) -> Point:
        """Where a seed's search dies: kinds take turns, the moment is drawn."""
        kind = kinds[seed % len(kinds)]
        return kind, Random(seed).randrange(self.counts[kind])

    def case(self, point: Point) -> dict[str, Any]:
        """A search that dies once and is run again.

        Returns:
            where it died, and what differs from the undisturbed one: nothing should.
        """
        runs = _emptied(self._directory / "-".join(map(str, point)))
        if point[0] != "store":
            shutil.copy(self._directory / "mlflow.db", runs)  # making one takes longer than all the rest
        died = self._sit(runs, point) is None
        self._sit(runs, None)
        left = left_behind(runs)
        return {
            "point": point,
            "of": self.counts[point[0]],
            "died": died,
            "differ": sorted(key for key in {*left, *self.left} if left.get(key) != self.left.get(key)),
        }

    def together(self) -> list[str]:
        """Two of the same search at once, each with a directory of its own, on one ledger.

        Returns:
            names of files of either that differ from those of one that was alone, with what differs of the ledger.
        """
        runs = _emptied(self._directory / "together")
        shutil.copy(self._directory / "mlflow.db", runs)
        children = [self._begin(runs, None, runs / f"{name}.counts", runs / name) for name in ("one", "two")]
        for child in children:
            self._end(child)
        left = left_behind(runs)
        alone = {Path(name): value for name, value in self.left.items()}
        differ = [name for name in ("ledger", "openings") if left[name] != self.left[name]]
        for name, digest in alone.items():
            if name.parts[0] == "micro-seed0":
                both = (str(Path(which, *name.parts[1:])) for which in ("one", "two"))
                differ += [each for each in both if left.get(each) != digest]
        return differ

    def _sit(self, runs: Path, point: Point | None) -> str | None:
        """One sitting; what it counted, or None if it was killed."""
        report = self._directory / "counts.json"
        return report.read_text() if self._end(self._begin(runs, point, report)) else None

    def _begin(self, runs: Path, point: Point | None, report: Path, out: Path | None = None) -> int:
        if (child := os.fork()) == 0:
            self._search(runs, point, report, out)
        return child

    @staticmethod
    def _end(child: int) -> bool:
        """Whether a sitting came to its end, or was killed."""
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            return False
        if status != 0:
            raise RuntimeError(f"a sitting ended with status {status}; what it said stands above")
        return True

    def _search(self, runs: Path, point: Point | None, report: Path, out: Path | None) -> None:
        """In the child: search, and never come back."""
        try:
            from evoswarm import search

            logging.raiseExceptions = False
            deaths = Deaths(point)
            watch(deaths)
            result = search(self._space, runs=runs, out=out, swarm=self._swarm)
            assert result.tracking_uri is not None, "MLflow was given up"
            template = self._directory / "mlflow.db"
            if not template.exists():
                _empty_store(runs / "mlflow.db", template)
            report.write_text(json.dumps(deaths.counts))
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)


def _emptied(directory: Path) -> Path:
    """A directory with nothing in it, whatever an earlier attempt left there."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    return directory


def _empty_store(used: Path, template: Path) -> None:
    """A copy of a store with nothing in it but its tables."""
    with closing(sqlite3.connect(used)) as source, closing(sqlite3.connect(template)) as target:
        source.backup(target)
        for table in ("metrics", "latest_metrics", "params", "tags", "runs", "experiments"):
            target.execute(f"DELETE FROM {table}")
        target.commit()


def left_behind(runs: Path) -> dict[str, Any]:
    """What searches left, by name: files by their digest, MLflow's points and runs, the ledger's rows.

    Left out is what holds clocks: the journal, stamps, ids that MLflow makes up.
    """
    found: dict[str, Any] = {}
    for path in sorted(runs.glob("*/**/*")):
        if path.is_file() and path.name != JOURNAL and "mlartifacts" not in path.parts:
            found[str(path.relative_to(runs))] = hashlib.sha256(path.read_bytes()).hexdigest()
    with closing(sqlite3.connect(runs / "ledger.sqlite")) as database:
        rows = database.execute("SELECT recipe, item, context, score, answers, cost FROM evaluations").fetchall()
        found["ledger"] = hashlib.sha256(repr(rows).encode()).hexdigest()
        found["openings"] = database.execute("SELECT space, champion FROM openings").fetchall()
    with closing(sqlite3.connect(runs / "mlflow.db")) as database:
        found |= _mlflow(database, runs / "mlartifacts")
    plain: dict[str, Any] = json.loads(json.dumps(found))  # tuples are lists, as in what was noted
    return plain


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
        files = (path for path in (artifacts / run / "artifacts").rglob("*") if path.is_file() and path.name != JOURNAL)
        found[f"mlflow {name}: files"] = {
            str(path.relative_to(artifacts / run)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
        }
    return found


def main() -> None:
    """Kill, run again, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("space", type=Path)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--kinds", nargs="+", choices=[*KINDS, "store"], default=KINDS)
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE")
    parser.add_argument("--together", action="store_true", help="also two at once on one ledger")
    arguments = parser.parse_args()
    searches = Searches(arguments.space, arguments.directory, arguments.set)
    cases = {str(seed): searches.case(searches.points(seed, arguments.kinds)) for seed in arguments.seeds}
    left = {name: value for name, value in searches.left.items() if name.startswith("mlflow")}
    together = searches.together() if arguments.together else None
    record = {"counts": searches.counts, "seconds": searches.seconds, "left": left, "cases": cases}
    print(json.dumps({**record, "together": together}))


if __name__ == "__main__":
    main()
