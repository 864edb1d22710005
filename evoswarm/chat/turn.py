"""A conversation: turns that were said before a question, and the question. Plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self, get_args

from evoswarm.errors import RunError

TurnRole = Literal["system", "user", "assistant"]


@dataclass(frozen=True, order=True)
class Turn:
    """What one side of a conversation said.

    Attributes:
        role: ``system``, ``user`` or ``assistant``.
        content: as it was said; special tokens that are written in it are text.

    Example:
        >>> Turn("user", "47+85=").role
        'user'
    """

    role: str
    content: str

    def __post_init__(self) -> None:
        if self.role not in get_args(TurnRole):
            raise RunError(f"role: expected one of {', '.join(get_args(TurnRole))}, got {self.role!r:.60}")
        if not isinstance(self.content, str):
            raise RunError(f"content: expected a text, got {self.content!r:.60}")


class Conversation(NamedTuple):
    """A question, and what was said before it.

    Attributes:
        question: the last user turn's content; the task's wording and a recipe's prompt format apply to it alone.
        before: the turns before it, in their order. A system turn among them takes the place of a member's own.
    """

    question: str
    before: tuple[Turn, ...] = ()

    @classmethod
    def of(cls, turns: Sequence[Turn]) -> Self:
        """The conversation of some turns, of which the last one asks.

        Raises:
            RunError: there are none, or the last is not the user's.
        """
        if not turns:
            raise RunError("expected a conversation of at least one turn, got an empty one")
        *before, last = turns
        if last.role != "user":
            raise RunError(f"expected a conversation that ends with a user's turn, got one that ends with {last.role}")
        return cls(last.content, tuple(before))

    @property
    def has_system(self) -> bool:
        """Whether it brings a system turn of its own."""
        return any(turn.role == "system" for turn in self.before)
