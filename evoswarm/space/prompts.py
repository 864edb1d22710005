"""What can be said of prompts and ends before a model is loaded: chat templates, stop strings, special tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from evoswarm.chat import DEFAULT_DATE, ChatTemplate, find_template, is_dated, named_tokens
from evoswarm.errors import MemberError, SpaceError
from evoswarm.space.model_files import ModelFiles
from evoswarm.space.search_space import SearchSpace
from evoswarm.user_files import MIB, read_text

_LARGEST = 512 * MIB  # of tokenizer.json; the largest known has 34


class MemberPrompts:
    """How one member of a space would read questions.

    Args:
        space: that it is in.
        index: of the member in the pool.
        files: of the member, looked at already.
    """

    def __init__(self, space: SearchSpace, index: int, files: ModelFiles) -> None:
        self._space, self._index, self._files = space, index, files
        self._spec = space.pool[index]

    def check(self) -> list[str]:
        """Refuse a template that makes no prompt of a question, and stop strings that no answer can hold.

        Returns:
            What looks like a mistake, a sentence each.

        Raises:
            MemberError: the template is none, cannot be rendered, or loses the question or the system prompt.
            SpaceError: a stop string is a special token that does not end the member's answers.
        """
        notes = list(self._template_notes())
        self._check_stops()
        if self._space.prompt_format != "{prompt}":
            notes += self._format_notes()
        return notes

    @cached_property
    def _template(self) -> ChatTemplate | None:
        """The chat template, tried; None where there is none."""
        if not self._spec.chat_template:
            return None
        try:
            return ChatTemplate(
                self._spec.name,
                self._source,
                named_tokens(self._files.directory),
                system=self._spec.system,
                options=self._spec.template_options,
                day=self._spec.template_date,
            )
        except MemberError as error:
            raise MemberError(error.message, self._space.where("pool", self._index, "chat_template")) from None

    @cached_property
    def _source(self) -> str:
        try:
            return find_template(self._files.directory) or ""
        except MemberError as error:
            message = f"member {self._spec.name!r}: {error.message}"
            raise MemberError(message, self._space.where("pool", self._index, "chat_template")) from None

    def _template_notes(self) -> Iterator[str]:
        place = f"pool.{self._index}"
        if self._template is None:
            if self._space.system is not None:
                yield f"{place}: chat_template is off, so the system prompt does not reach {self._spec.name!r}"
            return
        if is_dated(self._source) and self._spec.template_date is None:
            yield f"{place}: its chat template writes a date and is told {DEFAULT_DATE}; set template_date for another"
        for option in self._spec.template_options:
            if option not in self._source:
                yield f"{place}: its chat template does not know the option {option!r}"

    def _check_stops(self) -> None:
        for number, task in enumerate(self._space.tasks):
            for stop in task.stop:
                if stop in self._special and stop not in self._ends:
                    raise SpaceError(
                        f"expected texts that answers can hold, got {stop!r}, a special token of {self._spec.name!r}"
                        f" (those are never spelled); to end its answers by it set end_tokens: [{stop!r}] there",
                        self._space.where("tasks", number, "stop"),
                    )

    def _format_notes(self) -> Iterator[str]:
        written = sorted(token for token in self._special if token in self._space.prompt_format)
        if written:
            yield (
                f"pool.{self._index}: prompt_format writes {written[0]!r}, a special token of {self._spec.name!r}:"
                " there it is read as text (special tokens come from a chat template: chat_template: true)"
            )

    @cached_property
    def _ends(self) -> frozenset[str]:
        """Special tokens that end the member's answers."""
        ids = self._files.end_ids()
        named = {content for content, token in self._added.items() if token["id"] in ids}
        closing = None if self._template is None else self._template.closing_token(self._added)
        return frozenset({*named, *self._spec.end_tokens, *filter(None, [closing])})

    @cached_property
    def _special(self) -> frozenset[str]:
        return frozenset(content for content, token in self._added.items() if token.get("special"))

    @cached_property
    def _added(self) -> dict[str, dict[str, Any]]:
        """The tokens that were added to the tokenizer's own, by their text; empty where its file does not say."""
        file = self._files.directory / "tokenizer.json"
        if not file.is_file():
            return {}
        content = json.loads(read_text(file, limit=_LARGEST, raises=MemberError))
        return {token["content"]: token for token in content.get("added_tokens", ())}
