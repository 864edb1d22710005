"""How a question becomes the tokens that a member reads before its answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from evoswarm.chat import ChatTemplate, Conversation, Frame, PromptRefused, find_template
from evoswarm.decoding.member.literals import Literals, special_ids
from evoswarm.errors import MemberError
from evoswarm.member_spec import MemberSpec

_STAND_IN = "\ue000prompt\ue000"  # private-use characters: no template and no tokenizer knows them


def chat_template_of(spec: MemberSpec, directory: Path, tokenizer: Any) -> ChatTemplate | None:
    """The chat template of a member, tried already; None where its prompts go without.

    Raises:
        MemberError: one is asked for and there is none, or it does not do what it should.
    """
    if not spec.chat_template:
        return None
    try:
        source = find_template(directory)
    except MemberError as error:
        raise MemberError(f"member {spec.name!r}: {error}") from None
    source = source or tokenizer.chat_template  # an adapter's lies with its base
    if not isinstance(source, str) or not source:
        raise MemberError(
            f"member {spec.name!r}: expected a tokenizer with a chat template (chat_template is on), got none"
        )
    return ChatTemplate(
        spec.name,
        source,
        tokenizer.special_tokens_map,
        system=spec.system,
        options=spec.template_options,
        day=spec.template_date,
    )


class Prompt:
    """Renders questions for one member: plainly, or through its chat template."""

    def __init__(self, tokenizer: Any, end_ids: tuple[int, ...], template: ChatTemplate | None) -> None:
        """Take a fast tokenizer of transformers; without a template, questions are read as they are."""
        self._tokenizer, self._ends, self._template = tokenizer, end_ids, template
        self._specials = special_ids(tokenizer) - {tokenizer.unk_token_id}  # which stands for odd characters, too
        self._frame = Frame("", "") if template is None else template.frame

    def render(self, asked: str | Conversation) -> tuple[int, ...]:
        """Token ids of a prompt, through the chat template where there is one.

        A special token written literally in the text is text: it is never matched. A conversation of one turn is that
        turn's text.

        Raises:
            MemberError: the template refuses the text.
        """
        if isinstance(asked, Conversation) and asked.before:
            return self._turns(asked)
        text = asked if isinstance(asked, str) else asked.question
        whole = text if self._template is None else self._template.render(text)
        ids = self._encoded(whole)
        unknown = self._tokenizer.unk_token
        if self._marks(ids) != self._own_marks or (unknown and unknown in text):
            ids = self._literals.encode(*self._apart(whole, text), add_special_tokens=self._template is None)
        while self._template is None and len(ids) > 1 and ids[-1] in self._ends:
            ids.pop()  # some tokenizers close what they encode; a prompt stays open
        return tuple(ids) or (self._first_token(),)

    def _turns(self, asked: Conversation) -> tuple[int, ...]:
        """Token ids of a conversation of several turns."""
        template = self._template
        if template is None:
            raise PromptRefused(
                "expected a chat template (chat_template: true), as a conversation of several turns or "
                "with a system turn needs one, got a member without"
            )

        def rendered(contents: Sequence[str]) -> str:
            before = [replace(turn, content=one) for turn, one in zip(asked.before, contents, strict=False)]
            return template.render_turns(Conversation(contents[-1], tuple(before)))

        contents = [*(turn.content for turn in asked.before), asked.question]
        unknown = self._tokenizer.unk_token
        if any(self._marks(self._bare(one)) or (unknown and unknown in one) for one in contents):
            return tuple(self._literals.encode_turns(contents, rendered))
        return tuple(self._bare(rendered(contents)))

    @cached_property
    def _literals(self) -> Literals:
        return Literals(self._tokenizer.backend_tokenizer)  # takes a while, and few questions need it

    @cached_property
    def _own_marks(self) -> list[int]:
        """The special tokens of every prompt: its template writes them, or its tokenizer puts them around a text."""
        return self._marks(self._encoded(_STAND_IN.join(self._frame)))

    def _marks(self, ids: list[int]) -> list[int]:
        return [token for token in ids if token in self._specials]

    def _apart(self, whole: str, text: str) -> tuple[str, str, str]:
        """A rendered prompt as what stands before the question, the question as it was written, and the rest."""
        before, after = self._frame
        room = len(whole) - len(before) - len(after)
        if room >= 0 and whole.startswith(before) and whole.endswith(after):
            return before, whole[len(before) : len(before) + room], after
        if whole.count(text.strip()) == 1:  # what is around it depends on what it says
            start, question, end = whole.partition(text.strip())
            return start, question, end
        return before, text, after

    def _bare(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def _encoded(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=self._template is None)["input_ids"])

    def _first_token(self) -> int:
        """What an empty prompt is read as."""
        begin = self._tokenizer.bos_token_id
        return int(begin) if begin is not None else self._ends[0]
