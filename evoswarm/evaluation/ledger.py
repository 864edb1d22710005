"""The content-addressed store of evaluations: one SQLite file, shared by all runs.

The key says everything that decides an evaluation (recipe, item, context), so a row is true for ever and for every
run: the first write wins, and a search acts only on what it reads back. What is owed to a moment (out of memory,
a time-out) never enters.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self

from evoswarm.durable import require_regular
from evoswarm.errors import RunError, Where
from evoswarm.evaluation.evaluation import COLUMNS, Evaluation
from evoswarm.evaluation.failures import lasts
from evoswarm.evaluation.row import LedgerRow, damaged

ADDED = {3: ("failure_member", "ending")}
"""The columns that a version of the ledger added: rows of an earlier one lack them, so they may be NULL. A version that
adds none says that figures are added up otherwise: sums that were kept before are not read."""

LEDGER_VERSION, _FIRST_VERSION = max(ADDED), min(ADDED) - 1

_DEFINED = {name: column.definition(name) for name, column in COLUMNS.items()}
_TABLES = f"""
CREATE TABLE IF NOT EXISTS version (version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS contexts (digest TEXT PRIMARY KEY, description TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS evaluations (
    recipe TEXT NOT NULL, item TEXT NOT NULL, context TEXT NOT NULL, {", ".join(_DEFINED.values())},
    PRIMARY KEY (recipe, item, context)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (digest TEXT PRIMARY KEY, fact TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS opened (digest TEXT PRIMARY KEY, opening TEXT NOT NULL) WITHOUT ROWID;
"""
_OF_BEFORE = ("openings", "opened_items")
"""Tables in which earlier versions kept openings, by the digests of items instead of questions; they stay."""

_SUFFIXES = ("", "-wal", "-shm", "-journal")  # of the files that SQLite keeps: it would follow a link
_SOUND = " AND ".join(column.condition(name) for name, column in COLUMNS.items())
_READ = (  # whoever wrote it, a row that cannot be true is not acted on
    f"SELECT {', '.join(COLUMNS)}, wanted.key, {_SOUND} FROM json_each(?) wanted CROSS JOIN evaluations e "
    "ON e.recipe = ? AND e.item = wanted.value AND e.context = ?"
)


class Key(NamedTuple):
    """What an evaluation is of: three SHA-256 digests (hex)."""

    recipe: str
    item: str
    context: str


class Ledger:
    """The store. Safe for many processes: SQLite in write-ahead mode.

    Args:
        path: of the file; ``":memory:"`` keeps nothing.
        patience: seconds to wait for another process that is writing.

    Raises:
        RunError: the file cannot be opened, or another version of evoswarm wrote it.
    """

    def __init__(self, path: str | Path, patience: float = 60.0) -> None:
        self.path = str(path)
        with self._plain_errors():
            if self.path != ":memory:":
                Path(self.path).parent.mkdir(parents=True, exist_ok=True)
                for suffix in _SUFFIXES:
                    require_regular(Path(self.path + suffix))
            self._database = sqlite3.connect(self.path, timeout=patience, isolation_level=None)
            try:
                self._prepare(patience)
            except BaseException:
                self._database.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def read(self, recipe: str, context: str, items: Sequence[str]) -> list[LedgerRow | None]:
        """Look up evaluations of one recipe: what one recipe did lies together.

        Args:
            recipe: its digest.
            context: digest of the context that it is wanted in.
            items: digests; doubled ones do no harm.

        Returns:
            One row per item; None where nothing is known.
        """
        found: list[LedgerRow | None] = [None] * len(items)
        with self._plain_errors():
            for values in self._database.execute(_READ, (json.dumps(items), recipe, context)):
                if not values[-1]:
                    raise damaged(f"evaluation of recipe {recipe[:12]}", "numbers that no evaluation has", self.path)
                found[values[-2]] = LedgerRow(values[:-2])
        return found

    def contexts(self, recipe: str, items: Sequence[str]) -> dict[str, tuple[int, str]]:
        """The contexts in which a recipe was evaluated.

        Args:
            recipe: its digest.
            items: digests of those that are wanted.

        Returns:
            By digest of a context, how many of the items are known in it, and what it stands for (JSON).
        """
        query = (
            "SELECT e.context, COUNT(*), coalesce(c.description, '{}') FROM json_each(?) wanted "
            "CROSS JOIN evaluations e ON e.recipe = ? AND e.item = wanted.value "
            "LEFT JOIN contexts c ON c.digest = e.context GROUP BY e.context"
        )
        with self._plain_errors():
            rows = self._database.execute(query, (json.dumps(items), recipe))
            return {context: (count, description) for context, count, description in rows}

    def write(self, evaluations: Mapping[Key, Evaluation]) -> None:
        """Add evaluations in one transaction; those that are there already stay as they are.

        An evaluation that failed for good (a prompt too long, a scorer that raises) is kept as what it is: without a
        score, with the failure.

        Raises:
            ValueError: a failure owed to device or time: it is not true for ever.
            RunError: nothing of this call was written (the disk is full, the file is locked).
        """
        for evaluation in evaluations.values():
            if evaluation.failure is not None and not lasts(evaluation.failure):
                raise ValueError(f"expected a lasting evaluation, got a failure owed to {evaluation.failure.kind}")
        rows = [(*key, *LedgerRow.of(evaluation)) for key, evaluation in evaluations.items()]
        names = (*Key._fields, *COLUMNS)
        query = f"INSERT OR IGNORE INTO evaluations ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        with self._transaction("IMMEDIATE"):
            self._database.executemany(query, rows)

    def facts(self, digests: Sequence[str]) -> dict[str, str]:
        """What else was found out once, by loading, decoding or adding up (JSON), by the digest of all that decides it.

        Args:
            digests: what is wanted.

        Returns:
            Those that are known.
        """
        with self._plain_errors():
            query = "SELECT digest, fact FROM facts WHERE digest IN (SELECT value FROM json_each(?))"
            return dict(self._database.execute(query, (json.dumps(digests),)))

    def keep(self, facts: Mapping[str, str]) -> dict[str, str]:
        """Keep facts; the first write wins.

        Returns:
            What is kept.
        """
        with self._transaction("IMMEDIATE"):
            self._database.executemany("INSERT OR IGNORE INTO facts VALUES (?, ?)", facts.items())
        return self.facts(list(facts))

    def describe(self, contexts: Mapping[str, str]) -> None:
        """Note what context digests stand for (JSON), for people who read the file later."""
        with self._transaction("IMMEDIATE"):
            self._database.executemany("INSERT OR IGNORE INTO contexts VALUES (?, ?)", contexts.items())

    def count(self) -> int:
        """How many evaluations are kept."""
        with self._plain_errors():
            return int(self._database.execute("SELECT COUNT(*) FROM evaluations").fetchone()[0])

    def opening_lines(self) -> dict[str, str]:
        """The openings of test items that are on record, each as a line of text, by digest."""
        with self._plain_errors():
            return dict(self._database.execute("SELECT digest, opening FROM opened"))

    def opening_digests(self) -> set[str]:
        """Their digests alone: a line is as long as its questions are many."""
        with self._plain_errors():
            return {digest for (digest,) in self._database.execute("SELECT digest FROM opened")}

    def keep_openings(self, lines: Mapping[str, str]) -> None:
        """Put openings on record, on the disk before this returns."""
        if lines:
            self._database.execute("PRAGMA synchronous = FULL")
            try:
                with self._transaction("IMMEDIATE"):
                    self._database.executemany("INSERT OR IGNORE INTO opened VALUES (?, ?)", lines.items())
            finally:
                self._database.execute("PRAGMA synchronous = NORMAL")

    def openings_of_before(self) -> dict[tuple[str, str, float], list[str]]:
        """What an earlier version put on record: digests of items, by space, champion and time."""
        with self._plain_errors():
            query = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name IN (?, ?)"
            if self._database.execute(query, _OF_BEFORE).fetchone()[0] < len(_OF_BEFORE):
                return {}
            query = (
                "SELECT o.space, o.champion, o.opened_at, i.item FROM openings o "
                "JOIN opened_items i ON i.space = o.space AND i.champion = o.champion ORDER BY o.number"
            )
            found: dict[tuple[str, str, float], list[str]] = {}
            for space, champion, at, item in self._database.execute(query):
                found.setdefault((str(space), str(champion), float(at)), []).append(str(item))
            return found

    def _write_ahead(self, patience: float) -> None:
        """Two who open a new file at once both change its mode, and SQLite does not always wait then."""
        until = time.monotonic() + patience
        while True:
            try:
                self._database.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() >= until:
                    raise
                time.sleep(0.02)

    def _prepare(self, patience: float) -> None:
        self._write_ahead(patience)
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.execute("PRAGMA temp_store = MEMORY")
        with self._transaction("IMMEDIATE"):
            for statement in _TABLES.split(";\n"):
                self._database.execute(statement)
            row = self._database.execute("SELECT version FROM version").fetchone()
            if row is None:
                self._database.execute("INSERT INTO version VALUES (?)", (LEDGER_VERSION,))
            elif row[0] in range(_FIRST_VERSION, LEDGER_VERSION):
                for version in range(row[0] + 1, LEDGER_VERSION + 1):
                    for name in ADDED[version]:
                        self._database.execute(f"ALTER TABLE evaluations ADD COLUMN {_DEFINED[name]}")
                self._database.execute("UPDATE version SET version = ?", (LEDGER_VERSION,))
            elif row[0] != LEDGER_VERSION:
                expected = f"expected a ledger of version {LEDGER_VERSION} (this evoswarm's), got version {row[0]}"
                raise RunError(f"{expected}; move the file away to begin a new one", Where(self.path))

    @contextmanager
    def _transaction(self, kind: str) -> Iterator[None]:
        """All or nothing."""
        with self._plain_errors():
            self._database.execute(f"BEGIN {kind}")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        """SQLite's and the system's errors as what they mean for the user."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise RunError(f"{_meaning(error)}; everything written before is kept", Where(self.path)) from error


def _meaning(error: Exception) -> str:
    text = str(error)
    if "full" in text or "No space left" in text:
        return "expected room on the disk, got a full one: make room and run the same command to go on"
    if "locked" in text or "busy" in text:
        return (
            "expected to write to the ledger, got a file that another process keeps locked: try again when it is done"
        )
    if "not a database" in text or "malformed" in text:
        return f"expected a ledger, got a file that is none ({text}): move it away to begin a new one"
    return f"expected a ledger that can be read and written, got: {text}"
