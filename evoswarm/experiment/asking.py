"""How a policy's questions are asked: as its file says that the tasks asked which it was scored on."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from evoswarm.errors import RecipeError, RunError, Where
from evoswarm.policies import Policy, PolicyDocument, Route
from evoswarm.policies.about import TaskAsked
from evoswarm.policies.route import every_mix
from evoswarm.tasks.scorers.settings import VERIFIER, ScorerSettings
from evoswarm.tasks.task import Item
from evoswarm.tasks.template import Placeholder, Template

LONGEST_ANSWER = 256
"""Bytes of an answer where a policy's file does not say how its tasks asked."""

NO_TASK = ""
"""The task of a question that nobody names one for: a route looks at its prompt."""

_SAME = frozenset({"max_bytes", "task"})  # what tasks may differ in without anybody noticing
_IN_WORDS = {"stop": "stop strings", "template": "prompt"}


@dataclass(frozen=True)
class Asking:
    """How questions are asked, and where their answers end.

    Attributes:
        max_bytes: an answer's limit.
        stop: strings that end an answer.
        task: whose questions they are; a router may choose by it.
        template: of the question, of tasks whose items are rows of a table.
        examples: stand before every question.
        scorer: settings of the one that finds the answer within a text, where answers are elected; a function of the
            user's own does not run here, and whole texts count.
    """

    max_bytes: int = LONGEST_ANSWER
    stop: tuple[str, ...] = ()
    task: str = "questions"
    template: str | None = None
    examples: str = ""
    scorer: ScorerSettings | None = None

    @classmethod
    def of(
        cls,
        document: PolicyDocument,
        task: str | None = None,
        *,
        max_bytes: int | None = None,
        stop: Sequence[str] | None = None,
        file: str = "<recipe>",
        named: str = "task",
    ) -> Asking:
        """How to ask so that answers are those that were scored.

        Where the policy's tasks differ in nothing but their limits of bytes, no task need be named: the largest holds,
        and an answer that ends by itself is the same under each.

        A recipe of several samples draws noise by the item: by the question's text here, by the key of its item when it
        was scored. Asked the same question, it may draw other samples than those, and answer otherwise; asked twice
        here, it answers alike.

        Args:
            document: the policy, and what its file says about it.
            task: whose questions they are; None where that makes no difference.
            max_bytes: in place of the task's.
            stop: in place of the task's.
            file: the policy's, for errors.
            named: where a task is named, for errors.

        Raises:
            RunError: a task is named that the file does not know, or none, and it makes a difference.
            RecipeError: the file says what cannot be meant.
        """
        given = {"max_bytes": max_bytes, "stop": None if stop is None else tuple(stop)}
        said: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        tasks = {} if document.about is None else document.about.tasks
        if task is not None and task not in tasks:
            known = f"one of {', '.join(tasks)}" if tasks else f"no task ({file} does not say how its tasks asked)"
            raise RunError(f"expected {known}, got {task!r}", Where(named))
        if not tasks:
            return cls(**said)
        wanted = tasks if task is None else {task: tasks[task]}
        found = [replace(_asking(document.policy, name, one, file), **said) for name, one in wanted.items()]
        by_task = isinstance(document.policy, Route) and document.policy.by == "task"
        same = {"max_bytes"} if by_task and not document.policy.reads_prompts else _SAME
        for name in (field.name for field in fields(cls) if field.name not in same):
            if any(getattr(one, name) != getattr(found[0], name) for one in found):
                what = "who answers" if name == "task" else f"their {_IN_WORDS.get(name, name)}"
                raise RunError(f"expected one of {', '.join(tasks)} (they differ in {what}), got none", Where(named))
        name = NO_TASK if by_task and len(found) > 1 else found[0].task
        return replace(found[0], max_bytes=max(one.max_bytes for one in found), task=name)

    def extract(self, text: str) -> str:
        """The answer within a text, as votes count it."""
        return self._extract(text)

    def worded(self, question: str | Mapping[str, Any]) -> str:
        """A question as its task words it, the examples before it.

        A text is put into a template of one column; where there are several, it is taken as worded already.

        Args:
            question: a text, or a row with all columns of the template.

        Raises:
            RunError: the template cannot be filled in.
        """
        template = self._template
        if isinstance(question, str):
            if template is None or not _of_one_column(template):
                return self.examples + question
            question = dict.fromkeys(template.columns, question)
        if template is None:
            raise RunError("expected a question as a text (its task has no template), got a row")
        try:
            return self.examples + template.render(question)
        except ValueError as error:
            raise RunError(str(error)) from None

    def reads(self, columns: Collection[str]) -> bool:
        """Whether the template can be filled in from rows of these columns."""
        try:
            return self._template is not None and bool(self._template.top_columns(columns))
        except ValueError:
            return False

    def unworded(self, item: Item) -> str:
        """The question of an item of the task, as a text that `worded` takes."""
        if self._template is None or not _of_one_column(self._template):
            return item.prompt.removeprefix(self.examples)
        return Placeholder(self._template.columns[0]).write(item.raw)

    @cached_property
    def _template(self) -> Template | None:
        return None if self.template is None else Template.parse(self.template)

    @cached_property
    def _extract(self) -> Callable[[str], str]:
        if self.scorer is None or ":" in self.scorer.kind:
            return str.strip
        if self.scorer.kind == VERIFIER:
            from evoswarm.tasks.verifier import tagged_answer

            return tagged_answer
        return self.scorer.scorer().extract


