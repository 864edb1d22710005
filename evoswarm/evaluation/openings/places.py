"""Places that keep openings: the ledger, and files of lines beside it and in run directories."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol

from evoswarm.durable import LONGEST, append_line, appending, locked, mend_end, plain_errors, require_regular
from evoswarm.errors import Where
from evoswarm.evaluation.ledger import Ledger
from evoswarm.evaluation.openings.opening import OpeningRecord, begins_with
from evoswarm.user_files import read_text

OPENINGS = "openings.jsonl"
"""The file of openings, beside a ledger and in a run directory."""

_PATIENCE = 60.0  # seconds: whoever holds the file writes a few lines
_BUSY = "expected to write down an opening of test items, got a file that another process keeps locked: try again"

_log = logging.getLogger(__name__)


class Place(Protocol):
    """Where openings are kept."""

    def read(self, known: Collection[str]) -> dict[str, OpeningRecord]:
        """Those that are not known yet, by digest.

        Raises:
            RunError: it cannot be read, or was damaged.
        """
        ...

    def digests(self) -> set[str]:
        """Digests of all that it keeps."""
        ...

    def add(self, lines: Mapping[str, str]) -> None:
        """Keep openings, on the disk before this returns.

        Args:
            lines: by digest.

        Raises:
            RunError: it cannot be written.
        """
        ...


class LedgerPlace:
    """The ledger's tables: the openings of this version, and what earlier versions knew by the digests of items."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def read(self, known: Collection[str]) -> dict[str, OpeningRecord]:
        """See `Place.read`."""
        where = Where(self._ledger.path, "openings")
        lines = self._ledger.opening_lines()
        found = dict(OpeningRecord.from_line(lines[digest], where) for digest in lines if digest not in known)
        for (search, champion, at), items in self._ledger.openings_of_before().items():
            earlier = OpeningRecord(at=at, how="ledger", search=search, champions=(champion,), items=frozenset(items))
            digest, _ = earlier.line()
            if digest not in known:
                found[digest] = earlier
        return found

    def digests(self) -> set[str]:
        """See `Place.digests`."""
        return self._ledger.opening_digests()

    def add(self, lines: Mapping[str, str]) -> None:
        """See `Place.add`."""
        self._ledger.keep_openings(lines)


class FilePlace:
    """A file of lines that only grows: one beside the ledger, one in each run directory.

    What a crash cut short is no opening: it is written down before the first item is opened. It is said and cut off.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def alone(self) -> AbstractContextManager[None]:
        """Keep other processes from asking and writing while the block runs."""
        with plain_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        return locked(self.path, _BUSY, patience=_PATIENCE)

    def read(self, known: Collection[str]) -> dict[str, OpeningRecord]:
        """See `Place.read`."""
        found: dict[str, OpeningRecord] = {}
        for number, line in enumerate(self._lines(), start=1):
            if begins_with(line) not in known:
                digest, opening = OpeningRecord.from_line(line, Where(str(self.path), "", number))
                found[digest] = opening
        return found

    def digests(self) -> set[str]:
        """See `Place.digests`."""
        return {begins_with(line) for line in self._lines()}

    def add(self, lines: Mapping[str, str]) -> None:
        """See `Place.add`."""
        if not lines:
            return
        with plain_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with appending(self.path) as descriptor:
                mend_end(self.path, descriptor)
                for line in lines.values():
                    append_line(descriptor, line)

    def _lines(self) -> list[str]:
        if not os.path.lexists(self.path):
            return []
        with plain_errors(self.path):
            require_regular(self.path)  # within a directory of ours no link is followed
        *lines, rest = read_text(self.path, limit=LONGEST).split("\n")
        rest = rest.strip("\0 ")
        if rest:
            try:
                json.loads(rest)
                lines.append(rest)  # whole but for its line feed
            except ValueError:
                _log.warning("%s: the last line was cut short by a crash and counts as no opening", self.path)
        return lines


def nobody_else(place: FilePlace | None) -> AbstractContextManager[None]:
    """`FilePlace.alone`, where there is a file."""
    return nullcontext() if place is None else place.alone()
