"""Rows of a table: a file or a folder here, or a data set of the hub.

Text tables are read as they stand (`text_tables`), columns of arrow without decoding what they hold
(`arrow_tables`). What is on this machine is never looked for on the hub.
"""

from __future__ import annotations

import os
from pathlib import Path

from evoswarm.errors import TaskError, Where
from evoswarm.tasks.arrow_tables import FolderReader, read_dataset, read_parquet, read_saved
from evoswarm.tasks.table import Table
from evoswarm.tasks.text_tables import TEXT_READERS, packed_text, plain_text
from evoswarm.user_files import expanded, nearby

ENDINGS = (*TEXT_READERS, ".parquet", *(f"{ending}.gz" for ending in TEXT_READERS))
"""Of the files that are read here."""


def is_local(path: str) -> bool:
    """Whether a path means something here, by its ending, its beginning or because it is there; if not, on the hub."""
    return path.lower().endswith(ENDINGS) or path.startswith((".", "/", "~")) or "$" in path or os.path.lexists(path)


def read_rows(path: str, *, subset: str | None = None, split: str = "train", revision: str | None = None) -> Table:
    """Read all rows of a data set.

    Args:
        path: a local file or folder (as `datasets` saves one), or the name of a data set on the hub.
        subset: of a data set on the hub.
        split: of a data set on the hub or of a saved folder; a local file has the one split ``train``.
        revision: of a data set on the hub.

    Raises:
        TaskError: it cannot be read or has no rows; its `where` names the data set, and the setting or the line.
    """
    table = (
        _read_local(path, subset, split, revision) if is_local(path) else read_dataset(path, subset, split, revision)
    )
    if not table.rows:
        raise TaskError("expected at least one row, got none", Where(path, "path"))
    return table


def _read_local(path: str, subset: str | None, split: str, revision: str | None) -> Table:
    try:
        file = Path(expanded(path))
    except ValueError as error:
        raise TaskError(str(error), Where(path, "path")) from None
    folder = FolderReader.of(file)
    for setting, got, default in (
        ("subset", subset, None),
        ("revision", revision, None),
        ("split", split, "train" if folder is None else split),
    ):
        if got != default:
            expected = "null" if default is None else repr(default)
            raise TaskError(f"expected {setting}: {expected} (for a local file), got {got!r}", Where(path, setting))
    if folder is not None:
        return read_saved(path, folder, split)
    ending = next((ending for ending in ENDINGS if file.name.lower().endswith(ending)), None)
    if ending is None and not os.path.isdir(file):
        raise TaskError(
            f"expected a file that ends in {', '.join(ENDINGS)}, got {file.suffix or 'no ending'!r}",
            Where(path, "path"),
        )
    if ending is None or not os.path.isfile(file):
        raise TaskError(f"expected a readable file, got {_what_is_there(file)}", Where(path, "path"))
    if ending == ".parquet":
        return read_parquet(path, file)
    text = packed_text(path, file) if ending.endswith(".gz") else plain_text(path, file)
    return TEXT_READERS[ending.removesuffix(".gz")](path, text)


def _what_is_there(file: Path) -> str:
    if os.path.isdir(file):
        return "a directory (a folder is read where save_to_disk of datasets wrote it)"
    return "something else than a regular file" if os.path.lexists(file) else f"no such file{nearby(file)}"
