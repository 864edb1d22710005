"""What the tasks of all sources share: few-shot examples, and handing text to a scorer."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from evoswarm.errors import TaskError, Where
from evoswarm.tasks.scorers import Scorer
from evoswarm.tasks.settings import FewShot
from evoswarm.tasks.task import Item
from evoswarm.tasks.template import LONGEST


@dataclass(frozen=True, eq=False, kw_only=True)
class SourcedTask(ABC):
    """A task whose items come from a source; its fields are keys of `TaskSettings`.

    The first items of the source are the few-shot examples, and no items then.
    """

    name: str
    scorer: Scorer
    weight: float = 1.0
    max_bytes: int = 32
    stop: tuple[str, ...] = ()
    few_shot: FewShot = field(default_factory=FewShot)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is valid and yet looks like a mistake: the setting and a sentence each.

        Raises:
            TaskError: the source cannot be read.
        """
        return ()

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
        preamble = self.preamble
        for item in self.questions():
            if item.key not in shown:
                yield _behind(preamble, item) if preamble else item

    @cached_property
    def preamble(self) -> str:
        """What stands before every question: the examples with their answers.

        Raises:
            TaskError: there are too few, or they are too long.
        """
        few = self.few_shot
        examples = (f"{item.prompt}{few.between}{self.worked(item)}{few.separator}" for item in self.examples)
        preamble = "".join(examples)
        if len(preamble) > LONGEST:
            message = f"expected examples of at most {LONGEST:,} characters together, got {len(preamble):,}"
            raise TaskError(message, self._examples)
        return preamble

    @cached_property
    def examples(self) -> tuple[Item, ...]:
        """The few-shot examples."""
        found: dict[str, Item] = {}
        if self.few_shot.count:
            for item in self.questions():
                if not item.gold:
                    raise TaskError("expected items with an answer (for examples), got one without", self._examples)
                found.setdefault(item.key, item)
                if len(found) == self.few_shot.count:
                    return tuple(found.values())
            message = f"expected at least {self.few_shot.count} items (for examples), got {len(found)}"
            raise TaskError(message, self._examples)
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


def _behind(preamble: str, item: Item) -> Item:
    """The item with text before its question; what it asks stays what it was."""
    asked = {"prompt": item.prompt} if item.asked is None else item.asked
    return dataclasses.replace(item, prompt=preamble + item.prompt, asked=asked)
