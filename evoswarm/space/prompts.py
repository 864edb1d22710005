"""What can be said of prompts and ends before a model is loaded: chat templates, stop strings, special tokens."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from evoswarm.chat import DEFAULT_DATE, ChatTemplate, PromptRefused, find_template, is_dated, named_tokens
from evoswarm.errors import MemberError, SpaceError
from evoswarm.model_files import ModelFiles
from evoswarm.space.search_space import SearchSpace


class MemberPrompts:
    """How one member of a space would read questions.

    Args:
        space: that it is in.
        index: of the member in the pool.
        files: of the member, looked at already.

    Attributes:
        index: of the member in the pool.
        spec: of the member.
        files: of the member.
    """

    def __init__(self, space: SearchSpace, index: int, files: ModelFiles) -> None:
        self._space, self.index, self.files = space, index, files
        self.spec = space.pool[index]

    def check(self) -> list[str]:
        """Refuse a template that makes no prompt of a question, and stop strings that no answer can hold.

        Returns:
            What looks like a mistake, a sentence each.

        Raises:
            MemberError: the template is none, cannot be rendered, or loses the question or the system prompt.
            SpaceError: a stop string is a special token that does not end the member's answers.
        """
        notes = list(self._template_notes())
        if self._template is not None:
            self.files.check_prompt(self.rendered("0"))
        self._check_stops()
        if self._space.prompt_format != "{prompt}":
            notes += self._format_notes()
        return notes

    def rendered(self, question: str) -> str:
        """What the member would read; "" where its chat template refuses the question.

        Raises:
            MemberError: the chat template makes no prompt of a question.
        """
        try:
            return question if self._template is None else self._template.render(question)
        except PromptRefused:
            return ""

    @cached_property
    def _template(self) -> ChatTemplate | None:
        """The chat template, tried; None where there is none, or where it is on the hub."""
        if not self.spec.chat_template or self.files.speaks_as_hub:
            return None
        try:
            return ChatTemplate(
                self.spec.name,
                self._source,
                named_tokens(self.files.tokenizer_directory),
                system=self.spec.system,
                options=self.spec.template_options,
                day=self.spec.template_date,
            )
        except MemberError as error:
            raise MemberError(error.message, self._space.where("pool", self.index, "chat_template")) from None

    @cached_property
    def _source(self) -> str:
        try:
            return find_template(self.files.tokenizer_directory) or ""
        except MemberError as error:
            message = f"member {self.spec.name!r}: {error.message}"
            raise MemberError(message, self._space.where("pool", self.index, "chat_template")) from None

    def _template_notes(self) -> Iterator[str]:
        place = f"pool.{self.index}"
        if self._template is None:
            if not self.spec.chat_template and self._space.system is not None:
                yield f"{place}: chat_template is off, so the system prompt does not reach {self.spec.name!r}"
            return
        if is_dated(self._source) and self.spec.template_date is None:
            yield f"{place}: its chat template writes a date and is told {DEFAULT_DATE}; set template_date for another"
        for option in self.spec.template_options:
            if option not in self._source:
                yield f"{place}: its chat template does not know the option {option!r}"

    def _check_stops(self) -> None:
        for number, task in enumerate(self._space.tasks):
            for stop in task.stop:
                if stop in self.files.special_tokens() and stop not in self._ends:
                    raise SpaceError(
                        f"expected texts that answers can hold, got {stop!r}, a special token of {self.spec.name!r}"
                        f" (those are never spelled); to end its answers by it set end_tokens: [{stop!r}] there",
                        self._space.where("tasks", number, "stop"),
                    )

    def _format_notes(self) -> Iterator[str]:
        written = sorted(token for token in self.files.special_tokens() if token in self._space.prompt_format)
        if written:
            yield (
                f"pool.{self.index}: prompt_format writes {written[0]!r}, a special token of {self.spec.name!r}:"
                " there it is read as text (special tokens come from a chat template: chat_template: true)"
            )

    @cached_property
    def extra_ends(self) -> frozenset[str]:
        """End tokens beside those that the files name: what closes a turn of the chat template, and the user's own.

        Raises:
            MemberError: the chat template makes no prompt of a question.
        """
        closing = None if self._template is None else self._template.closing_token(self.files.added_tokens())
        return frozenset({*self.spec.end_tokens, *filter(None, [closing])})

    @cached_property
    def _ends(self) -> frozenset[str]:
        """Added tokens that end the member's answers."""
        ids = self.files.end_ids()
        return self.extra_ends | {text for text, token in self.files.added_tokens().items() if token in ids}
