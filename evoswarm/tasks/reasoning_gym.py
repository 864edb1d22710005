"""Items made by a reasoning-gym family, in few symbols (`compact`) or in reasoning-gym's own words (`question`)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from itertools import count
from typing import Any, Literal

from evoswarm.errors import TaskError, Where
from evoswarm.tasks import compact_forms
from evoswarm.tasks.scorers import Exact, Scorer
from evoswarm.tasks.sourced_task import SourcedTask
from evoswarm.tasks.task import Item, item_key

Form = Literal["compact", "question"]

_SIZE = 1000  # families that make all their items at once make so many; most are endless whatever is asked for
_NONSENSE = "?"
_PROBED = 8  # entries on which a family's verifier has to refuse nonsense
_TAGGED = re.compile(r"<answer>\s?(.*?)\s?</answer>", re.DOTALL)


@dataclass(frozen=True)
class Verifier:
    """reasoning-gym's own verifier at full marks.

    It gives partial credit to any text that holds the answer: only a score of 1 counts. As reasoning-gym does, an
    answer between ``<answer>`` tags is taken for the answer; else the whole text is.

    Attributes:
        family: whose verifier it is.
        dataset: reasoning-gym's dataset.
        version: of reasoning-gym.
    """

    family: str
    dataset: Any = field(repr=False, compare=False)
    version: str

    @property
    def id(self) -> str:
        """The kind and its settings."""
        return f"verifier {self.family} reasoning_gym {self.version}"

    def extract(self, text: str) -> str:
        """The answer within a text, "" where there is none."""
        tagged = _TAGGED.findall(text)
        return str(tagged[-1] if tagged else text).strip()

    def check_gold(self, gold: str) -> None:
        """Some families have no gold: many answers are right, and only the verifier tells."""

    def score(self, item: Item, text: str) -> float:
        """1 where the answer is right, else 0."""
        return float(full_marks(self.dataset, self.extract(text), item.raw))


def full_marks(dataset: Any, answer: str, entry: Mapping[str, Any]) -> bool:
    """Whether a family's verifier gives an answer the score 1."""
    try:
        return float(dataset.score_answer(answer, entry)) >= 1.0
    except Exception:  # some verifiers parse the answer and raise whatever their parser raises: it is not the answer
        return False


@dataclass(frozen=True, eq=False, kw_only=True)
class ReasoningGymTask(SourcedTask):
    """A task whose items a reasoning-gym family makes (or ``pair``, evoswarm's own composite).

    An item's key covers the family and the question, not the seed or the index: equal questions are equal items,
    also across tasks of one family that differ in their settings.

    Attributes:
        family: reasoning-gym's name of it, or ``pair``.
        config: settings of the family.
        form: how it is asked.
        seed: of the source.
    """

    family: str
    config: Mapping[str, Any] = field(default_factory=dict)
    form: Form = "compact"
    seed: int = 0

    @classmethod
    def verified(
        cls,
        *,
        family: str,
        config: Mapping[str, Any] | None = None,
        form: Form = "compact",
        seed: int = 0,
        **settings: Any,
    ) -> ReasoningGymTask:
        """A task with the verifier as its scorer.

        In compact form the answer is the entry's own, reworded; it must be given exactly.

        Raises:
            TaskError: the family or a setting is unknown, or the family's verifier accepts nonsense.
        """
        config = config or {}
        scorer: Scorer = Exact()
        if form == "question":
            dataset = _dataset(family, config, seed)
            _require_honest(family, dataset)
            scorer = Verifier(family, dataset, version("reasoning-gym"))
        return cls(family=family, config=config, form=form, seed=seed, scorer=scorer, **settings)

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
        if self.family not in compact_forms.FAMILIES:
            raise unknown_family(self.family, compact_forms.FAMILIES, "a family with a compact form")
        for index in count():
            try:
                item = compact_forms.entry(self.family, self.config, self.seed, index)
            except ValueError as error:
                raise TaskError(_one_line(error), Where(self.name, "config")) from None
            yield item.prompt, item.answer, item.entry or {}

    def _worded(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        for index in count():
            try:
                entry = self._source[index]
            except IndexError:
                return  # a family of so many items
            yield entry["question"], entry["answer"] or "", entry

    @cached_property
    def _source(self) -> Any:
        return _dataset(self.family, self.config, self.seed)


def unknown_family(family: str, known: Mapping[str, Any], what: str) -> TaskError:
    """The error for a family that is not there."""
    near = difflib.get_close_matches(family, known, n=3, cutoff=0.5)
    listed = f"did you mean {' or '.join(near)}?" if near else f"such as {', '.join(sorted(known)[:8])}"
    return TaskError(f"expected {what} ({listed}), got {family!r}", Where(family, "family"))


def _dataset(family: str, config: Mapping[str, Any], seed: int) -> Any:
    import reasoning_gym
    from reasoning_gym.factory import DATASETS

    if family not in DATASETS:
        raise unknown_family(family, DATASETS, "a reasoning-gym family")
    for key in ("seed", "size"):
        if key in config:
            message = f"expected settings of {family} without {key!r} (the task has its own), got {config[key]!r}"
            raise TaskError(message, Where(family, "config"))
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in config.items()}
    try:
        return reasoning_gym.create_dataset(family, seed=seed, size=_SIZE, **plain)
    except (AssertionError, TypeError, ValueError) as error:  # its ways to refuse a setting
        raise TaskError(
            f"expected settings that reasoning-gym's {family} accepts, got {plain}: {_one_line(error)}",
            Where(family, "config"),
        ) from None


def _require_honest(family: str, dataset: Any) -> None:
    """A few families' verifiers look for one word only, and give full marks to nonsense."""
    for index in range(_PROBED):
        if full_marks(dataset, _NONSENSE, dataset[index]):
            raise TaskError(
                f"expected a family whose verifier refuses nonsense, got {family}, whose verifier gives {_NONSENSE!r} "
                f"full marks: choose another scorer, such as exact",
                Where(family, "scorer.kind"),
            )


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
