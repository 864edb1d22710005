"""Rows as files and as standard output: JSON Lines, or CSV that spreadsheets read."""

from __future__ import annotations

import csv
import itertools
import json
import math
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from evoswarm.errors import RunError, Where
from evoswarm.spreadsheets import marked

TableRow = Mapping[str, Any]
WriteRow = Callable[[TableRow], None]

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


def renamed(columns: Sequence[str], ours: Collection[str], where: Where) -> dict[str, str]:
    """New names for the user's columns that columns of ours would overwrite.

    Args:
        columns: the user's.
        ours: that stand beside them.
        where: the user's are, or are asked for.

    Raises:
        RunError: such a name is taken, too.
    """
    names = {name: f"input_{name}" for name in columns if name in ours}
    for name, other in names.items():
        if other in columns or other in ours:
            raise RunError(
                f"expected a column {name!r} (an answer has such a column, too) or {other!r} (its name beside the "
                "answer), got both: rename one",
                where,
            )
    return names


def free_part(file: Path) -> Path:
    """Where rows go that were written when the work ended before its end: no file stands there yet.

    It lies where the file itself would: a link may lead to another file system, and nothing can be moved there.
    """
    whole = Path(os.path.realpath(file)) if os.path.islink(file) else file
    names = itertools.chain([f"{whole.name}.part"], (f"{whole.name}.part-{number}" for number in itertools.count(2)))
    return next(whole.with_name(name) for name in names if not os.path.lexists(whole.with_name(name)))


@contextmanager
def rows_file(
    file: Path, columns: Sequence[str], part: Path | None = None, *, table: bool = False
) -> Iterator[WriteRow]:
    """Write rows one by one to a file that is whole or not there; see `evoswarm.durable.WholeFile`.

    Args:
        file: its ending says in which form. A CSV file begins with a byte order mark: without it spreadsheets take
            UTF-8 for something else.
        columns: of a table, in order; JSON Lines have the keys of each row.
        part: where the rows go that were written when the work ends before its end.
        table: it is CSV whatever its ending, but for ``.tsv``.
    """
    from evoswarm.durable import WholeFile

    delimiter = _DELIMITERS.get(file.suffix.lower(), "," if table else None)
    with WholeFile(file, mark=delimiter == ",") as sink:
        write = jsonl_rows(sink) if delimiter is None else csv_rows(sink, columns, delimiter)

        def write_kept(row: TableRow) -> None:
            write(row)
            sink.part = part

        yield write_kept


def jsonl_rows(sink: _Sink) -> WriteRow:
    """What writes one JSON object a line; half a character is written as its escape, which is JSON's too.

    What JSON does not know (a date, say) is written as its text, and a number that is not finite as null.
    """

    def write(row: TableRow) -> None:
        sink.write(json_text(dict(row)) + "\n")

    return write


def csv_rows(sink: _Sink, columns: Sequence[str], delimiter: str = ",") -> WriteRow:
    """Writes the header, and returns what writes a row.

    Nothing (null, or a number that is not finite) is an empty field, a text is itself, what JSON does not know (a date,
    say) is its text, and every other value is JSON. Fields with a delimiter, a quote or a line end are quoted; texts
    that spreadsheets would take for formulas are `marked`.
    """
    table = csv.writer(sink, delimiter=delimiter)  # lines end as RFC 4180 says: only then every line end is quoted
    table.writerow(map(marked, columns))

    def write(row: TableRow) -> None:
        table.writerow([_field(row.get(name)) for name in columns])

    return write


def _field(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return json_text(value) if isinstance(value, bool | int | float | list | tuple | dict) else marked(str(value))


def json_text(value: Any) -> str:
    """Data as JSON on one line: null for a number that is not finite, its text for what JSON does not know."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=str)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, default=str)


def _finite(value: Any) -> Any:
    """Data with null in place of numbers that are not finite: JSON has none."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
