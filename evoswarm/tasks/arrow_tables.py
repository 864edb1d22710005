"""Tables of arrow: parquet, what `datasets` saves to a folder, and data sets of the hub.

Values are read as they are stored. A library of data sets *decodes* them: it opens images, needs codecs for sound,
and fetches what a stored address points to. A question needs none of that, so columns that hold bytes stay unread,
and what a file's metadata says about decoding is never asked.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evoswarm.errors import TaskError, Where
from evoswarm.tasks.arrow_values import python_rows, readable_columns
from evoswarm.tasks.table import Row, Table
from evoswarm.tasks.text_tables import refuse_pointer
from evoswarm.user_files import MIB, read_text

if TYPE_CHECKING:
    import pyarrow

_BATCH = 256  # rows; a few bytes of a file may stand for very long texts, repeated
_LARGEST = 1024 * MIB  # of all values that are read
_DESCRIPTION = MIB  # bytes of a folder's files of JSON
_RAISED = (OSError, ValueError, TypeError, RuntimeError, LookupError, StopIteration, OverflowError)
_ONE, _MANY = "state.json", "dataset_dict.json"


def read_parquet(path: str, file: Path) -> Table:
    """Read a file of parquet.

    Raises:
        TaskError: it is none, or holds too much; names the file.
    """
    import pyarrow.parquet

    with file.open("rb") as stream:
        refuse_pointer(path, stream.read(64).decode("ascii", "replace"))
    with _as_task_errors(path, "a parquet file"), pyarrow.parquet.ParquetFile(file) as table:
        schema = table.schema_arrow
        read, left = readable_columns(schema)
        batches = table.iter_batches(_BATCH, columns=read)
        return _table(path, read, left, batches, table.metadata.num_rows)


@dataclass(frozen=True)
class FolderReader:
    """A folder as ``save_to_disk`` writes it.

    Attributes:
        folder: where it is.
        splits: the names of its splits; None is a data set that was saved alone.
    """

    folder: Path
    splits: tuple[str, ...] | None

    @classmethod
    def of(cls, folder: Path) -> FolderReader | None:
        """What a folder says of itself; None where it is no such folder.

        Raises:
            TaskError: its description cannot be read.
        """
        if os.path.isfile(folder / _MANY):
            splits = _described(folder / _MANY).get("splits")
            if not isinstance(splits, list) or not all(isinstance(name, str) for name in splits):
                raise TaskError(f"expected a list of names, got {splits!r:.60}", Where(str(folder / _MANY), "splits"))
            return cls(folder, tuple(splits))
        return cls(folder, None) if os.path.isfile(folder / _ONE) else None


def read_saved(path: str, saved: FolderReader, split: str) -> Table:
    """Read one split of a folder.

    Raises:
        TaskError: there is no such split, or its files cannot be read.
    """
    import pyarrow

    if saved.splits is not None and split not in saved.splits:
        raise TaskError(f"expected one of its splits ({', '.join(saved.splits)}), got {split!r}", Where(path, "split"))
    folder = saved.folder if saved.splits is None else saved.folder / Path(split).name
    own = _described(folder / _ONE)
    if saved.splits is None and split not in ("train", own.get("_split")):
        raise TaskError(f"expected the split {own.get('_split') or 'train'!r}, got {split!r}", Where(path, "split"))
    described = own.get("_data_files")
    names = [entry.get("filename") if isinstance(entry, dict) else None for entry in _entries(described)]
    if not names or not all(isinstance(name, str) for name in names):
        raise TaskError(f"expected a list of files, got {described!r:.60}", Where(str(folder / _ONE), "_data_files"))
    rows: list[Row] = []
    columns: tuple[list[str], list[str]] = ([], [])
    for index, name in enumerate(names):
        file = folder / Path(str(name)).name  # never outside of the folder
        if not os.path.isfile(file):
            where = Where(str(folder / _ONE), f"_data_files.{index}.filename")
            raise TaskError(f"expected a file beside it, got {name!r:.60}", where)
        with _as_task_errors(path, "files of arrow"), pyarrow.memory_map(str(file)) as source:
            stream = pyarrow.ipc.open_stream(source)
            columns = readable_columns(stream.schema)
            batches = (part for batch in stream for part in _parts(batch.select(columns[0])))
            rows += _table(path, *columns, batches, len(rows)).rows
            Table.require_room(path, len(rows))
    return Table(tuple(columns[0]), rows, tuple(columns[1]))


def read_dataset(path: str, subset: str | None, split: str, revision: str | None) -> Table:
    """Read a data set of the hub.

    Raises:
        TaskError: it cannot be had, or holds too much; names it.
    """
    import datasets

    expected = (
        f"a data set of the hub with the subset {subset!r} and the split {split!r} (a gated one needs HF_TOKEN; "
        "a path that is here is read here)"
    )
    with quiet(), _as_task_errors(path, expected, datasets.exceptions.DatasetsError):
        loaded = datasets.load_dataset(path, name=subset, split=split, revision=revision)
        read, left = readable_columns(loaded.features.arrow_schema)
        batches = loaded.select_columns(read).with_format("arrow").iter(_BATCH) if read else ()
        return _table(path, read, left, batches, len(loaded))


def _parts(batch: pyarrow.RecordBatch) -> Iterator[pyarrow.RecordBatch]:
    return (batch.slice(start, _BATCH) for start in range(0, batch.num_rows, _BATCH))


def _table(path: str, read: list[str], left: list[str], batches: Iterable[Any], count: int) -> Table:
    Table.require_room(path, count)
    rows: list[Row] = []
    room = _LARGEST
    for batch in batches:
        try:
            more, size = python_rows(batch, room)
        except OverflowError:
            raise TaskError(f"expected at most {_LARGEST:,} bytes of values, got more", Where(path, "path")) from None
        rows += more
        room -= size
    return Table(tuple(read), rows, tuple(left))


def _entries(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _described(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_text(file, limit=_DESCRIPTION, raises=TaskError))
    except (ValueError, RecursionError) as error:
        raise TaskError(f"expected JSON as save_to_disk writes it, got: {error}", Where(str(file))) from None
    if not isinstance(content, dict):
        raise TaskError(f"expected a JSON object, got {content!r:.60}", Where(str(file)))
    return content


@contextmanager
def _as_task_errors(path: str, expected: str, *others: type[Exception]) -> Iterator[None]:
    """What the libraries beneath raise for what they cannot read."""
    import pyarrow

    try:
        yield
    except (*_RAISED, pyarrow.ArrowException, *others) as error:
        raise TaskError(f"expected {expected}, got: {_first_line(error)}", Where(path, "path")) from None


def _first_line(error: BaseException) -> str:
    lines = str(error.__cause__ or error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200]


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars while a data set is fetched."""
    import datasets

    silent = datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if not silent:
            datasets.enable_progress_bars()
