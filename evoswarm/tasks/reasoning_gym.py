"""Items made by a reasoning-gym family, in few symbols (`compact`) or in reasoning-gym's own words (`question`)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from typing import Any, ClassVar, Literal

from pydantic import Field

from evoswarm.errors import TaskError, Where, show
from evoswarm.settings import Contradiction, Seed, nearest
from evoswarm.tasks import compact_forms
from evoswarm.tasks.compact_forms import FAMILIES
from evoswarm.tasks.families import Form, make_family, one_line, unknown_family
from evoswarm.tasks.family_trial import require_tractable
from evoswarm.tasks.scorers import Exact
from evoswarm.tasks.scorers.settings import VERIFIER, ScorerSettings
from evoswarm.tasks.settings import TaskSettings
from evoswarm.tasks.sourced_task import SourcedTask
from evoswarm.tasks.task import Item, item_key
from evoswarm.tasks.verifier import make_verifier
from evoswarm.trust import NOBODY, Trust

_RAISED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What a family's own code raises on settings that it does not check, at any of its questions."""


class ReasoningGymSettings(TaskSettings):
    """Items made by a reasoning-gym family (or ``pair``, evoswarm's own composite).

    Attributes:
        family: its name.
        config: settings of the family; those left out keep the defaults of the form.
        form: ``compact`` asks in few symbols, ``question`` in reasoning-gym's words.
        seed: of the source.
        scorer: ``verifier`` is the family's own, at full marks.
        evaluates_answers: permits verifiers that run answers as Python; each runs in a confined process.
    """

    source: Literal["reasoning_gym"]
    family: str = Field(min_length=1)
    config: dict[str, Any] = Field(default_factory=dict)
    form: Form = "compact"
    seed: Seed = 0
    scorer: ScorerSettings = ScorerSettings(kind="verifier")
    evaluates_answers: bool = False

    origin: ClassVar[str] = "family"
    endless: ClassVar[bool] = True
    verifiable: ClassVar[bool] = True

    @property
    def described_origin(self) -> str:
        """The family, as messages name it."""
        return f"the family {self.family}"

    def _own_contradictions(self) -> Iterator[Contradiction]:
        yield from super()._own_contradictions()
        if self.form == "compact" and self.family not in FAMILIES:
            yield Contradiction(
                ("family",),
                f"expected a family with a compact form ({nearest(self.family, FAMILIES)}; any other family of "
                f"reasoning-gym takes form: question), got {show(self.family)}",
            )
        elif self.form == "question" and self.family == "pair":
            yield Contradiction(("form",), "expected compact (pair has no other form), got 'question'")

    def task(self, trust: Trust = NOBODY) -> ReasoningGymTask:
        """See `TaskSettings.task`; settings of the family are tried in a confined process first."""
        require_tractable(self.family, self.config, self.form, self.seed)
        fields = self.fields_of(ReasoningGymTask)
        if self.scorer.kind == VERIFIER:
            return ReasoningGymTask.verified(evaluates_answers=self.evaluates_answers, **fields)
        return ReasoningGymTask(scorer=self.scorer.scorer(trust), **fields)


@dataclass(frozen=True, eq=False, kw_only=True)
class ReasoningGymTask(SourcedTask):
    """A task whose items a reasoning-gym family makes; its fields are keys of `ReasoningGymSettings`.

    An item's key covers the family and the question, not the seed or the index: equal questions are equal items,
    also across tasks of one family that differ in their settings.
    """

    family: str
    config: Mapping[str, Any] = field(default_factory=dict)
    form: Form = "compact"
    seed: int = 0

    @classmethod
    def verified(cls, *, evaluates_answers: bool = False, **settings: Any) -> ReasoningGymTask:
        """A task with the family's verifier as its scorer.

        In compact form the answer is the entry's own, reworded; it must be given exactly.

        Args:
            evaluates_answers: see `make_verifier`.
            **settings: of the task but its scorer.

        Raises:
            TaskError: see `make_verifier`.
        """
        task = cls(scorer=Exact(), **settings)
        if task.form == "compact":
            return task
        return dataclasses.replace(task, scorer=make_verifier(task.family, task.config, task.seed, evaluates_answers))

    def questions(self) -> Iterator[Item]:
        """The items by index; endless for nearly all families.

        Raises:
            TaskError: the family or a setting is unknown, or an answer does not fit the scorer.
        """
        source = {"source": "reasoning_gym", "family": self.family}
        for prompt, gold, raw in self._compact() if self.form == "compact" else self._worded():
            try:
                self.scorer.check_gold(gold)
            except ValueError as error:
                raise TaskError(str(error), Where(self.name, "scorer.kind")) from None
            yield Item(item_key(source, prompt), self.name, prompt, gold, raw)

    def _compact(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        if self.family not in FAMILIES:
            raise unknown_family(self.family, FAMILIES, "a family with a compact form")
        for index in count():
            try:
                item = compact_forms.entry(self.family, self.config, self.seed, index)
            except ValueError as error:
                raise TaskError(one_line(error), Where(self.name, "config")) from None
            except _RAISED as error:
                raise self._unmade(error) from error
            yield item.prompt, item.answer, item.entry or {}

    def _worded(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        for index in count():
            try:
                entry = self._source[index]
            except IndexError:
                return  # a family of so many items
            except _RAISED as error:
                raise self._unmade(error) from error
            yield entry["question"], entry["answer"] or "", entry

    def _unmade(self, error: Exception) -> TaskError:
        expected = f"expected settings with which {self.family} makes questions, got {dict(self.config)!r:.200}"
        return TaskError(f"{expected}: {type(error).__name__}: {one_line(error)}", Where(self.name, "config"))

    @cached_property
    def _source(self) -> Any:
        return make_family(self.family, self.config, self.seed)
