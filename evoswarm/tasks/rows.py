"""Rows of a table: a local jsonl, json, csv or parquet file, or a data set of the hub.

jsonl, json and csv are read as they stand: table readers guess types from the values of a column, and turn the text
`2024-01-31` into a date, `007` into 7 and `NA` into nothing. parquet and the hub are read by `datasets`.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from evoswarm.errors import TaskError, Where

Row = dict[str, Any]


def is_local(path: str) -> bool:
    """Whether a path means a file here (by its ending or its beginning) and not a name on the hub."""
    return path.lower().endswith(tuple(_READERS)) or path.startswith((".", "/", "~"))


def read_rows(path: str, *, subset: str | None = None, split: str = "train", revision: str | None = None) -> list[Row]:
    """Read all rows of a data set.

    Args:
        path: a local file, or the name of a data set on the hub.
        subset: of a data set on the hub.
        split: of a data set on the hub; a local file has the one split ``train``.
        revision: of a data set on the hub.

    Raises:
        TaskError: it cannot be read or has no rows; its `where` names the data set, and the setting or the line.
    """
    if not is_local(path):
        return _non_empty(path, _read_hub(path, subset, split, revision))
    if split != "train" or subset is not None or revision is not None:
        setting, got = next(
            pair for pair in (("subset", subset), ("revision", revision), ("split", split)) if pair[1] is not None
        )
        expected = "'train'" if setting == "split" else "null"
        raise TaskError(f"expected {setting}: {expected} (for a local file), got {got!r}", Where(path, setting))
    file = Path(path).expanduser()
    read = _READERS.get(file.suffix.lower())
    if read is None:
        raise TaskError(
            f"expected a file that ends in {', '.join(_READERS)}, got {file.suffix or 'no ending'!r}",
            Where(path, "path"),
        )
    if not file.is_file():
        got = "a directory" if file.is_dir() else "no such file"
        raise TaskError(f"expected a readable file, got {got}", Where(path, "path"))
    return _non_empty(path, read(path, file))


def _non_empty(path: str, rows: list[Row]) -> list[Row]:
    if not rows:
        raise TaskError("expected at least one row, got none", Where(path, "path"))
    return rows


def _text(path: str, file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise TaskError(f"expected a readable file, got {error.strerror}", Where(path, "path")) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise TaskError(
            f"expected UTF-8, got the byte 0x{error.object[error.start]:02x}", Where(path, "", line)
        ) from None


def _read_jsonl(path: str, file: Path) -> list[Row]:
    rows = []
    for number, line in enumerate(_text(path, file).split("\n"), start=1):
        if line.strip():
            rows.append(_json_object(_json(line, path, number), path, number))
    return rows


def _read_json(path: str, file: Path) -> list[Row]:
    text = _text(path, file)
    content = _json(text, path, 1) if text.strip() else []
    if not isinstance(content, list):
        raise TaskError(
            f"expected a list of objects (one object a line is a .jsonl file), got {_kind(content)}",
            Where(path, "path"),
        )
    return [_json_object(row, path, None, f"row {number}") for number, row in enumerate(content, start=1)]


def _json(text: str, path: str, line: int) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        where = Where(path, "", line + error.lineno - 1, error.colno)
        raise TaskError(f"expected JSON, got a syntax error: {error.msg}", where) from None
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


def _read_csv(path: str, file: Path) -> list[Row]:
    reader = csv.reader(io.StringIO(_text(path, file), newline=""), strict=True)
    rows: list[Row] = []
    header: list[str] | None = None
    try:
        for fields in reader:
            if not fields:
                continue
            if header is None:
                header = _checked_header(fields, path)
            elif len(fields) != len(header):
                where = Where(path, "", reader.line_num)
                raise TaskError(f"expected {len(header)} fields (as the header has), got {len(fields)}", where)
            else:
                rows.append(dict(zip(header, fields, strict=True)))
    except csv.Error as error:
        raise TaskError(f"expected CSV, got a syntax error: {error}", Where(path, "", reader.line_num)) from None
    return rows


def _checked_header(fields: list[str], path: str) -> list[str]:
    for name in fields:
        if fields.count(name) > 1:
            raise TaskError(f"expected columns of different names, got {name!r} twice", Where(path, "", 1))
    return fields


def _read_parquet(path: str, file: Path) -> list[Row]:
    import datasets

    with tempfile.TemporaryDirectory() as cache, _quiet():  # the user's cache is for what comes from afar
        try:
            table = datasets.load_dataset(
                "parquet", data_files=str(file), split="train", cache_dir=cache, keep_in_memory=True
            )
            return list(table)
        except _what_datasets_raises() as error:
            raise TaskError(f"expected a parquet file, got: {_first_line(error)}", Where(path, "path")) from None


_READERS: Mapping[str, Callable[[str, Path], list[Row]]] = MappingProxyType(
    {".jsonl": _read_jsonl, ".json": _read_json, ".csv": _read_csv, ".parquet": _read_parquet}
)


def _read_hub(path: str, subset: str | None, split: str, revision: str | None) -> list[Row]:
    import datasets

    with _quiet():
        try:
            return list(datasets.load_dataset(path, name=subset, split=split, revision=revision))
        except _what_datasets_raises() as error:
            raise TaskError(
                f"expected a data set of the hub with the subset {subset!r} and the split {split!r} (a gated one "
                f"needs HF_TOKEN; a local file ends in {', '.join(_READERS)}), got: {_first_line(error)}",
                Where(path, "path"),
            ) from None


def _what_datasets_raises() -> tuple[type[Exception], ...]:
    from datasets.exceptions import DatasetsError

    return (DatasetsError, OSError, ValueError, TypeError, RuntimeError, LookupError, StopIteration)


def _first_line(error: BaseException) -> str:
    lines = str(error.__cause__ or error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200]


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars while a file is read."""
    import datasets

    silent = datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if not silent:
            datasets.enable_progress_bars()
