"""What the tasks of all sources share: few-shot examples, and handing text to a scorer."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from evoswarm.errors import TaskError, Where
from evoswarm.tasks.scorers import Scorer
from evoswarm.tasks.task import Item
from evoswarm.tasks.template import LONGEST


@dataclass(frozen=True, eq=False, kw_only=True)
class SourcedTask(ABC):
    """A task whose items come from a source; see `Task`.

    Attributes:
        name: unique within a space.
        scorer: finds and judges answers.
        weight: the task's share in a score that averages tasks.
        max_bytes: an answer's limit in bytes of UTF-8.
        stop: stop strings.
        shots: worked examples before every question: the first items of the source, which are no items then.
        between: stands between an example's question and its answer.
        separator: stands behind every example.
    """

    name: str
    scorer: Scorer
    weight: float = 1.0
    max_bytes: int = 32
    stop: tuple[str, ...] = ()
    shots: int = 0
    between: str = ""
    separator: str = "\n\n"

    @property
    def scorer_id(self) -> str:
        """Names the scorer and its settings."""
        return self.scorer.id

    @abstractmethod
    def questions(self) -> Iterator[Item]:
        """All items of the source without examples, in an order that never changes."""

    def items(self) -> Iterator[Item]:
        """All items that are no examples, each with the examples before its question."""
        shown = {example.key for example in self.examples}
        preamble = "".join(f"{item.prompt}{self.between}{self.worked(item)}{self.separator}" for item in self.examples)
        if len(preamble) > LONGEST:  # it is written before every question
            message = f"expected examples of at most {LONGEST:,} characters together, got {len(preamble):,}"
            raise TaskError(message, self._examples)
        for item in self.questions():
            if item.key not in shown:
                yield dataclasses.replace(item, prompt=preamble + item.prompt) if preamble else item

    @cached_property
    def examples(self) -> tuple[Item, ...]:
        """The few-shot examples."""
        found: dict[str, Item] = {}
        if self.shots:
            for item in self.questions():
                if not item.gold:
                    raise TaskError("expected items with an answer (for examples), got one without", self._examples)
                found.setdefault(item.key, item)
                if len(found) == self.shots:
                    return tuple(found.values())
            raise TaskError(f"expected at least {self.shots} items (for examples), got {len(found)}", self._examples)
        return ()

    def worked(self, example: Item) -> str:
        """The answer of an example as it is shown.

        Raises:
            TaskError: it cannot be written.
        """
        return example.gold

    @property
    def _examples(self) -> Where:
        return Where(self.name, "few_shot.count")

    def extract(self, text: str) -> str:
        """The answer within a decoded text, as votes count it."""
        return self.scorer.extract(text)

    def score(self, item: Item, text: str) -> float:
        """Score of a whole decoded text, in [0, 1]."""
        return self.scorer.score(item, text)
