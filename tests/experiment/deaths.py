"""Deaths by SIGKILL before, inside and behind every durable write of a search."""

from __future__ import annotations

import functools
import os
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from evoswarm.durable import TEMPORARY
from evoswarm.run_directory import INDIVIDUALS, JOURNAL

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
    from evoswarm import durable

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

    durable.os = _Instead(os, write=write, fsync=fsync, replace=replace)  # type: ignore[assignment, attr-defined]


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
    ledger.sqlite3 = _Instead(sqlite3, connect=connect)  # type: ignore[assignment, attr-defined]


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
