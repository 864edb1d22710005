"""The files of one run: what a search writes, whole or not at all, and the journal that makes replay a resume.

``individuals.jsonl`` is compared line by line on replay; ``journal.jsonl`` holds what a deterministic search could
not know again (a wall-time stop, an out-of-memory, what generations took), written before it acts. Both only ever
grow, by whole lines: what a crash cut short is cut off, and a line that the disk had no room for is taken back.
"""

from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from evoswarm.canonical import canonical_json
from evoswarm.durable import (
    LONGEST,
    TEMPORARY,
    append_line,
    appending,
    locked,
    mend_end,
    plain_errors,
    whole_lines,
    write_within,
)
from evoswarm.errors import RunError, Where
from evoswarm.user_files import read_text

JOURNAL = "journal.jsonl"
INDIVIDUALS = "individuals.jsonl"
CHAMPION, CERTIFICATE = "champion.json", "certificate.json"
CLOCK = "budget.seconds"
BEGAN, FINISHED = "began", "finished"
FITTED, GUIDED, UNREAD, HEARD = "fitted", "guided", "unread", "heard"
"""What right answers said: mixes to begin with; what was asked about genomes, as a digest, with the answer; why
there was no reading them; which ones the search wrote itself, by the key of their item."""
GENERATION, FIGURES = "generation", "figures"
"""A generation: which one, when it ended, and its figures as ``--json`` tells them, counted from 0."""
TRACKING, TRACKED, MIRRORED = "tracking", "tracked", "mirrored"
"""What the journal says of MLflow: the key of the run, its id, that all has been told."""

_BUSY = "expected to be the only one who writes this run, got another evoswarm at work on it"
_NUMBER = (int, float)
_FIELDS: dict[str, dict[str, type | tuple[type, ...]]] = {
    BEGAN: {"identity": dict},
    "failure": {"recipe": str, "item": str, "kind": str, "message": str},
    "stopped": {"generation": int},
    FINISHED: {"reason": str, "limit": (*_NUMBER, type(None))},
    FITTED: {"recipes": list},
    GUIDED: {"question": str, "answer": list},
    UNREAD: {"why": str},
    HEARD: {"texts": dict, "why": str},
    TRACKING: {"key": str},
    TRACKED: {"run": str},
    GENERATION: {"generation": int, "stamp": int},
}
"""What later readers of an event take for granted; other events are only compared as a whole."""


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
        self._writing = threading.Lock()  # the journal is kept by MLflow's thread too
        self._replayed = 0
        journal, individuals = self.path / JOURNAL, self.path / INDIVIDUALS
        with plain_errors(self.path), ExitStack() as opened:
            self.path.mkdir(parents=True, exist_ok=True)
            opened.enter_context(locked(journal, _BUSY))
            self._journal = opened.enter_context(appending(journal))
            mend_end(journal, self._journal)
            if os.path.lexists(individuals):
                with appending(individuals) as descriptor:
                    mend_end(individuals, descriptor)
            for file in self.files():
                if file.name.startswith(TEMPORARY):  # what a crash left
                    file.unlink()
            self.events = events_of(self.path)
            self._lines = whole_lines(individuals)
            self._opened = opened.pop_all()
        self.continued = bool(self.events)

    def close(self) -> None:
        """Let another process have it."""
        with self._writing:
            self._journal = -1
            self._opened.close()

    def journal(self, event: str, /, **values: Any) -> dict[str, Any]:
        """Write down what is owed to this moment, before it acts; from any thread.

        Returns:
            The entry.

        Raises:
            RunError: it cannot be written.
        """
        entry = {"event": event, **values}
        with self._writing, plain_errors(self.path):
            append_line(self._journal, canonical_json(entry))
            self.events.append(entry)
        return entry

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
            with plain_errors(self.path), appending(self.path / INDIVIDUALS) as descriptor:
                append_line(descriptor, "\n".join(fresh))
            self._lines.extend(fresh)
        self._replayed += len(lines)

    @property
    def replaying(self) -> bool:
        """Whether lines that a run before wrote are still to come."""
        return self._replayed < len(self._lines)

    def write(self, name: str, text: str) -> Path:
        """Write a file whole or not at all; a link in its place is replaced, never followed."""
        return write_within(self.path, name, text)

    def write_json(self, name: str, data: Any) -> Path:
        """Write data as JSON, whole or not at all."""
        return self.write(name, json.dumps(data, indent=2, ensure_ascii=False) + "\n")

    def rename(self, name: str, other: str) -> None:
        """Give a file another name, if it is there."""
        with plain_errors(self.path):
            if os.path.lexists(self.path / name):
                (self.path / name).replace(self.path / other)

    def read(self, name: str) -> str | None:
        """A file's text, or None if there is none.

        Raises:
            RunError: it cannot be read, or is no regular file.
        """
        target = self.path / name
        return read_text(target, limit=LONGEST) if os.path.lexists(target) else None

    def files(self) -> list[Path]:
        """All files of the run, sorted: regular ones, no links."""
        return sorted(path for path in self.path.rglob("*") if stat.S_ISREG(path.lstat().st_mode))

    def _difference(self, line: str, before: str) -> str:
        new, old = json.loads(line), parsed(before)
        if not old:
            return (
                f"expected an individual as a JSON object, got {before[:40]!r}: the file is damaged (move it away to "
                "have it written anew from the ledger)"
            )
        keys = [key for key in sorted({*new, *old}) if new.get(key) != old.get(key)]
        first = keys[0] if keys else "spelling"
        return (
            f"expected the replay to repeat what the run wrote, got another {first}: {short(new.get(first))} "
            f"instead of {short(old.get(first))} (the models, the machine or the "
            "program have changed; begin anew with --out)"
        )


def events_of(directory: Path) -> list[dict[str, Any]]:
    """What the journal of a run directory says.

    Raises:
        RunError: a line is no event, or lacks what such an event has; names the line.
    """
    events = [parsed(line) for line in whole_lines(directory / JOURNAL)]
    for number, event in enumerate(events, start=1):
        where = Where(str(directory / JOURNAL), "", number)
        if not isinstance(event.get("event"), str):
            message = "expected an event as a JSON object, got another text: the file was changed by hand or damaged"
            raise RunError(message, where)
        for name, kinds in _FIELDS.get(event["event"], {}).items():
            value = event.get(name)
            if isinstance(value, bool) or not isinstance(value, kinds):
                message = f"expected {name!r} of the event {event['event']!r}, got {short(value)}"
                raise RunError(f"{message}: the file was changed by hand or damaged", where)
    return events


def short(value: Any) -> str:
    """A value within a message."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "..."


def parsed(line: str) -> dict[str, Any]:
    """An event; empty where the line is none."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
