"""What was read of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]

MOST_ROWS = 10_000_000
"""As many items as a split may have."""


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

    @classmethod
    def of(cls, rows: list[Row]) -> Table:
        """A table whose columns are those that its rows have."""
        return cls(tuple(dict.fromkeys(name for row in rows for name in row)), rows)
