"""What a task is: a source of items with a scorer, and the three disjoint splits of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

SplitName = Literal["search", "selection", "test"]
SPLITS: tuple[SplitName, ...] = ("search", "selection", "test")


@dataclass(frozen=True)
class Item:
    """One example of a task.

    Attributes:
        key: SHA-256 (hex) of the task's source and the raw item; drives splits and sampling noise.
        task: the name of the task.
        prompt: the question as the task words it (few-shot examples included).
        gold: the right answer.
        raw: what the source gave, for scorers that need more than the gold.
    """

    key: str
    task: str
    prompt: str
    gold: str
    raw: Mapping[str, Any] = field(default_factory=dict, hash=False, compare=False, repr=False)


class Task(Protocol):
    """A source of items with a scorer.

    Attributes:
        name: unique within a space.
        weight: the task's share in a score that averages tasks, > 0.
        max_bytes: an answer's limit in bytes of UTF-8.
        stop: stop strings; an answer is cut before the first of them.
        scorer_id: names the scorer and its settings; part of an evaluation's key in the ledger.
    """

    name: str
    weight: float
    max_bytes: int
    stop: tuple[str, ...]
    scorer_id: str

    def items(self) -> Iterator[Item]:
        """All items in the source's order; endless for procedural sources. Keys may repeat.

        Raises:
            TaskError: the source cannot be read or an item does not fit the templates.
        """
        ...

    def extract(self, text: str) -> str:
        """The answer within a decoded text, as votes count it; never looks at a gold."""
        ...

    def score(self, item: Item, text: str) -> float:
        """Score of a decoded text, in [0, 1]."""
        ...


def item_key(source: Mapping[str, Any], raw: Any) -> str:
    """SHA-256 (hex) of a task's source and its raw item, both as canonical JSON."""
    text = json.dumps([source, raw], sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
