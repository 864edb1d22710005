"""What a recipe comes to on a list of items, kept beside its evaluations: a replay need not add them up again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from pydantic_core import from_json

from evoswarm.canonical import digest_of
from evoswarm.evaluation.cost import Cost
from evoswarm.evaluation.evaluation import Summary, summary_of
from evoswarm.evaluation.failures import FailedItems
from evoswarm.evaluation.ledger import LEDGER_VERSION
from evoswarm.evaluation.row import UNREADABLE, EvaluationTable, damaged
from evoswarm.failure import Failure
from evoswarm.tasks.task import Item, Task

_VERSION = LEDGER_VERSION  # sums that were kept before say nothing of each member's steps: they are not read


@dataclass(frozen=True)
class CachedSummary:
    """A summary, and what the distinct items would cost deployed alone.

    Attributes:
        summary: over all items.
        tokens: read by all members, each item once.
        flops: likewise, floating-point operations.
    """

    summary: Summary
    tokens: float
    flops: float

    @classmethod
    def of(
        cls, table: EvaluationTable, digests: Sequence[str], items: Sequence[Item], tasks: Mapping[str, Task]
    ) -> Self:
        """Add up a table.

        Args:
            table: one row per item.
            digests: of the items; equal ones are one item.
            items: in the same order.
            tasks: by name.
        """
        places = list({digest: place for place, digest in enumerate(digests)}.values())
        totals = [table.costs.total(number, places) for number in ("tokens", "flops")]
        return cls(summary_of(items, table.columns, table.costs, tasks), *totals)

    def to_json(self) -> str:
        """As JSON text without the members' names: they are the recipe's affair."""
        known, names = self.summary, self.summary.cost.names
        packed = {
            "by_task": dict(known.by_task),
            "cost": known.cost.to_json(),
            "spoken": [known.spoken[name] for name in names] if known.spoken else [],
            "failure": None if known.failure is None else _placed(known.failure, names),
            "failed": [_placed(one, names) for one in known.failed],
        }
        return json.dumps({**vars(self), "summary": {**vars(known), **packed}}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, names: Sequence[str]) -> Self:
        """Read ``to_json`` back, with the names that the reader's recipe gives its members.

        Raises:
            RunError: it is damaged.
        """
        try:
            data = from_json(text)
            known = data["summary"]
            known["cost"] = Cost.from_json(known["cost"], names)
            known["spoken"] = dict(zip(names, known["spoken"], strict=True)) if known["spoken"] else {}
            known["failure"] = None if known["failure"] is None else Failure(**_named(known["failure"], names))
            known["failed"] = tuple([FailedItems(**_named(one, names)) for one in known["failed"]])
            known["scores"] = tuple(known["scores"])
            cached = cls(**{**data, "summary": Summary(**known)})
            scores, accuracy = cached.summary.scores, cached.summary.accuracy
            sound = all(0.0 <= score <= 1.0 for score in (*scores, *([] if accuracy is None else [accuracy])))
            if not (sound and len(scores) == cached.summary.items and cached.tokens >= 0 and cached.flops >= 0):
                raise ValueError("numbers that no sum of evaluations has")
        except UNREADABLE as error:
            raise damaged("sum of a recipe's evaluations", error) from error
        return cached


def summary_digest(recipe: str, context: str, items: str) -> str:
    """What the sums of a recipe are kept under, by three digests; see `items_digest`."""
    return digest_of(["tally", _VERSION, recipe, context, items])


def items_digest(digests: Sequence[str], items: Sequence[Item], tasks: Mapping[str, Task]) -> str:
    """What decides how scores of items are added up: their order, their tasks' names, and what each task weighs."""
    return digest_of([list(digests), [[item.task, tasks[item.task].weight] for item in items]])


def _placed(failure: Failure | FailedItems, names: Sequence[str]) -> dict[str, Any]:
    """As JSON data with the place of the member to blame instead of its name; None where there is none."""
    return {**vars(failure), "member": names.index(failure.member) if failure.member in names else None}


def _named(data: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """What ``_placed`` made, with the name again."""
    return {**data, "member": "" if data["member"] is None else names[data["member"]]}
