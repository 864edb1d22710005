"""The runs that lie in a directory, each by a few small files."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evoswarm.durable import plain_errors
from evoswarm.errors import EvoswarmError, RunError, Where
from evoswarm.experiment.files.run_state import RunState, state_of
from evoswarm.policies import load_document
from evoswarm.policies.about import Accuracy
from evoswarm.run_directory import BEGAN, CHAMPION, JOURNAL, SPACE
from evoswarm.run_directory.directory import events_of
from evoswarm.user_files import nearby


@dataclass(frozen=True)
class ListedRun:
    """A run directory.

    Attributes:
        directory: its path.
        space: name of the space that was searched.
        seed: of the search.
        state: how far the search is.
        champion: digest of what was chosen; None before that.
        accuracy: what is known of it: on the test items, where they were opened, else on the selection items.
        split: on which of both.
        verdict: of its certificate, in two words; ``refused``, or None where none was asked for.
        changed: when anything was written there last, seconds since 1970.
        size: bytes of all its files.
    """

    directory: Path
    space: str
    seed: int
    state: RunState
    champion: str | None
    accuracy: Accuracy | None
    split: str | None
    verdict: str | None
    changed: float
    size: int

    def as_dict(self) -> dict[str, Any]:
        """As JSON data."""
        return {
            **{name: getattr(self, name) for name in ("space", "seed", "champion", "split", "verdict", "size")},
            "directory": str(self.directory),
            "state": asdict(self.state),
            "accuracy": None if self.accuracy is None else self.accuracy.model_dump(),
            "changed": datetime.fromtimestamp(self.changed, UTC).isoformat(timespec="seconds"),
        }


@dataclass(frozen=True)
class DamagedRun:
    """A run directory that cannot be read.

    Attributes:
        directory: its path.
        why: a sentence.
        changed: when anything was written there last, seconds since 1970.
        size: bytes of all its files.
    """

    directory: Path
    why: str
    changed: float
    size: int

    def as_dict(self) -> dict[str, Any]:
        """As JSON data."""
        return {"directory": str(self.directory), "damaged": self.why, "size": self.size}


def runs_in(directory: Path) -> tuple[list[ListedRun | DamagedRun], list[Path]]:
    """What lies in a directory of runs; no model is loaded, nothing is written, and a damaged run says that it is one.

    Returns:
        The runs, what was changed last first; and everything else that lies there, by name.

    Raises:
        RunError: there is no such directory, it cannot be read, or it is a run itself.
    """
    if not os.path.isdir(directory):
        got = "a file" if os.path.exists(directory) else f"nothing there{nearby(directory)}"
        raise RunError(f"expected a directory of runs, got {got}", Where(str(directory)))
    if _is_run(directory):
        message = "expected a directory of runs, got a run itself"
        raise RunError(f"{message} (evoswarm show {directory} shows it)", Where(str(directory)))
    with plain_errors(directory):
        found = sorted(directory.iterdir())
    runs = [_listed(one) for one in found if _is_run(one)]
    return sorted(runs, key=lambda one: -one.changed), [one for one in found if not _is_run(one)]


def _is_run(path: Path) -> bool:
    return any(os.path.lexists(path / name) for name in (SPACE, JOURNAL)) and os.path.isdir(path)


def _listed(path: Path) -> ListedRun | DamagedRun:
    changed, size = size_of(path)
    try:
        return _read(path, changed, size)
    except EvoswarmError as error:
        return DamagedRun(path, str(error), changed, size)


def _read(path: Path, changed: float, size: int) -> ListedRun:
    """A run, by its journal and its champion's file.

    Raises:
        EvoswarmError: one of them is damaged.
    """
    events = events_of(path)
    began: dict[str, Any] = next((event["identity"] for event in events if event["event"] == BEGAN), {})
    name, seed = began.get("name"), began.get("seed")
    if not isinstance(name, str) or not isinstance(seed, int):
        raise RunError("expected a journal that says which search began, got another", Where(str(path / JOURNAL)))
    document = load_document(path) if os.path.lexists(path / CHAMPION) else None
    about = None if document is None else document.about
    accuracy = None if about is None else about.test or about.selection
    verdict = None
    if about is not None:
        verdict = about.verdict.outcome if about.verdict is not None else "refused" if about.refusal else None
    return ListedRun(
        directory=path,
        space=name,
        seed=seed,
        state=state_of(path, events),
        champion=None if document is None else document.policy.digest,
        accuracy=accuracy,
        split=None if about is None or accuracy is None else "selection" if about.test is None else "test",
        verdict=verdict,
        changed=changed,
        size=size,
    )


def size_of(path: Path) -> tuple[float, int]:
    """When anything was changed last, and bytes of all regular files; no link is followed."""
    changed, size = 0.0, 0
    for found in _within(path):
        changed = max(changed, found.st_mtime)
        size += found.st_size if stat.S_ISREG(found.st_mode) else 0
    return changed, size


def _within(path: Path) -> Iterator[os.stat_result]:
    """The path itself and all below it; what cannot be looked at is left out."""
    try:
        found = os.lstat(path)
        yield found
        below = list(os.scandir(path)) if stat.S_ISDIR(found.st_mode) else []
    except OSError:
        return
    for entry in below:
        yield from _within(Path(entry.path))
