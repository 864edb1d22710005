"""What was read of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evoswarm.errors import TaskError, Where

Row = dict[str, Any]

MOST_ROWS = 5_000_000
"""Of a table: so many small rows take some gigabytes of memory, though a file of a few kilobytes may hold them."""


@dataclass(frozen=True)
class Table:
    """Rows and their columns.

    Attributes:
        columns: in order; a row may lack some of them.
        rows: in order.
        unread: columns that hold bytes (images, sound) and were left where they are.
    """

    columns: tuple[str, ...]
    rows: list[Row]
    unread: tuple[str, ...] = ()

    @staticmethod
    def require_room(path: str, rows: int) -> None:
        """Refuse so many rows, before they are made.

        Raises:
            TaskError: names the data set.
        """
        if rows > MOST_ROWS:
            raise TaskError(f"expected at most {MOST_ROWS:,} rows, got more", Where(path, "path"))

    @classmethod
    def of(cls, rows: list[Row]) -> Table:
        """A table whose columns are those that its rows have."""
        return cls(tuple(dict.fromkeys(name for row in rows for name in row)), rows)
