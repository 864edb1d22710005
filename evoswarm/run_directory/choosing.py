"""Which directory a search writes to: a new one, or the one it goes on with."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evoswarm.durable import plain_errors, whole_lines
from evoswarm.errors import RunError, Where
from evoswarm.run_directory.directory import (
    BEGAN,
    CLOCK,
    FINISHED,
    JOURNAL,
    MIRRORED,
    TRACKING,
    RunDirectory,
    events_of,
    parsed,
    short,
)


@dataclass(frozen=True)
class RunWanted:
    """Which run a search wants to write to.

    Attributes:
        root: where runs are kept.
        name: what the directory is called, before a number.
        identity: what makes two searches the same one (space and seed), as JSON data.
        limits: by name, how far the search may go; None is no limit.
        out: the directory the user asked for.
        mirrored: whether MLflow is to be told.
    """

    root: Path
    name: str
    identity: Mapping[str, Any]
    limits: Mapping[str, float | None]
    out: Path | None = None
    mirrored: bool = False

    @property
    def begun(self) -> Path | None:
        """The run that it would go on with; None where it would begin a new one. Nothing is opened."""
        if self.out is not None:
            return self.out if _began(self.out) == self.identity else None
        for path in self._runs:
            if _began(path) == self.identity and _goes_on(path, self.limits, self.mirrored):
                return path
        return None

    @property
    def before(self) -> Path | None:
        """The latest run of its name, or the one in the directory that was asked for; None where there is none."""
        runs = self._runs if self.out is None else [self.out]
        return next((path for path in reversed(runs) if _began(path) is not None), None)

    @property
    def free(self) -> Path:
        """The directory that a new run takes; nothing is made.

        Raises:
            RunError: the one that was asked for belongs to another search, or holds other files.
        """
        if self.out is not None:
            _check_out(self.out, self.identity)
            return self.out
        taken = {path.name for path in self._runs if path.exists() and not _is_vacant(path)}
        names = (self.name, *(f"{self.name}-{number}" for number in range(2, len(taken) + 2)))
        return self.root / next(name for name in names if name not in taken)

    def same(self, path: Path) -> bool:
        """Whether a directory holds a run of this search."""
        return bool(_began(path) == self.identity)

    @property
    def _runs(self) -> list[Path]:
        """Where runs of its name may be, in the order of their numbers."""
        return [self.root / self.name, *_numbered(self.root, self.name)]


def run_directory(wanted: RunWanted) -> RunDirectory:
    """The directory of a search: a new one, or the one to go on with.

    Without ``out``: an unfinished run of the same identity is continued; a finished one is continued too when the
    limit that ended it is higher now (a limit of the clock counts every sitting anew), or when MLflow has not been told
    its end; else the next free number is taken.

    Raises:
        RunError: ``out`` belongs to another search or holds other files, or cannot be written.
    """
    run = RunDirectory(wanted.begun or wanted.free)
    if run.last(BEGAN) is None:
        run.journal(BEGAN, identity=dict(wanted.identity), date=datetime.now(UTC).date().isoformat())
    return run


def _check_out(out: Path, identity: Mapping[str, Any]) -> None:
    """Refuse a directory that a search must not write to; nothing is made or opened to write.

    Args:
        out: the directory that the user asked for.
        identity: of the search.

    Raises:
        RunError: it belongs to another search, or holds other files.
    """
    began = _began(out)
    if began is None and os.path.lexists(out) and not _is_vacant(out):
        if not os.path.isdir(out):
            raise RunError("expected a new directory or one of this search, got a file", Where(str(out)))
        events_of(out)  # a damaged one is said as such
        raise RunError("expected a new directory or one of this search, got one with other files", Where(str(out)))
    if began is not None and began != identity:
        raise RunError(_other(began, identity), Where(str(out)))


def _began(path: Path) -> Any:
    """The identity a run directory was begun with; None where there is no run."""
    with plain_errors(path):
        lines = whole_lines(path / JOURNAL)
    first = next((event for line in lines if (event := parsed(line)).get("event") == BEGAN), None)
    identity = {} if first is None else first.get("identity")
    return identity if isinstance(identity, dict) and identity else None


def _is_vacant(path: Path) -> bool:
    """Whether a directory holds nothing, or what a run holds that died before its first word."""
    if not path.is_dir():
        return False
    with plain_errors(path):
        return all(entry.name == JOURNAL and not whole_lines(entry) for entry in path.iterdir())


def _goes_on(path: Path, limits: Mapping[str, float | None], mirrored: bool) -> bool:
    try:
        events = events_of(path)
    except RunError:
        return True  # whoever opens it says what is wrong
    ends = [number for number, event in enumerate(events) if event.get("event") == FINISHED]
    if not ends:
        return True
    reason, reached = str(events[ends[-1]].get("reason")), events[ends[-1]].get("limit")
    if reason == CLOCK:
        return True
    if reason not in limits or reached is None:
        return False
    now = limits[reason]
    if now == reached:
        kinds = [event.get("event") for event in events]
        return mirrored and TRACKING in kinds and MIRRORED not in kinds[ends[-1] :]
    return now is None or now > reached


def _numbered(root: Path, name: str) -> list[Path]:
    if not root.is_dir():
        return []
    pattern = re.compile(re.escape(name) + r"-(\d+)")
    matches = [(int(match.group(1)), path) for path in root.iterdir() if (match := pattern.fullmatch(path.name))]
    return [path for _, path in sorted(matches)]


def _other(began: Mapping[str, Any], identity: Mapping[str, Any]) -> str:
    keys = [key for key in sorted({*began, *identity}) if began.get(key) != identity.get(key)]
    if keys == ["search"]:
        return "expected a directory of this search, got one of another: its pool, tasks or settings differ"
    key = next(key for key in ("name", "seed", *keys) if key in keys)
    return (
        f"expected a directory of this search, got one of another: its {key} is {short(began.get(key))}, "
        f"not {short(identity.get(key))}"
    )
