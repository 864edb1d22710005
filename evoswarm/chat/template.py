"""A member's chat template: tried with a question that nobody asks before it is given a real one.

A template that loses the question, says it twice, or puts it behind the place where the answer begins is a template
that makes every answer nonsense, in silence. So each is rendered once with a text that stands in for a question, with
its content as a text, and where that does not come out right, as the list of parts that models with eyes take.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from evoswarm.chat.renderer import Renderer, RenderError
from evoswarm.chat.turn import Conversation, Turn
from evoswarm.errors import MemberError

DEFAULT_DATE = "2026-01-01"
"""What a template takes for today where nobody says: a clock would make every day's prompts other ones."""

_QUESTION, _SYSTEM, _ANSWER = (f"Which{name}IsThis" for name in ("Question", "System", "Answer"))
_CLOCK = "strftime_now"

Messages = list[dict[str, Any]]


def is_dated(source: str) -> bool:
    """Whether a template may write a date: it names the only clock there is."""
    return _CLOCK in source


class PromptRefused(MemberError):
    """A template refuses one question; others it may take."""


class Frame(NamedTuple):
    """What a template writes around a question."""

    before: str
    after: str


class ChatTemplate:
    """A chat template with all that decides its prompts but the question.

    Attributes:
        frame: what stands around a question; where the template looks at a question before it writes, no more than
            an example.
    """

    def __init__(
        self,
        name: str,
        source: str,
        tokens: Mapping[str, str],
        *,
        system: str | None = None,
        options: Mapping[str, Any] | None = None,
        day: str | None = None,
    ) -> None:
        """Try a template.

        Args:
            name: of the member, for errors.
            source: in jinja.
            tokens: special tokens by the names that templates know them by.
            system: what the system turn says; None or empty is none.
            options: variables that the template finds, as JSON data.
            day: what it takes for today, ``YYYY-MM-DD``.

        Raises:
            MemberError: it cannot be rendered, or does not come out as a prompt that holds the question once.
        """
        self._name, self._system = name, system or None
        self._renderer = Renderer(source, day or DEFAULT_DATE, {**tokens, **(options or {})})
        self._parts = self._content_kind()
        self.frame = self._framed()

    def render(self, question: str) -> str:
        """The prompt of a question, as ``apply_chat_template`` of the tokenizer would write it.

        Raises:
            PromptRefused: the template raises an error over it.
            MemberError: it takes too much time or memory over it.
        """
        try:
            return self._rendered(self._system, question)
        except RenderError as error:
            refusal = self._refusal(f"expected a chat template that takes {question!r:.40}, got: {error}")
            raise refusal if error.limit else PromptRefused(refusal.message) from None

    def render_turns(self, conversation: Conversation) -> str:
        """The prompt of a conversation, likewise; its own system turn, where it has one, is the only one.

        Raises:
            PromptRefused: the template raises an error over it (a system turn, or an order of roles, that the model
                was not made for), or leaves out what a user or the system said.
            MemberError: it takes too much time or memory over it.
        """
        system = None if conversation.has_system else self._system
        try:
            text = self._renderer.render(self._turns(system, conversation.question, conversation.before), generate=True)
        except RenderError as error:
            roles = ", ".join([*(turn.role for turn in conversation.before), "user"])
            refusal = self._refusal(f"expected a chat template that takes turns of {roles:.120}, got: {error}")
            raise refusal if error.limit else PromptRefused(refusal.message) from None
        for turn in (*conversation.before, Turn("user", conversation.question)):
            if turn.role != "assistant" and turn.content.strip() not in text:  # thoughts may be left out of answers
                lost = f"expected a chat template that writes every {turn.role} turn, got one that loses "
                raise PromptRefused(self._refusal(f"{lost}{turn.content!r:.40}").message)
        return text

    def closing_token(self, added: Iterable[str]) -> str | None:
        """The token by which the template closes what the assistant says; None where it shows none.

        Fine-tunes learn to end their turns by it, and their files often forget to say so. It must be a token of its own
        that follows the answer at once, and must not open answers too: a template that writes the same words between
        all turns says nothing about their ends.

        Args:
            added: the tokens that were added to the tokenizer's own vocabulary.
        """
        behind, opening = self._closing().lstrip(), self._opening()
        closers = [token for token in added if token.strip() and behind.startswith(token)]
        longest = max(closers, key=len, default=None)
        return None if longest is None or longest in opening else longest

    def _opening(self) -> str:
        """What comes before an answer: the generation prompt, or all behind the question if it has none of its own."""
        closed = self._quietly(self._turns(self._system, _QUESTION))
        common = _shared_length(self.frame.after, closed.partition(_QUESTION)[2])
        return self.frame.after[common:] or self.frame.after

    def _closing(self) -> str:
        """What follows an answer; empty where the template cannot show one."""
        answered = [*self._turns(self._system, _QUESTION), {"role": "assistant", "content": self._content(_ANSWER)}]
        return self._quietly(answered).partition(_ANSWER)[2]

    def _content_kind(self) -> bool:
        """Whether contents are lists of parts: tried where a text does not come out.

        Raises:
            MemberError: neither comes out; says why a text does not.
        """
        faults = []
        for self._parts in (False, True):
            fault = self._fault()
            if fault is None:
                return self._parts
            faults.append(fault)
        raise self._refusal(faults[0])

    def _fault(self) -> str | None:
        """What is wrong with the prompt of what stands in for a question; None where nothing is.

        Raises:
            MemberError: it takes too much time or memory, so nothing else need be tried.
        """
        system = None if self._system is None else _SYSTEM
        try:
            text = self._rendered(system, _QUESTION)
        except RenderError as error:
            if error.limit:
                message = f"expected a chat template that takes little time and memory, got: {error}"
                raise self._refusal(message) from None
            return self._unrendered(error)
        found = text.count(_QUESTION)
        if found != 1:
            got = "one that loses it" if not found else f"one that writes it {found} times"
            return f"expected a chat template that writes the question once, got {got}"
        if system is not None and system not in text:
            return "expected a chat template that writes the system prompt (system), got one that loses it"
        closed = self._quietly(self._turns(system, _QUESTION))
        if closed.count(_QUESTION) == 1 and closed.partition(_QUESTION)[0] != text.partition(_QUESTION)[0]:
            return (
                "expected a chat template that writes the question before the place where the answer begins, got one "
                "that begins the answer first"
            )
        return None

    def _unrendered(self, error: RenderError) -> str:
        """Why nothing came out, and what helps: with or without a system turn it might."""
        other = _SYSTEM if self._system is None else None
        if _QUESTION in self._quietly(self._turns(other, _QUESTION), generate=True):
            what, remedy = ("with", "leave out system") if other is None else ("without", "set system")
            return f"expected a chat template that takes a question {what} a system prompt, got: {error}; {remedy}"
        return f"expected a chat template that can be rendered, got: {error}"

    def _framed(self) -> Frame:
        before, _, after = self.render(_QUESTION).partition(_QUESTION)
        return Frame(before, after)

    def _rendered(self, system: str | None, question: str) -> str:
        return self._renderer.render(self._turns(system, question), generate=True)

    def _quietly(self, messages: Messages, generate: bool = False) -> str:
        """What a template makes of messages that it need not take; empty where it does not."""
        try:
            return self._renderer.render(messages, generate=generate)
        except RenderError:
            return ""

    def _turns(self, system: str | None, question: str, before: Sequence[Turn] = ()) -> Messages:
        first = () if system is None else (Turn("system", system),)
        turns = (*first, *before, Turn("user", question))
        return [{"role": turn.role, "content": self._content(turn.content)} for turn in turns]

    def _content(self, text: str) -> Any:
        return [{"type": "text", "text": text}] if self._parts else text

    def _refusal(self, message: str) -> MemberError:
        return MemberError(f"member {self._name!r}: {message}")


def _shared_length(one: str, other: str) -> int:
    """How far two texts are the same."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))
