"""How a figure of an evaluation is kept in the ledger: its columns, and what holds for every value there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args


@dataclass(frozen=True)
class Column:
    """A column of the ledger.

    Attributes:
        kind: of its values; SQLite itself keeps anything in any column.
        sound: what holds for every value: SQL behind the column's name; "" is nothing more.
        null: when there is no value: SQL; "" is never.
        suffix: of its name, behind the figure's.
    """

    kind: Literal["REAL", "INTEGER", "TEXT"]
    sound: str = ""
    null: str = ""
    suffix: str = ""

    def definition(self, name: str) -> str:
        """The column in a table's definition."""
        return f"{name} {self.kind}{'' if self.null else ' NOT NULL'}"

    def condition(self, name: str) -> str:
        """SQL that is true of a value that an evaluation can have."""
        held = f"typeof({name}) = '{self.kind.lower()}'{f' AND {name} {self.sound}' if self.sound else ''}"
        return f"(({name} IS NULL AND {self.null}) OR ({held}))" if self.null else f"({held})"


@dataclass(frozen=True)
class Figure:
    """How a figure is kept: in one column as it is, or packed into several.

    Names of members are the recipe's affair: what is packed holds their places, and is unpacked with the names that
    the reader's recipe gives them.

    Attributes:
        columns: at least one.
        pack: figure and members' names -> value of every column; None where the figure is the value.
        unpack: value of every column, members' names -> figure; likewise.
    """

    columns: tuple[Column, ...]
    pack: Callable[[Any, Sequence[str]], tuple[Any, ...]] | None = None
    unpack: Callable[..., Any] | None = None


def kept(kind: Literal["REAL", "INTEGER", "TEXT"], sound: str = "", null: str = "") -> Figure:
    """A figure that is kept as it is; see `Column`."""
    return Figure((Column(kind, sound, null),))


def one_of(names: Any) -> str:
    """SQL behind a column's name: it holds one of the names of a ``Literal``."""
    return "IN ({})".format(", ".join(f"'{name}'" for name in get_args(names)))
