"""An evaluation as the ledger keeps it: read by the ten thousands, and taken apart only as far as somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from evoswarm.errors import RunError, Where
from evoswarm.evaluation.cost import CostTable
from evoswarm.evaluation.evaluation import COLUMNS, FIGURES, Columns, Evaluation
from evoswarm.evaluation.failures import TRANSIENT
from evoswarm.failure import Failure

UNREADABLE = (ValueError, TypeError, KeyError, IndexError, AttributeError)
"""What reading a damaged row or fact raises, whatever is wrong with it."""


def damaged(what: str, got: object, file: str | None = None) -> RunError:
    """The error for something in a ledger that evoswarm did not write so.

    Args:
        what: is damaged.
        got: what is there instead.
        file: the ledger, where it is known.
    """
    return RunError(
        f"expected the {what} as evoswarm wrote it to the ledger, got {got!s:.120}: the file was changed or damaged "
        "(move it away to begin a new one; runs are then decoded anew)",
        None if file is None else Where(file),
    )


class LedgerRow(tuple[Any, ...]):
    """The values of ``COLUMNS``, as the ledger holds them."""

    __slots__ = ()

    @classmethod
    def of(cls, evaluation: Evaluation) -> LedgerRow:
        """What is kept of an evaluation: all but the members' names."""
        names, values = evaluation.cost.names, list[Any]()
        for name, pack in _WRITERS:
            value = getattr(evaluation, name)
            values += pack(value, names) if pack else (value,)
        return cls(values)

    @property
    def lasts(self) -> bool:
        """Whether it is true for ever, and not owed to the moment."""
        return self[_KIND] not in TRANSIENT

    def failure(self, names: Sequence[str]) -> Failure | None:
        """Why there is no score, with the names that the reader's recipe gives its members."""
        unpack, places = _READERS["failure"]
        found: Failure | None = unpack and unpack(*self[places], names)
        return found

    def evaluation(self, names: Sequence[str]) -> Evaluation:
        """The evaluation, with the names that the reader's recipe gives its members."""
        try:
            values = [unpack(*self[at], names) if unpack else self[at] for unpack, at in _READERS.values()]
        except UNREADABLE as error:
            raise damaged("cost and answers of an evaluation", error) from error
        return Evaluation(*values)


_PLACES = {name: place for place, name in enumerate(COLUMNS)}
_WRITERS = [(name, figure.pack) for name, figure in FIGURES.items()]
_READERS: dict[str, tuple[Callable[..., Any] | None, Any]] = {  # what unpacks a figure, and where its values stand
    name: (figure.unpack, slice(_PLACES[name], _PLACES[name] + len(figure.columns)) if figure.unpack else _PLACES[name])
    for name, figure in FIGURES.items()
}
_KIND, _COST = _PLACES["failure"], _PLACES["cost"]


class EvaluationTable:
    """What one recipe did on some items.

    Attributes:
        rows: one per item, in order.
        names: of the recipe's members, as its reader calls them.
        lasts: whether all of it is true for ever, and nothing owed to the moment.
    """

    def __init__(self, rows: Sequence[LedgerRow], names: Sequence[str], *, lasts: bool = True) -> None:
        self.rows, self.names = tuple(rows), tuple(names)
        self.lasts = lasts and all(row.lasts for row in self.rows)

    @cached_property
    def costs(self) -> CostTable:
        """The costs on all items."""
        try:
            table = CostTable.parse([row[_COST] for row in self.rows], self.names)
        except UNREADABLE as error:
            raise damaged("costs of a recipe", error) from error
        if not (table.numbers >= 0).all():  # nan is not
            raise damaged("costs of a recipe", "a number below 0")
        return table

    def evaluations(self) -> list[Evaluation]:
        """One per item."""
        return [row.evaluation(self.names) for row in self.rows]

    @cached_property
    def columns(self) -> Columns:
        """All figures that are kept as they are, and why items failed."""
        columns: dict[str, Sequence[Any]] = dict(zip(COLUMNS, zip(*self.rows, strict=True), strict=True))
        if any(columns["failure"]):
            columns["failure"] = [row.failure(self.names) for row in self.rows]
        return columns
