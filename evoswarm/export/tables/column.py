"""What a table is: its columns, each with its type, its unit and a sentence, and the rows that they are read from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

ColumnType = Literal["text", "whole number", "number", "truth", "texts", "json"]
"""``texts`` is a list of texts: a list in Parquet, JSON in CSV. ``json`` is a text that holds JSON in both."""

Expanded = Mapping[str, Mapping[str, ColumnType]]
"""What stands for a placeholder in the name of a column (``TASK``), each with the type of such a column."""


@dataclass(frozen=True)
class TableColumn:
    """A column.

    Attributes:
        name: of the column; with ``each``, what stands before the names of the run.
        type: of its values; any of them may be missing.
        says: what it holds, in a sentence.
        read: takes a value out of a row; with ``each``, by one of the run's names.
        unit: of its values; empty where they have none.
        each: a placeholder: there is such a column for every name that the run has for it.
    """

    name: str
    type: ColumnType
    says: str
    read: Callable[..., Any]
    unit: str = ""
    each: str = ""

    @property
    def shown(self) -> str:
        """Its name with the placeholder."""
        return f"{self.name}.{self.each}" if self.each else self.name

    def expanded(self, names: Expanded) -> Iterator[TableColumn]:
        """Itself, or one column for every name of the run."""
        if not self.each:
            yield self
        for name, kind in names.get(self.each, {}).items():
            whole = f"{self.name}.{name}"
            yield replace(self, name=whole, type=kind, read=partial(self.read, name=name), each="")


@dataclass(frozen=True)
class TablePlan:
    """A table before anything of it is read.

    Attributes:
        name: of its files.
        says: what a row is, in a sentence.
        columns: in order, with placeholders.
    """

    name: str
    says: str
    columns: tuple[TableColumn, ...]

    def of(self, names: Expanded, rows: Iterable[Any]) -> RunTable:
        """The table of a run.

        Args:
            names: that the run has for placeholders.
            rows: that columns are read from; gone through once.
        """
        return RunTable(self, [one for column in self.columns for one in column.expanded(names)], rows)


@dataclass(frozen=True)
class RunTable:
    """A table of a run.

    Attributes:
        plan: what it is.
        columns: of this run, in order.
        rows: that they are read from; gone through once.
    """

    plan: TablePlan
    columns: Sequence[TableColumn]
    rows: Iterable[Any]
