"""A member: a reader with its own tokenizer and prompt format."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import Any

from evoswarm.chat import ChatTemplate, Conversation, PromptRefused
from evoswarm.decoding.member.ends import closing_ids
from evoswarm.decoding.member.literals import special_ids
from evoswarm.decoding.member.prompt import Prompt, chat_template_of
from evoswarm.decoding.reader import Reader
from evoswarm.decoding.text.codec import Codec
from evoswarm.decoding.text.split_points import split_points_of
from evoswarm.errors import MemberError
from evoswarm.member_spec import MemberSpec


class Member:
    """A loaded member.

    Attributes:
        spec: where it came from, its fingerprint filled in.
        reader: its model.
        codec: its tokens and bytes.
        unspoken: texts of its special tokens; they get no mass, so no answer holds them.
    """

    def __init__(
        self,
        spec: MemberSpec,
        reader: Reader,
        tokenizer: Any,
        end_ids: tuple[int, ...],
        template: ChatTemplate | None,
        codec: Codec | None = None,
    ) -> None:
        """Put a member together; ``load_member`` does so from files.

        Args:
            spec: where it came from, its fingerprint filled in.
            reader: its model.
            tokenizer: a fast tokenizer of transformers, whose token ids are those of the reader.
            end_ids: tokens that end an answer, ascending.
            template: its chat template, where its prompts go through one.
            codec: of tokenizer, ends and reader, where somebody has made it already.

        Raises:
            MemberError: the tokenizer cannot be used, or writes what the reader cannot read.
        """
        self.spec, self.reader = spec, reader
        self._prompt = Prompt(tokenizer, end_ids, template)
        self.codec = codec or Codec(tokenizer, end_ids, reader.columns, spec.name)
        if not len(self.codec.order):
            raise MemberError(
                f"member {spec.name!r}: expected tokens that spell something, got only end and special ones"
            )
        self._tokenizer = tokenizer
        self._check_words_around()
        self.unspoken = frozenset(tokenizer.convert_ids_to_tokens(sorted(special_ids(tokenizer) - set(end_ids))))

    def _check_words_around(self) -> None:
        """Refuse a template that writes what the model cannot read: no prompt could be."""
        with suppress(PromptRefused):
            foreign = self.unreadable(self.render("0"))
            if foreign is not None:
                raise MemberError(foreign)

    @cached_property
    def split_points(self) -> bytes:
        """Where the tokenizer treats both sides of a text apart (see ``find_split_points``)."""
        return split_points_of(self.codec)

    def asked(self, spec: MemberSpec, template: ChatTemplate) -> Member:
        """The same loaded model, asked through a chat template, whose closing token ends its answers too.

        Raises:
            MemberError: the template writes what the model cannot read.
        """
        closing = [token for token in closing_ids(template, self._tokenizer) if token < self.reader.columns]
        ends = tuple(sorted({*self.codec.end_ids, *closing}))
        codec = self.codec if ends == tuple(self.codec.end_ids) else None
        return Member(spec, self.reader, self._tokenizer, ends, template, codec)

    def called(self, spec: MemberSpec) -> Member:
        """The same loaded model as another member, asked in the same way."""
        other = copy(self)
        other.spec = spec
        return other

    def chat_template(self, spec: MemberSpec, directory: Path) -> ChatTemplate | None:
        """The chat template of its files, tried; None where ``spec`` asks for none.

        Raises:
            MemberError: there is none, or it does not do what it should.
        """
        return chat_template_of(spec, directory, self._tokenizer)

    def render(self, asked: str | Conversation) -> tuple[int, ...]:
        """Token ids of a prompt (see ``Prompt.render``)."""
        return self._prompt.render(asked)

    def rendered(self, asked: str | Conversation) -> str:
        """A prompt as it is read: what its tokens spell, special ones by their names; "" where it is refused."""
        try:
            tokens = self.render(asked)
        except PromptRefused:
            return ""
        known = self.codec.token_bytes
        spelled = [known[token] if token < len(known) else None for token in tokens]
        names = self._tokenizer.convert_ids_to_tokens(list(tokens))
        whole = (name.encode() if bytes_ is None else bytes_ for name, bytes_ in zip(names, spelled, strict=True))
        return b"".join(whole).decode("utf-8", "replace")

    def prompt_length(self, asked: str | Conversation) -> int:
        """Tokens of a prompt; 0 where it is refused."""
        try:
            return len(self.render(asked))
        except PromptRefused:
            return 0

    def readable(self, asked: str | Conversation) -> tuple[int, ...] | None:
        """Token ids of a prompt; None where the member cannot read it."""
        try:
            tokens = self.render(asked)
        except PromptRefused:
            return None
        fits = self.reader.context_length is None or len(tokens) <= self.reader.context_length
        return tokens if fits and self.unreadable(tokens) is None else None

    def unreadable(self, tokens: Sequence[int]) -> str | None:
        """Why tokens of its own tokenizer cannot be read: there is one that the model has no embedding for."""
        beyond = next((token for token in tokens if token >= self.reader.vocabulary), None)
        if beyond is None:
            return None
        text = self._tokenizer.convert_ids_to_tokens(beyond)
        return (
            f"member {self.spec.name!r}: expected tokens that it knows ({self.reader.vocabulary} of them), got"
            f" {text!r:.60} (token {beyond}) in the prompt: its embeddings were not resized when that was added"
        )