def example(document: PolicyDocument, item: Item) -> tuple[str, str | None]:
    """How to ask a policy an item's question: the question, and the task, where that has to be named."""
    question = Asking.of(document, item.task).unworded(item)
    try:
        Asking.of(document)
    except RunError:
        return question, item.task
    return question, None


def _asking(policy: Policy, name: str, said: TaskAsked, file: str) -> Asking:
    place = f"about.tasks.{name}"
    return Asking(
        max_bytes=said.max_bytes,
        stop=said.stop,
        task=name,
        template=_sound(said.prompt, Where(file, f"{place}.prompt")),
        examples=said.examples,
        scorer=_scorer(said.scorer, Where(file, f"{place}.scorer")) if _elects(policy) else None,
    )


def _elects(policy: Policy) -> bool:
    """Whether an answer may be elected among several."""
    parts: Sequence[Policy] = policy.policies if isinstance(policy, Route) else [policy]
    return any(one.kind == "vote" for one in parts) or any(recipe.samples > 1 for recipe in every_mix(policy))


def _of_one_column(template: Template) -> bool:
    """Whether a question alone can fill it in."""
    places = [part for part in template.parts if isinstance(part, Placeholder)]
    return len({part.name for part in places}) == 1 and all(part.filter is None for part in places)


def _sound(prompt: str | None, where: Where) -> str | None:
    """The text of a template.

    Raises:
        RecipeError: it is none.
    """
    try:
        if prompt is not None and not Template.parse(prompt).columns:
            raise ValueError(f"expected a {{column}} in the template, got none in {prompt[:60]!r}")
    except ValueError as error:
        raise RecipeError(str(error), where) from None
    return prompt


def _scorer(said: dict[str, Any], where: Where) -> ScorerSettings:
    """The settings of a scorer.

    Raises:
        RecipeError: they are none.
    """
    try:
        settings = ScorerSettings.model_validate_json(json.dumps(said), strict=True)
    except ValidationError as error:
        raise RecipeError(
            f"expected settings of a scorer, got {said!r:.200}: {error.errors()[0]['msg']}", where
        ) from None
    for wrong in settings.contradictions(()):
        raise RecipeError(str(wrong), Where(where.file, f"{where.path}.{'.'.join(map(str, wrong.path))}"))
    return settings
