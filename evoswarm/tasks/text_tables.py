"""Tables of text: jsonl, json, csv and tsv, as they stand.

Table readers guess types from the values of a column, and turn the text `2024-01-31` into a date, `007` into 7 and
`NA` into nothing. Here a text stays what it was.
"""

from __future__ import annotations

import csv
import io
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from evoswarm.errors import TaskError, Where
from evoswarm.tasks.table import Row, Table
from evoswarm.user_files import LFS_POINTER, MIB, decoded, read_bytes

_LARGEST = 1024 * MIB  # of a table of text, unpacked; parquet has room for more
_OBJECTS = 4  # that a row may hold, on average
_GZIP = 31  # zlib's word for "with gzip's header"
_CSV_HINTS = {
    "expected after": " (a quote within a quoted field is written twice)",
    "end of data": " (a quote is never closed, or the file was cut off)",
}
_CUT = " (in the last line: the file may have been cut off)"


def plain_text(path: str, file: Path) -> str:
    """The text of a file.

    Raises:
        TaskError: it cannot be read, is too large, no UTF-8, or a pointer of git-lfs; names the file.
    """
    return _text(path, read_bytes(file, limit=_LARGEST, raises=TaskError, where=Where(path, "path")))


def packed_text(path: str, file: Path) -> str:
    """The text of a file that gzip packed; see `plain_text`."""
    packed = read_bytes(file, limit=_LARGEST, raises=TaskError, where=Where(path, "path"))
    content = bytearray()
    try:
        while packed:  # a file of gzip may be several, one behind the other
            unpacker = zlib.decompressobj(_GZIP)
            content += unpacker.decompress(packed, _LARGEST + 1 - len(content))
            if len(content) > _LARGEST:
                raise TaskError(f"expected at most {_LARGEST:,} bytes when unpacked, got more", Where(path, "path"))
            if not unpacker.eof:
                raise TaskError("expected a whole gzip file, got one that was cut off", Where(path, "path"))
            packed = unpacker.unused_data.lstrip(b"\0")
    except zlib.error as error:
        raise TaskError(f"expected a gzip file, got: {error}", Where(path, "path")) from None
    return _text(path, bytes(content))


def _text(path: str, content: bytes) -> str:
    text = decoded(content, raises=TaskError, where=Where(path))
    refuse_pointer(path, text[: len(LFS_POINTER)])
    return text if "\n" in text else text.replace("\r", "\n")  # all lines end the way they did long ago


def refuse_pointer(path: str, beginning: str) -> None:
    """Refuse what git-lfs leaves where a file has not been fetched.

    Raises:
        TaskError: names the file, and what fetches it.
    """
    if beginning.startswith(LFS_POINTER):
        raise TaskError(
            "expected a table, got a pointer of git-lfs: `git lfs pull` fetches the file", Where(path, "path")
        )


def _read_jsonl(path: str, text: str) -> Table:
    Table.require_room(path, text.count("\n"))
    lines = text.split("\n")  # a carriage return before it is white space to JSON
    rows = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            value = _json(line, path, number, hint=_CUT if number == len(lines) else "")
            rows.append(_json_object(value, path, number))
    return Table.of(rows)


def _read_json(path: str, text: str) -> Table:
    Table.require_room(path, text.count("{") // _OBJECTS)
    hint = _CUT if text[-1:] != "\n" else ""
    content = _json(text, path, 1, hint=hint) if text.strip() else []
    if not isinstance(content, list):
        raise TaskError(
            f"expected a list of objects (one object a line is a .jsonl file), got {_kind(content)}",
            Where(path, "path"),
        )
    return Table.of([_json_object(row, path, None, f"row {number}") for number, row in enumerate(content, start=1)])


def _json(text: str, path: str, line: int, hint: str = "") -> Any:
    """A value. The hint is for a mistake at the very end, as a file has that was cut off."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        where = Where(path, "", line + error.lineno - 1, error.colno)
        if error.msg == "Extra data":
            hint = " behind the first value (one object a line is a .jsonl file)"
        elif not error.msg.startswith("Unterminated string") and error.pos < len(text.rstrip()):
            hint = ""
        raise TaskError(f"expected JSON, got a syntax error: {error.msg}{hint}", where) from None
    except (RecursionError, ValueError) as error:  # too deep; an integer of thousands of digits
        raise TaskError(f"expected JSON of a sensible size, got: {error}", Where(path, "", line)) from None


def _json_object(value: Any, path: str, line: int | None, name: str = "") -> Row:
    if not isinstance(value, dict):
        raise TaskError(f'expected an object ({{"column": value, ...}}), got {_kind(value)}', Where(path, name, line))
    return value


def _kind(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    kinds = ((dict, "an object"), (list, "a list"), (str, "a text"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "a number")


def _read_csv(path: str, text: str) -> Table:
    """Fields between commas; between semicolons where the header has those and no comma, as many locales write it."""
    with _fields_of_any_length():
        _, header = next(_fields(path, text, ",", strict=False), (1, []))
        return _delimited(path, text, ";" if len(header) == 1 and ";" in header[0] else ",")


def _read_tsv(path: str, text: str) -> Table:
    with _fields_of_any_length():
        return _delimited(path, text, "\t")


def _delimited(path: str, text: str, delimiter: str) -> Table:
    lines = _fields(path, text, delimiter)
    line, first = next(lines, (1, []))
    header = _checked_header(first, path, line)
    rows: list[Row] = []
    for line, fields in lines:
        if len(fields) != len(header):
            where = Where(path, "", line)
            raise TaskError(f"expected {len(header)} fields (as the header has), got {len(fields)}", where)
        rows.append(dict(zip(header, fields, strict=True)))
        Table.require_room(path, len(rows))
    if "" in header:  # what has no name is nobody's column
        for row in rows:
            del row[""]
    return Table(tuple(filter(None, header)), rows)


def _fields(path: str, text: str, delimiter: str, strict: bool = True) -> Iterator[tuple[int, list[str]]]:
    """The fields of every line that is not empty, and its number."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=strict, delimiter=delimiter)
    try:
        for fields in reader:
            if fields:
                yield reader.line_num, fields
    except csv.Error as error:
        hint = next((hint for words, hint in _CSV_HINTS.items() if words in str(error)), "")
        where = Where(path, "", reader.line_num)
        raise TaskError(f"expected CSV, got a syntax error: {error}{hint}", where) from None


def _checked_header(fields: list[str], path: str, line: int) -> list[str]:
    """Names without blanks around them: no template reaches such."""
    names = [name.strip() for name in fields]
    for name, count in Counter(filter(None, names)).items():
        if count > 1:
            raise TaskError(f"expected columns of different names, got {name!r} twice", Where(path, "", line))
    return names


@contextmanager
def _fields_of_any_length() -> Iterator[None]:
    """Lift the limit of the csv module, which is one for the whole process; the file's size is limited already."""
    before = csv.field_size_limit(_LARGEST)
    try:
        yield
    finally:
        csv.field_size_limit(before)


TEXT_READERS: Mapping[str, Callable[[str, str], Table]] = MappingProxyType(
    {".jsonl": _read_jsonl, ".ndjson": _read_jsonl, ".json": _read_json, ".csv": _read_csv, ".tsv": _read_tsv}
)
"""By ending: from a name for errors and the text to rows."""
