"""Optuna's storage that a study is written to: a file of SQLite, whole or not at all, or a database by its address."""

from __future__ import annotations

import logging
import sqlite3
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from evoswarm.errors import Where
from evoswarm.export.target import ExportError
from evoswarm.tracking.store import sqlite_uri

WHOLE = "evoswarm:whole"
"""User attribute that a study is given last: one that lacks it is what a killed export left."""

_BUSY_SECONDS = 60.0


@contextmanager
def opened(uri: str, place: str) -> Iterator[RDBStorage]:
    """A storage, made where it is missing, and let go at the end.

    Args:
        uri: of the storage.
        place: as its caller named it, for errors.

    Raises:
        ExportError: it cannot be opened, or is no storage of this Optuna.
    """
    optuna.logging.set_verbosity(logging.WARNING)  # Optuna tells of every study it makes
    options = {"connect_args": {"timeout": _BUSY_SECONDS}} if uri.startswith("sqlite") else {}
    try:
        storage = RDBStorage(uri, engine_kwargs=options)
    except Exception as error:  # whatever the database, its driver or Optuna raises
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ExportError(f"expected a storage of Optuna studies, got: {reason:.200}", Where(place)) from error
    try:
        yield storage
    finally:
        storage.engine.dispose()


def copied(file: Path, part: Path) -> str:
    """The address of a new storage with everything that a file holds, if it is there.

    Args:
        file: of a storage, or nothing.
        part: the new one's.

    Raises:
        ExportError: it is a file of something else, or somebody is writing to it.
    """
    if file.exists():
        _require_at_rest(file)
        with _storage_in(file, str(file)) as there, closing(sqlite3.connect(part)) as here:
            there.backup(here)
    return sqlite_uri(part.resolve())


def _require_at_rest(file: Path) -> None:
    """Refuse a file of SQLite with unfinished work beside it, which would be worked into the one that takes its place.

    Raises:
        ExportError: there is some.
    """
    beside = [file.resolve().with_name(f"{file.resolve().name}-{end}") for end in ("wal", "journal")]
    if any(one.is_file() and one.stat().st_size for one in beside):
        message = f"expected a storage that nobody writes to, got one at work (sqlite:///{file} is written in place)"
        raise ExportError(message, Where(str(file)))


def check_address(uri: str, place: str) -> None:
    """Refuse an address of SQLite that is none of Optuna's storages: its tables would be made among those of others.

    Args:
        uri: of a storage.
        place: as its caller named it, for errors.

    Raises:
        ExportError: it is a file of something else, or memory, which is gone when the command ends.
    """
    if not uri.startswith("sqlite"):
        return
    database = uri.partition("://")[2].removeprefix("/").partition("?")[0]
    if not database or ":memory:" in uri or "mode=memory" in uri:
        raise ExportError("expected a storage that stays (sqlite:///FILE), got one in memory", Where(place))
    file = Path(database.removeprefix("file:"))
    if file.exists():
        with _storage_in(file, place):
            pass


@contextmanager
def _storage_in(file: Path, place: str) -> Iterator[sqlite3.Connection]:
    """A file of SQLite that holds a storage, or nothing yet, to be read.

    Raises:
        ExportError: it holds something else.
    """
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as found:
            tables = {name for (name,) in found.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if tables and not {"studies", "trials", "version_info"} <= tables:
                raise sqlite3.DatabaseError("a database of something else")
            yield found
    except sqlite3.Error as error:
        raise ExportError(f"expected a storage of Optuna studies, got: {error}", Where(place)) from None


def require_free(storage: RDBStorage, name: str, place: str, *, overwrite: bool) -> None:
    """Make room for a study.

    Args:
        storage: that it will be in.
        name: of the study.
        place: of the storage as its caller named it.
        overwrite: a study of this name is deleted.

    Raises:
        ExportError: there is one of this name, and it may not be replaced.
    """
    known = {study.study_name: study for study in storage.get_all_studies()}
    if name not in known:
        return
    study = known[name]
    whole = study.user_attrs.get(WHOLE) is not False  # one of a killed export says so
    if whole and not overwrite:
        message = f"expected a storage without a study {name!r}, got one with it (--overwrite replaces that study)"
        raise ExportError(message, Where(place))
    storage.delete_study(storage.get_study_id_from_name(name))


def write_study(
    storage: RDBStorage,
    name: str,
    objectives: Sequence[str],
    directions: Sequence[StudyDirection],
    attributes: Mapping[str, Any],
    trials: Iterable[FrozenTrial],
) -> int:
    """Write a study.

    Args:
        storage: that has none of its name.
        name: of the study.
        objectives: names of its values.
        directions: of each.
        attributes: of its user.
        trials: of the study.

    Returns:
        How many trials there were.
    """
    study = optuna.create_study(study_name=name, storage=storage, directions=list(directions))
    study.set_user_attr(WHOLE, False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        study.set_metric_names(list(objectives))
    for key, value in attributes.items():
        study.set_user_attr(key, value)
    count = 0
    for trial in trials:
        study.add_trial(trial)
        count += 1
    study.set_user_attr(WHOLE, True)
    return count
