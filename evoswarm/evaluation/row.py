"""An evaluation as the ledger keeps it: read by the ten thousands, and taken apart only as far as somebody asks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from pydantic_core import from_json  # several times as fast as Python's own, and a replay reads much

from evoswarm.errors import RunError, Where
from evoswarm.evaluation.cost import Cost, CostTable
from evoswarm.evaluation.evaluation import Ending, Evaluation, Outcomes
from evoswarm.evaluation.failures import OWED
from evoswarm.failure import Failure, FailureKind

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


class Row(NamedTuple):
    """The columns of the ledger behind the key; see ``Evaluation``.

    Attributes:
        answers: JSON.
        cost: JSON, as ``Cost.to_json`` gives it.
        kind: of the failure.
        message: of the failure.
        member: place in the recipe of the member to blame for it: names are the recipe's affair.
        ending: of the answer that was scored; None where it is not known.
    """

    score: float | None
    answer: str
    answers: str
    cost: str
    margin: float
    steps: int
    open_steps: int
    lead_tokens: int
    lead_tokens_touched: int
    left_out: float
    entropy: float
    kind: FailureKind | None
    message: str | None
    member: int | None
    ending: Ending | None

    @classmethod
    def of(cls, evaluation: Evaluation) -> Row:
        """What is kept of an evaluation: all but the members' names."""
        failure, names = evaluation.failure, evaluation.cost.names
        return cls(
            score=evaluation.score,
            answer=evaluation.answer,
            answers=json.dumps(evaluation.answers, ensure_ascii=False),
            cost=json.dumps(evaluation.cost.to_json()),
            margin=evaluation.margin,
            steps=evaluation.steps,
            open_steps=evaluation.open_steps,
            lead_tokens=evaluation.lead_tokens,
            lead_tokens_touched=evaluation.lead_tokens_touched,
            left_out=evaluation.left_out,
            entropy=evaluation.entropy,
            kind=failure.kind if failure else None,
            message=failure.message if failure else None,
            member=names.index(failure.member) if failure and failure.member in names else None,
            ending=evaluation.ending,
        )

    @property
    def lasts(self) -> bool:
        """Whether it is true for ever, and not owed to the moment."""
        return self.kind is None or self.kind not in OWED

    def failure(self, names: Sequence[str]) -> Failure | None:
        """Why there is no score, with the names that the reader's recipe gives its members."""
        if self.kind is None:
            return None
        return Failure(self.kind, self.message or "", "" if self.member is None else names[self.member])

    def evaluation(self, names: Sequence[str]) -> Evaluation:
        """The evaluation, with the names that the reader's recipe gives its members."""
        try:
            cost = from_json(self.cost)
            price = Cost.from_json(cost, names) if cost else Cost()
            answers = tuple(from_json(self.answers))
        except UNREADABLE as error:
            raise damaged("cost and answers of an evaluation", error) from error
        return Evaluation(
            score=self.score,
            answer=self.answer,
            answers=answers,
            cost=price,
            margin=self.margin,
            steps=self.steps,
            open_steps=self.open_steps,
            lead_tokens=self.lead_tokens,
            lead_tokens_touched=self.lead_tokens_touched,
            left_out=self.left_out,
            entropy=self.entropy,
            failure=self.failure(names),
            ending=self.ending,
        )


class Sheet:
    """What one recipe did on some items.

    Attributes:
        rows: one per item, in order.
        names: of the recipe's members, as its reader calls them.
    """

    def __init__(self, rows: Sequence[Row], names: Sequence[str]) -> None:
        self.rows, self.names = tuple(rows), tuple(names)

    @cached_property
    def costs(self) -> CostTable:
        """The costs on all items."""
        try:
            table = CostTable.parse([row.cost for row in self.rows], self.names)
        except UNREADABLE as error:
            raise damaged("costs of a recipe", error) from error
        if not (table.numbers >= 0).all():  # nan is not
            raise damaged("costs of a recipe", "a number below 0")
        return table

    def evaluations(self) -> list[Evaluation]:
        """One per item."""
        return [row.evaluation(self.names) for row in self.rows]

    def outcomes(self) -> Outcomes:
        """What a summary needs of them, in columns."""
        columns = dict(zip(Row._fields, zip(*self.rows, strict=True), strict=True))
        return Outcomes(
            scores=columns["score"],
            margins=columns["margin"],
            steps=columns["steps"],
            open_steps=columns["open_steps"],
            lead_tokens=columns["lead_tokens"],
            lead_tokens_touched=columns["lead_tokens_touched"],
            failures=[row.failure(self.names) for row in self.rows] if any(columns["kind"]) else columns["kind"],
            endings=columns["ending"],
            costs=self.costs,
        )
