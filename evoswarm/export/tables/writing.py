"""Tables as files: Parquet and CSV with the same rows, some thousand at a time."""

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow.csv import CSVWriter
from pyarrow.parquet import ParquetWriter

from evoswarm.errors import RunError, Where
from evoswarm.export.tables.column import ColumnType, RunTable, TableColumn
from evoswarm.spreadsheets import marked

AT_ONCE = 8192
"""Rows that are held in memory: a row group of Parquet each."""

_TYPES: Mapping[ColumnType, pa.DataType] = {
    "text": pa.string(),
    "whole number": pa.int64(),
    "number": pa.float64(),
    "truth": pa.bool_(),
    "texts": pa.list_(pa.string()),
    "json": pa.string(),
}
_PLAIN = {_TYPES["texts"]: pa.string()}


def write_table(table: RunTable, folder: Path) -> int:
    """Write a table as ``NAME.parquet`` and ``NAME.csv``.

    In CSV a value that is missing is an empty field and an empty text a pair of quotes; lists are JSON; a text that
    spreadsheets would take for a formula is `marked`; the file begins with a byte order mark.

    Args:
        table: its rows are gone through.
        folder: that exists.

    Returns:
        How many rows there were.

    Raises:
        RunError: a value is not what its column holds: the file that it was read from is damaged.
    """
    rich = pa.schema([_field(column) for column in table.columns])
    plain = pa.schema([pa.field(one.name, _PLAIN.get(one.type, one.type)) for one in rich])
    path, rows, count = folder / table.plan.name, iter(table.rows), 0
    types = [field.type for field in rich]
    with ExitStack() as stack:
        parquet = stack.enter_context(ParquetWriter(path.with_suffix(".parquet"), rich, compression="zstd"))
        sink = stack.enter_context(path.with_suffix(".csv").open("wb"))
        sink.write(codecs.BOM_UTF8)
        csv = stack.enter_context(CSVWriter(sink, plain))
        while some := list(islice(rows, AT_ONCE)):
            values = [[_written(column.read(row)) for row in some] for column in table.columns]
            arrays = [
                _array(table.plan.name, column, own, kind, count)
                for column, own, kind in zip(table.columns, values, types, strict=True)
            ]
            count += len(some)
            parquet.write_batch(pa.record_batch(arrays, schema=rich))
            csv.write_batch(_batch([list(map(_cell, column)) for column in values], plain))
    return count


def _field(column: TableColumn) -> pa.Field:
    """A column of Parquet, which says what it holds."""
    said = {"description": column.says, "unit": column.unit}
    return pa.field(column.name, _TYPES[column.type], metadata={name: text for name, text in said.items() if text})


def _array(table: str, column: TableColumn, values: Sequence[Any], kind: pa.DataType, before: int) -> pa.Array:
    """The values of a column.

    Args:
        table: its name.
        column: whose values they are.
        values: of some rows.
        kind: of the column.
        before: rows before these.

    Raises:
        RunError: one is none of the column's type.
    """
    try:
        return pa.array(values, kind)
    except (ValueError, TypeError, OverflowError) as error:
        if len(values) > 1:
            for number, value in enumerate(values):
                _array(table, column, [value], kind, before + number)
        wanted = f"expected a {column.type} in row {before + 1:,} (a file of the run is damaged otherwise)"
        raise RunError(f"{wanted}, got {values[0]!r:.80}", Where(table, column.name)) from error


def _batch(values: Sequence[Sequence[Any]], schema: pa.Schema) -> pa.RecordBatch:
    arrays = [pa.array(column, field.type) for column, field in zip(values, schema, strict=True)]
    return pa.record_batch(arrays, schema=schema)


def _written(value: Any) -> Any:
    """A value as both files have it: half a character, which UTF-8 cannot encode, is its escape."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return list(map(_written, value)) if isinstance(value, list | tuple) else value


def _cell(value: Any) -> Any:
    """A value as CSV has it."""
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return marked(value) if isinstance(value, str) else value
