"""Items made by a reasoning-gym family, in few symbols (`compact`) or in reasoning-gym's own words (`question`)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from importlib.metadata import version
from itertools import count
from typing import Any, Literal

from evoswarm.confined import CallFailed, ConfinedFunction, Limits, StartFailed
from evoswarm.errors import TaskError, Where
from evoswarm.tasks import compact_forms
from evoswarm.tasks.scorers import Exact, Scorer
from evoswarm.tasks.sourced_task import SourcedTask
from evoswarm.tasks.task import Item, item_key

Form = Literal["compact", "question"]

_RAISED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What a family's own code raises on settings that it does not check, at any of its questions."""

_SIZE = 1000  # families that make all their items at once make so many; most are endless whatever is asked for
_NONSENSE = "?"
_PROBED = 8  # entries on which a family's verifier has to refuse nonsense
EVALUATING = frozenset(
    {
        *("binary_matrix", "n_queens", "spiral_matrix", "string_insertion"),  # eval
        *("countdown", "puzzle24"),  # sympy's parse_expr, which evaluates Python
        *("intermediate_integration", "polynomial_multiplication", "simple_integration"),  # likewise
        "composite",  # hands answers to any of them
    }
)
"""Families whose verifiers run the answer as Python: ``exit()`` ends the process, ``9**9**9`` never returns."""

_EVALUATED = Limits(cpu_seconds=3.0, fresh=True)
_TAGGED = re.compile(r"<answer>\s?(.*?)\s?</answer>", re.DOTALL)


@dataclass(frozen=True)
class Verifier:
    """reasoning-gym's own verifier at full marks.

    It gives partial credit to any text that holds the answer: only a score of 1 counts. As reasoning-gym does, an
    answer between ``<answer>`` tags is taken for the answer; else the whole text is.

    Attributes:
        family: whose verifier it is.
        right: whether an answer to an entry gets full marks.
        version: of reasoning-gym.
    """

    family: str
    right: Callable[[str, Mapping[str, Any]], bool] = field(repr=False, compare=False)
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
        return float(self.right(self.extract(text), item.raw))


def full_marks(dataset: Any, answer: str, entry: Mapping[str, Any]) -> bool:
    """Whether a family's verifier gives an answer the score 1."""
    try:
        return float(dataset.score_answer(answer, entry)) >= 1.0
    except Exception:  # some verifiers parse the answer and raise whatever their parser raises: it is not the answer
        return False


def verifying(family: str, config: Mapping[str, Any], seed: int) -> Callable[[str, Mapping[str, Any]], bool]:
    """A family's verifier at full marks, as a function of an answer and its entry."""
    return partial(full_marks, _dataset(family, config, seed))


@dataclass(frozen=True)
class ConfinedVerifier:
    """A verifier that runs answers: each in a process of its own, without network, files or much time.

    What an answer does to that process (it exits, crashes, takes too long) is no right answer.
    """

    function: ConfinedFunction

    def __call__(self, answer: str, entry: Mapping[str, Any]) -> bool:
        """Whether an answer to an entry gets full marks.

        Raises:
            TaskError: the verifier cannot be started.
        """
        try:
            return self.function(answer, entry) is True
        except StartFailed as error:
            message = f"expected a verifier that can be started in a confined process, got: {error.message}"
            raise TaskError(message, Where("", "family")) from error
        except CallFailed:
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
        evaluates_answers: bool = False,
        **settings: Any,
    ) -> ReasoningGymTask:
        """A task with the verifier as its scorer.

        In compact form the answer is the entry's own, reworded; it must be given exactly.

        Args:
            family: reasoning-gym's name of it, or ``pair``.
            config: settings of the family.
            form: how it is asked.
            seed: of the source.
            evaluates_answers: let the verifier run answers as Python where it is of that kind; it is confined then.
            **settings: of a `SourcedTask`.

        Raises:
            TaskError: the family or a setting is unknown, its verifier runs answers and may not, or accepts nonsense.
        """
        config = config or {}
        scorer: Scorer = Exact()
        if form == "question":
            if family in EVALUATING and not evaluates_answers:
                raise _runs_answers(family)
            dataset = _dataset(family, config, seed)
            right: Callable[[str, Mapping[str, Any]], bool] = partial(full_marks, dataset)
            if evaluates_answers:
                arguments = (family, dict(config), seed)
                right = ConfinedVerifier(
                    ConfinedFunction("evoswarm.tasks.reasoning_gym:verifying", arguments, _EVALUATED)
                )
            _require_honest(family, dataset, right)
            scorer = Verifier(family, right, version("reasoning-gym"))
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
        return TaskError(f"{expected}: {type(error).__name__}: {_one_line(error)}", Where(self.name, "config"))

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


def _runs_answers(family: str) -> TaskError:
    return TaskError(
        f"expected a family whose verifier only reads answers, got {family}, whose verifier runs them as Python: "
        f"say 'evaluates_answers: true' in the task (each then runs in a confined process), or choose another "
        f"scorer, such as exact",
        Where(family, "family"),
    )


def _require_honest(family: str, dataset: Any, right: Callable[[str, Mapping[str, Any]], bool]) -> None:
    """A few families' verifiers look for one word only, and give full marks to nonsense."""
    for index in range(_PROBED):
        if right(_NONSENSE, dataset[index]):
            raise TaskError(
                f"expected a family whose verifier refuses nonsense, got {family}, whose verifier gives {_NONSENSE!r} "
                f"full marks: choose another scorer, such as exact",
                Where(family, "scorer.kind"),
            )


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
