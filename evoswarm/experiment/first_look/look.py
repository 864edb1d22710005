"""What the members do alone, shown before a search begins: how often they are right, and a few of their answers.

A prompt format that is foreign to the models, a missing chat template or stop string shows here within a minute,
rather than at the end as a champion that scores nothing.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Self

from evoswarm.run_directory import FIRST_LOOK as FIRST_LOOK


@dataclass(frozen=True)
class Alone:
    """One member, alone and greedy, on the items of one task.

    Attributes:
        member: its name.
        task: its name.
        items: how many.
        accuracy: its mean score on them; an item that failed counts 0.
        at_limit: how many answers were ended by ``max_bytes``.
        cut_off: of these, those that had come to nothing yet that the scorer could read as an answer.
        empty: how many answers were empty.
        holding: how many wrong answers hold the gold text among other words.
        failed: on how many items it failed.
        failure: the first of these failures, in words; "" where there is none.
    """

    member: str
    task: str
    items: int
    accuracy: float
    at_limit: int
    cut_off: int
    empty: int
    holding: int
    failed: int
    failure: str


@dataclass(frozen=True)
class Answered:
    """One answer of one member.

    Attributes:
        task: its name.
        member: whose answer it is.
        question: as the task words it.
        prompt: as the member read it, special tokens spelled out.
        gold: the right answer; "" where only a verifier knows.
        answer: what the member said.
        score: of it; None where it failed.
        ending: how it ended: ``end``, ``stop``, ``limit``, ``cut_off``; None where it failed.
        failure: why there is no score; "" where there is one.
    """

    task: str
    member: str
    question: str
    prompt: str
    gold: str
    answer: str
    score: float | None
    ending: str | None
    failure: str

    @property
    def is_right(self) -> bool:
        """Whether it has the full score."""
        return self.score == 1.0


@dataclass(frozen=True)
class FirstLook:
    """What the members of a pool do alone.

    Attributes:
        items: of the search split that they were asked.
        alone: by member and task, in the order of the pool.
        shown: a few answers to each task, of different members, right and wrong.
        notes: what may well be meant so, a sentence each.
        warnings: what is likely a mistake, a sentence each.

    Example:
        >>> look = result.first_look
        >>> look.members == tuple(spec.name for spec in space.pool)
        True
        >>> {len([one for one in look.shown if one.task == task]) for task in look.tasks}
        {3}
    """

    items: int
    alone: tuple[Alone, ...]
    shown: tuple[Answered, ...]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def members(self) -> tuple[str, ...]:
        """Their names, in order."""
        return tuple(dict.fromkeys(one.member for one in self.alone))

    @property
    def tasks(self) -> tuple[str, ...]:
        """Their names, in order."""
        return tuple(dict.fromkeys(one.task for one in self.alone))

    def of(self, task: str) -> tuple[Alone, ...]:
        """All members on one task."""
        return tuple(one for one in self.alone if one.task == task)

    def as_dict(self) -> dict[str, Any]:
        """As JSON data."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read back what ``as_dict`` gave.

        Raises:
            ValueError: the text is something else.
        """
        try:
            data = json.loads(text)
            alone = tuple(Alone(**row) for row in data["alone"])
            shown = tuple(Answered(**row) for row in data["shown"])
            said = (tuple(map(str, data[kind])) for kind in ("notes", "warnings"))
            return cls(int(data["items"]), alone, shown, *said)
        except (KeyError, TypeError) as error:
            raise ValueError(f"expected a first look, got other data: {error}") from error
