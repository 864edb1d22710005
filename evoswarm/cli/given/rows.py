"""Rows as files and as standard output: JSON Lines, or CSV that spreadsheets read."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

Row = Mapping[str, Any]
WriteRow = Callable[[Row], None]

_DELIMITERS = {".csv": ",", ".tsv": "\t"}


class _Sink(Protocol):
    def write(self, text: str, /) -> object: ...


class StandardOutput:
    """Standard output for any text: what UTF-8 cannot encode is printed as its escape."""

    def write(self, text: str) -> None:
        """Print a text as it stands."""
        print(text.encode("utf-8", "backslashreplace").decode(), end="")


def is_table(file: Path) -> bool:
    """Whether a file's ending asks for CSV or TSV; everything else is JSON Lines."""
    return file.suffix.lower() in _DELIMITERS


@contextmanager
def rows_file(file: Path, columns: Sequence[str], part: Path | None = None) -> Iterator[WriteRow]:
    """Write rows one by one to a file that is whole or not there; see `evoswarm.durable.WholeFile`.

    Args:
        file: its ending says in which form. A CSV file begins with a byte order mark: without it spreadsheets take
            UTF-8 for something else.
        columns: of a table, in order; JSON Lines have the keys of each row.
        part: where the rows go that were written when the work ends before its end.
    """
    from evoswarm.durable import WholeFile

    delimiter = _DELIMITERS.get(file.suffix.lower())
    with WholeFile(file, mark=delimiter == ",") as sink:
        write = jsonl_rows(sink) if delimiter is None else csv_rows(sink, columns, delimiter)

        def write_kept(row: Row) -> None:
            write(row)
            sink.part = part

        yield write_kept


def jsonl_rows(sink: _Sink) -> WriteRow:
    """What writes one JSON object a line; half a character is written as its escape, which is JSON's too."""

    def write(row: Row) -> None:
        sink.write(json.dumps(dict(row), ensure_ascii=False) + "\n")

    return write


def csv_rows(sink: _Sink, columns: Sequence[str], delimiter: str = ",") -> WriteRow:
    """Writes the header, and returns what writes a row.

    Nothing (null) is an empty field, a text is itself, and every other value is JSON. Fields with a delimiter, a quote
    or a line end are quoted.
    """
    table = csv.writer(sink, delimiter=delimiter)  # lines end as RFC 4180 says: only then every line end is quoted
    table.writerow(columns)

    def write(row: Row) -> None:
        table.writerow([_field(row.get(name)) for name in columns])

    return write


def _field(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
