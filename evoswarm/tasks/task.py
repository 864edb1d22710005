"""What a task is: a source of items with a scorer. `splits.py` divides the items."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from evoswarm.canonical import canonical_json, sha256

if TYPE_CHECKING:
    from evoswarm.chat import Turn  # a floor above: items only carry them

SplitName = Literal["search", "selection", "test"]
SPLITS: tuple[SplitName, ...] = ("search", "selection", "test")


@dataclass(frozen=True)
class Item:
    """One example of a task.

    Attributes:
        key: SHA-256 (hex) of the task's source and the raw item; drives splits and sampling noise.
        task: the name of the task.
        prompt: the question as the task words it (few-shot examples included).
        gold: the right answer; empty where only a verifier knows.
        raw: what the source gave, for scorers that need more than the gold.
        asked: what the question is made of, in the source's own words, before any template or example; None where the
            prompt is all there is. `evoswarm.tasks.question` knows a question again by it.
        before: turns of a conversation before the prompt, which then is its last user turn.
    """

    key: str
    task: str
    prompt: str
    gold: str
    raw: Mapping[str, Any] = field(default_factory=dict, hash=False, compare=False, repr=False)
    asked: Mapping[str, Any] | None = field(default=None, hash=False, compare=False, repr=False)
    before: tuple[Turn, ...] = ()


class Task(Protocol):
    """A source of items with a scorer."""

    @property
    def name(self) -> str:
        """Unique within a space."""
        ...

    @property
    def weight(self) -> float:
        """The task's share in a score that averages tasks, > 0."""
        ...

    @property
    def max_bytes(self) -> int:
        """An answer's limit in bytes of UTF-8."""
        ...

    @property
    def stop(self) -> tuple[str, ...]:
        """Stop strings; an answer is cut before the first of them."""
        ...

    @property
    def scorer_id(self) -> str:
        """Names the scorer and its settings; part of an evaluation's key in the ledger."""
        ...

    def items(self) -> Iterator[Item]:
        """All items in an order that never changes; endless for procedural sources. Keys may repeat.

        Raises:
            TaskError: the source cannot be read, or an item does not fit the templates or the scorer.
        """
        ...

    def extract(self, text: str) -> str:
        """The answer within a decoded text, as votes count it ("" is none); never looks at a gold."""
        ...

    def score(self, item: Item, text: str) -> float:
        """Score of a whole decoded text (not of what `extract` made of it), in [0, 1].

        Raises:
            TaskError: the user's own scorer failed.
        """
        ...


def item_key(source: Mapping[str, Any], raw: Any) -> str:
    """SHA-256 (hex) of a task's source and its raw item, both as canonical JSON."""
    return sha256(canonical_json([source, raw], default=str).encode("utf-8", "surrogatepass"))


def weights_of(tasks: Mapping[str, Task]) -> dict[str, float]:
    """The weights of tasks, by name."""
    return {name: task.weight for name, task in tasks.items()}


def item_shares(tasks: Sequence[str], weights: Mapping[str, float]) -> list[float]:
    """What each item adds to a weighted mean over tasks; sums to 1. Every task's items share its weight equally.

    Args:
        tasks: ``[items]`` whose each item is.
        weights: by task, > 0, on any scale.
    """
    counts = Counter(tasks)
    total = math.fsum(weights[name] for name in counts)
    return [weights[name] / total / counts[name] for name in tasks]
