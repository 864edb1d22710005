"""reasoning-gym's own verifiers as scorers: honest ones, and those that run answers in a process of their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from typing import Any

from evoswarm.confined import CallFailed, ConfinedFunction, ResourceLimits, StartFailed
from evoswarm.errors import TaskError, Where
from evoswarm.tasks.families import make_family
from evoswarm.tasks.scorers import Scorer
from evoswarm.tasks.task import Item

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

_EVALUATED = ResourceLimits(cpu_seconds=3.0, fresh=True)
_TAGGED = re.compile(r"<answer>\s?(.*?)\s?</answer>", re.DOTALL)


def tagged_answer(text: str) -> str:
    """What stands between the last ``<answer>`` tags of a text; the whole text where there are none."""
    tagged = _TAGGED.findall(text)
    return str(tagged[-1] if tagged else text).strip()


@dataclass(frozen=True)
class Verifier(Scorer):
    """reasoning-gym's own verifier at full marks.

    It gives partial credit to any text that holds the answer: only a score of 1 counts. As reasoning-gym does, an
    answer between ``<answer>`` tags is taken for the answer; else the whole text is. Some families have no gold.

    Attributes:
        family: whose verifier it is.
        right: whether an answer to an entry gets full marks.
        release: of reasoning-gym.
    """

    family: str
    right: Callable[[str, Mapping[str, Any]], bool] = field(repr=False, compare=False)
    release: str

    @property
    def id(self) -> str:
        """The kind and its settings."""
        return f"verifier {self.family} reasoning_gym {self.release}"

    def extract(self, text: str) -> str:
        """The answer within a text, "" where there is none."""
        return tagged_answer(text)

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
    return partial(full_marks, make_family(family, config, seed))


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


def make_verifier(family: str, config: Mapping[str, Any], seed: int, evaluates_answers: bool) -> Verifier:
    """The verifier of a family.

    Args:
        family: reasoning-gym's name of it.
        config: settings of the family.
        seed: of the source.
        evaluates_answers: let the verifier run answers as Python where it is of that kind; it is confined then.

    Raises:
        TaskError: the family or a setting is unknown, its verifier runs answers and may not, or accepts nonsense.
    """
    if family in EVALUATING and not evaluates_answers:
        raise TaskError(
            f"expected a family whose verifier only reads answers, got {family}, whose verifier runs them as Python: "
            f"say 'evaluates_answers: true' in the task (each then runs in a confined process), or choose another "
            f"scorer, such as exact",
            Where("", "family"),
        )
    dataset = make_family(family, config, seed)
    right: Callable[[str, Mapping[str, Any]], bool] = partial(full_marks, dataset)
    if evaluates_answers:
        arguments = (family, dict(config), seed)
        right = ConfinedVerifier(ConfinedFunction("evoswarm.tasks.verifier:verifying", arguments, _EVALUATED))
    _require_honest(family, dataset, right)
    return Verifier(family, right, version("reasoning-gym"))


def _require_honest(family: str, dataset: Any, right: Callable[[str, Mapping[str, Any]], bool]) -> None:
    """A few families' verifiers look for one word only, and give full marks to nonsense."""
    for index in range(_PROBED):
        if right(_NONSENSE, dataset[index]):
            raise TaskError(
                f"expected a family whose verifier refuses nonsense, got {family}, whose verifier gives {_NONSENSE!r} "
                f"full marks: choose another scorer, such as exact",
                Where("", "scorer.kind"),
            )
