"""The files of one run: what a search writes, whole or not at all, and the journal that makes replay a resume.

``individuals.jsonl`` is compared line by line on replay; ``journal.jsonl`` holds what a deterministic search could
not know again (a wall-time stop, an out-of-memory), written before it acts. Both only ever grow.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from evoswarm.errors import RunError, Where

JOURNAL = "journal.jsonl"
INDIVIDUALS = "individuals.jsonl"
CHAMPION = "champion.json"
CLOCK = "budget.seconds"


class RunDirectory:
    """One run's directory, held by one process at a time.

    Args:
        path: an existing or new directory.

    Attributes:
        path: of the directory.
        events: the journal so far.
        continued: the directory held this run before.

    Raises:
        RunError: another process holds it, or its files cannot be read.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        with _typed(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            self._journal = self._open_held()
        try:
            self.events: list[dict[str, Any]] = [json.loads(line) for line in _whole_lines(self.path / JOURNAL)]
            self.continued = bool(self.events)
            self._replayed = 0
            self._lines = _whole_lines(self.path / INDIVIDUALS)
        except BaseException:
            self._journal.close()
            raise

    def close(self) -> None:
        """Let another process have it."""
        self._journal.close()

    def journal(self, event: str, /, **values: Any) -> None:
        """Write down what is owed to this moment, before it acts."""
        entry = {"event": event, **values}
        self._append(self._journal, json.dumps(entry, sort_keys=True, ensure_ascii=False))
        self.events.append(entry)

    def last(self, kind: str) -> dict[str, Any] | None:
        """The latest journalled event of a kind."""
        return next((event for event in reversed(self.events) if event["event"] == kind), None)

    def record(self, lines: Sequence[str]) -> None:
        """Append lines to ``individuals.jsonl``, or compare them with what a run before wrote there.

        Raises:
            RunError: a line differs, so this is not a replay of that run; nothing is written.
        """
        known = self._lines[self._replayed : self._replayed + len(lines)]
        for offset, (line, before) in enumerate(zip(lines, known, strict=False)):
            if line != before:
                raise RunError(
                    self._difference(line, before), Where(str(self.path / INDIVIDUALS), "", self._replayed + offset + 1)
                )
        fresh = lines[len(known) :]
        if fresh:
            with _typed(self.path), (self.path / INDIVIDUALS).open("a", encoding="utf-8") as file:
                self._append(file, "\n".join(fresh))
            self._lines.extend(fresh)
        self._replayed += len(lines)

    @property
    def replaying(self) -> bool:
        """Whether lines that a run before wrote are still to come."""
        return self._replayed < len(self._lines)

    def write(self, name: str, text: str) -> Path:
        """Write a file whole or not at all."""
        with _typed(self.path):
            return write_whole(self.path / name, text)

    def write_json(self, name: str, data: Any) -> Path:
        """Write data as JSON, whole or not at all."""
        return self.write(name, json.dumps(data, indent=2, ensure_ascii=False) + "\n")

    def rename(self, name: str, other: str) -> None:
        """Give a file another name, if it is there."""
        with _typed(self.path):
            if (self.path / name).exists():
                (self.path / name).replace(self.path / other)

    def read(self, name: str) -> str | None:
        """A file's text, or None if there is none."""
        with _typed(self.path):
            target = self.path / name
            return target.read_text(encoding="utf-8") if target.exists() else None

    def files(self) -> list[Path]:
        """All files of the run, sorted."""
        return sorted(path for path in self.path.rglob("*") if path.is_file())

    def _open_held(self) -> IO[str]:
        """The journal, locked against other processes for as long as it stays open."""
        file = (self.path / JOURNAL).open("a", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            message = "expected to be the only one who writes this run, got another evoswarm at work on it"
            raise RunError(message, Where(str(self.path))) from None
        _cut_broken_end(self.path / JOURNAL)
        _cut_broken_end(self.path / INDIVIDUALS)
        return file

    def _append(self, file: IO[str], text: str) -> None:
        with _typed(self.path):
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _difference(self, line: str, before: str) -> str:
        new, old = json.loads(line), json.loads(before)
        keys = [key for key in sorted({*new, *old}) if new.get(key) != old.get(key)]
        first = keys[0] if keys else "spelling"
        return (
            f"expected the replay to repeat what the run wrote, got another {first}: {_short(new.get(first))} "
            f"instead of {_short(old.get(first))} (the models, the machine or the "
            "program have changed; begin anew with --out)"
        )


def run_directory(
    root: Path,
    name: str,
    identity: Mapping[str, Any],
    limits: Mapping[str, float | None],
    out: Path | None = None,
) -> RunDirectory:
    """The directory of a search: a new one, or the one to go on with.

    Without ``out``: an unfinished run of the same identity is continued; a finished one is continued too when the
    limit that ended it is higher now (a limit of the clock counts every sitting anew); else the next free number is
    taken.

    Args:
        root: where runs are kept.
        name: what the directory is called, before a number.
        identity: what makes two searches the same one (space and seed), as JSON data.
        limits: by name, how far the search may go; None is no limit.
        out: the directory the user asked for.

    Raises:
        RunError: ``out`` belongs to another search or holds other files, or cannot be written.
    """
    if out is not None:
        began = _began(out)
        if began is None and out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise RunError("expected a new directory or one of this search, got one with other files", Where(str(out)))
        if began is not None and began != identity:
            raise RunError(_other(began, identity), Where(str(out)))
        return _begin(RunDirectory(out), identity)
    for path in [root / name, *_numbered(root, name)]:
        began = _began(path)
        if began == identity and _goes_on(path, limits):
            return _begin(RunDirectory(path), identity)
    taken = {path.name for path in (root / name, *_numbered(root, name)) if path.exists()}
    free = name if name not in taken else next(n for i in range(2, 10**9) if (n := f"{name}-{i}") not in taken)
    return _begin(RunDirectory(root / free), identity)


def write_file(target: Path, text: str) -> Path:
    """Write a file whole or not at all.

    Raises:
        RunError: it cannot be written.
    """
    with _typed(target):
        return write_whole(target, text)


def write_whole(target: Path, text: str) -> Path:
    """Write a file whole or not at all: a temporary neighbour, then one rename.

    A link stays one: what it points to is written. Devices and pipes are written to as they are.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if _is_stream(target):
        with target.open("a", encoding="utf-8") as stream:
            stream.write(text)
        return target
    _replace(Path(os.path.realpath(target)), text)
    return target


def _is_stream(target: Path) -> bool:
    """Whether the name stands for something that a new file must not replace."""
    named = target.absolute().parts[1:2] in (("dev",), ("proc",))  # /dev/stdout may lead to a regular file
    return target.exists() and (named or not target.is_file())


def _replace(target: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=target.parent, delete=False, encoding="utf-8") as temporary:
        try:
            temporary.write(text)
            temporary.flush()
            os.fsync(temporary.fileno())
        except BaseException:
            Path(temporary.name).unlink(missing_ok=True)
            raise
    os.chmod(temporary.name, 0o644)
    os.replace(temporary.name, target)


def _begin(run: RunDirectory, identity: Mapping[str, Any]) -> RunDirectory:
    if run.last("began") is None:
        run.journal("began", identity=dict(identity))
    return run


def _began(path: Path) -> Any:
    """The identity a run directory was begun with; None where there is no run."""
    with _typed(path):
        lines = _whole_lines(path / JOURNAL)
    first = next((event for line in lines if (event := _parsed(line)).get("event") == "began"), None)
    return None if first is None else first["identity"]


def _goes_on(path: Path, limits: Mapping[str, float | None]) -> bool:
    events = [_parsed(line) for line in _whole_lines(path / JOURNAL)]
    finished = [event for event in events if event.get("event") == "finished"]
    if not finished:
        return True
    reason, reached = str(finished[-1].get("reason")), finished[-1].get("limit")
    if reason == CLOCK:
        return True
    if reason not in limits or reached is None:
        return False
    now = limits[reason]
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
        f"expected a directory of this search, got one of another: its {key} is {_short(began.get(key))}, "
        f"not {_short(identity.get(key))}"
    )


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "..."


def _parsed(line: str) -> dict[str, Any]:
    try:
        data = json.loads(line)
    except json.JSONDecodeError:
        return {}
    return data if isinstance(data, dict) else {}


def _whole_lines(path: Path) -> list[str]:
    """The lines of a file that a line feed ends: a crash may have left a broken last one."""
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8")
    return text.split("\n")[:-1]  # not splitlines: JSON may hold other line separators


def _cut_broken_end(path: Path) -> None:
    if path.is_file():
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            os.truncate(path, whole)


@contextmanager
def _typed(path: Path) -> Iterator[None]:
    """The system's errors as what they mean for the user."""
    try:
        yield
    except (OSError, UnicodeDecodeError) as error:
        number = getattr(error, "errno", None)
        if number in (errno.ENOSPC, errno.EDQUOT):
            message = (
                "expected room on the disk, got a full one: everything written before is kept; "
                "make room and run the same command to go on"
            )
        else:
            reason = getattr(error, "strerror", None) or error
            message = f"expected a place that can be read and written, got: {reason}"
        raise RunError(message, Where(str(path))) from error
