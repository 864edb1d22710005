"""Accuracy by a column of the user's own file: which subjects, levels or sources are hard, and for whom."""

from __future__ import annotations

import bisect
import json
import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evoswarm.errors import RunError, Where
from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.experiment.per_question.rows import AnswerRow, PerQuestion
from evoswarm.tasks.task import Item
from evoswarm.tasks.template import value_at

TASK = "task"
"""A column that every item has, unless its own file has one of that name."""

EVERYTHING = "all"
EMPTY = "(empty)"
MOST_NUMBERS = 12  # of one column that are groups of their own; more are grouped in quarters
MOST_TEXTS = 40

_SHOWN = 60  # columns that an error lists


@dataclass
class Mean:
    """A mean that is taken as scores come; failures count 0."""

    items: int = 0
    total: float = 0.0

    def add(self, evaluation: Evaluation | None) -> None:
        """Count an evaluation, unless it is not known."""
        if evaluation is not None:
            self.items += 1
            self.total += evaluation.score or 0.0

    @property
    def value(self) -> float | None:
        """None where nothing is known."""
        return self.total / self.items if self.items else None


@dataclass
class Group:
    """The items of one value.

    Attributes:
        value: as it is shown.
        items: how many.
        champion: mean score of the policy.
        members: mean score of each member alone, by name.
    """

    value: str
    items: int = 0
    champion: Mean = field(default_factory=Mean)
    members: dict[str, Mean] = field(default_factory=dict)

    def add(self, row: AnswerRow) -> None:
        """Count a row."""
        self.items += 1
        self.champion.add(row.champion)
        for name, evaluation in row.members.items():
            self.members.setdefault(name, Mean()).add(evaluation)


def by_column(answers: PerQuestion, column: str) -> list[Group]:
    """Group the answers on a split by a column, and all of them together.

    Args:
        answers: that nobody has gone through yet.
        column: of the rows that the items were made of, or a dotted way into one (``choices.label.0``); ``task``.

    Returns:
        The groups in the order of their values, then `EVERYTHING`.

    Raises:
        RunError: no item has such a column; names those that there are.
    """
    values = [_value(item, column) for item in answers.items]
    if all(value is _NOTHING for value in values):
        raise RunError(
            f"expected a column of the items ({', '.join(columns_of(answers.items))}), got {column!r}", Where("--by")
        )
    name_of, order = _grouping(values)
    groups: dict[str, Group] = {}
    everything = Group(EVERYTHING)
    for row, value in zip(answers.rows, values, strict=True):
        name = name_of(value)
        groups.setdefault(name, Group(name)).add(row)
        everything.add(row)
    return [*(groups[name] for name in order if name in groups), everything]


def columns_of(items: Iterable[Item]) -> list[str]:
    """The columns that items can be grouped by, some of many; of what is nested, the ways into it."""
    found = {TASK: None}
    for item in items:
        for name, value in item.raw.items():
            nested = isinstance(value, Mapping)
            found |= dict.fromkeys([f"{name}.{key}" for key in value] if nested else [name])
        if len(found) > _SHOWN:
            break
    return list(found)[:_SHOWN]


_NOTHING = object()


def _value(item: Item, column: str) -> Any:
    """What an item has in a column; `_NOTHING` where it has none."""
    try:
        return value_at(column, item.raw)
    except ValueError:
        return item.task if column == TASK else _NOTHING


def _grouping(values: Sequence[Any]) -> tuple[Callable[[Any], str], list[str]]:
    """What names the group of a value, and all names in order."""
    counts = Counter(map(_text, values))
    numbers = {text: number for text in counts if (number := _number(text)) is not None}
    rest = [text for text in counts if text not in numbers]
    if numbers and set(rest) <= {EMPTY}:
        if len(numbers) <= MOST_NUMBERS:
            return _text, [*sorted(numbers, key=lambda text: numbers[text]), *rest]
        return _in_quarters([number for text, number in numbers.items() for _ in range(counts[text])], rest)
    texts = [text for text, _ in counts.most_common()]
    if len(texts) <= MOST_TEXTS:
        return _text, sorted(texts)
    own = sorted(texts[: MOST_TEXTS - 1])
    other = f"({len(texts) - len(own):,} other values)"
    return lambda value: text if (text := _text(value)) in own else other, [*own, other]


def _in_quarters(numbers: Sequence[float], rest: Sequence[str]) -> tuple[Callable[[Any], str], list[str]]:
    """Groups of about a quarter of the numbers each; equal numbers stay together."""
    cuts = statistics.quantiles(numbers, n=4, method="inclusive")
    quarters: dict[int, list[float]] = {}
    for number in numbers:
        quarters.setdefault(bisect.bisect_left(cuts, number), []).append(number)
    names = {
        quarter: f"{min(some):g} to {max(some):g} (quarter {quarter + 1})" for quarter, some in sorted(quarters.items())
    }

    def name_of(value: Any) -> str:
        number = _number(text := _text(value))
        return text if number is None else names[bisect.bisect_left(cuts, number)]

    return name_of, [*names.values(), *rest]


def _text(value: Any) -> str:
    """A value as it is shown."""
    if value is _NOTHING or value is None or value == "":
        return EMPTY
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in text else None
