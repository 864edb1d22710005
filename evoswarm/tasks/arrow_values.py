"""Values of arrow as Python's: which columns are read at all, and how much memory the values of a batch will take.

Arrow can say much in few bytes: a dictionary of one long text and a million indices to it, a list of a billion nulls.
So what a batch would become is weighed before it is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from evoswarm.tasks.table import Row

if TYPE_CHECKING:
    import pyarrow

_POINTER = 8  # bytes; the least that any value takes in Python


def readable_columns(schema: pyarrow.Schema) -> tuple[list[str], list[str]]:
    """Names of the columns that are read, and of those that are left: they hold bytes, or hide how large they are."""
    read: list[str] = []
    left: list[str] = []
    for field in schema:
        (read if _is_plain(_expanded_type(field.type)) else left).append(field.name)
    return read, left


def python_rows(batch: pyarrow.RecordBatch | pyarrow.Table, room: int) -> tuple[list[Row], int]:
    """The rows of a batch, and about how many bytes they take.

    Args:
        batch: of columns that are read.
        room: bytes that there are.

    Raises:
        OverflowError: there is not enough of it; no value was made.
        pyarrow.ArrowException: the batch is damaged.
    """
    batch.validate(full=True)  # arrow trusts what it is given: offsets out of bounds would end the process
    columns = [[_expanded(chunk) for chunk in _chunks(column)] for column in batch.columns]
    size = sum(_weight(chunk) for chunks in columns for chunk in chunks)
    if size > room:
        raise OverflowError
    values = [[value for chunk in chunks for value in chunk.to_pylist()] for chunks in columns]
    if not values:
        return [{} for _ in range(batch.num_rows)], _POINTER * batch.num_rows
    names = batch.schema.names
    return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)], size


def _expanded_type(kind: pyarrow.DataType) -> pyarrow.DataType:
    """What `_expanded` makes of arrays of a type."""
    import pyarrow

    if pyarrow.types.is_dictionary(kind):
        return kind.value_type
    return pyarrow.large_string() if pyarrow.types.is_string_view(kind) else kind


def _expanded(array: pyarrow.Array) -> pyarrow.Array:
    """An array that holds each of its values itself."""
    import pyarrow

    if pyarrow.types.is_dictionary(array.type):
        return array.dictionary_decode()
    return array.cast(pyarrow.large_string()) if pyarrow.types.is_string_view(array.type) else array


def _is_plain(kind: pyarrow.DataType) -> bool:
    """Whether values are numbers, texts, moments, and lists and mappings of them, each held by itself."""
    import pyarrow

    types = pyarrow.types
    if isinstance(kind, pyarrow.BaseExtensionType):
        return _is_plain(kind.storage_type)
    if types.is_struct(kind) or _is_list(kind):
        return all(_is_plain(kind.field(index).type) for index in range(kind.num_fields))
    odd = (types.is_binary, types.is_large_binary, types.is_fixed_size_binary, types.is_binary_view)
    shared = (types.is_string_view, types.is_dictionary, types.is_run_end_encoded)
    return kind.num_fields == 0 and not any(is_kind(kind) for is_kind in (*odd, *shared))


def _is_list(kind: pyarrow.DataType) -> bool:
    from pyarrow import types

    tests = (types.is_list, types.is_large_list, types.is_fixed_size_list, types.is_map)
    return any(is_kind(kind) for is_kind in tests)


def _weight(array: pyarrow.Array) -> int:
    """Bytes that the values take, at least."""
    import pyarrow

    own = _POINTER * len(array)
    if isinstance(array, pyarrow.ExtensionArray):
        return _weight(array.storage)
    if pyarrow.types.is_struct(array.type):
        return own + sum(_weight(child) for child in array.flatten())
    if pyarrow.types.is_map(array.type):
        first, last = array.offsets[0].as_py(), array.offsets[-1].as_py()
        return own + sum(_weight(part.slice(first, last - first)) for part in (array.keys, array.items))
    return own + (_weight(array.flatten()) if _is_list(array.type) else array.nbytes)


def _chunks(column: Any) -> Iterator[pyarrow.Array]:
    return iter(column.chunks if hasattr(column, "chunks") else (column,))
