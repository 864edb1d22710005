"""How a question becomes the tokens that a member reads before its answer."""

from __future__ import annotations

from typing import Any

from evoswarm.errors import MemberError
from evoswarm.recipe import MemberSpec

STAND_IN = "\ue000prompt\ue000"  # private-use characters: no template and no tokenizer knows them


class Prompt:
    """Renders questions for one member: plainly, or through its tokenizer's chat template."""

    def __init__(self, spec: MemberSpec, tokenizer: Any, end_ids: tuple[int, ...]) -> None:
        """Take a tokenizer.

        Args:
            spec: says whether questions go through the chat template.
            tokenizer: a fast tokenizer of transformers.
            end_ids: of the member.

        Raises:
            MemberError: a chat template is asked for and there is none.
        """
        if spec.chat_template and not tokenizer.chat_template:
            raise MemberError(
                f"member {spec.name!r}: expected a tokenizer with a chat template (chat_template is on), got none"
            )
        self._spec = spec
        self._tokenizer = tokenizer
        self._ends = end_ids
        added = tokenizer.added_tokens_decoder.values()  # those without a role among them
        self._specials = {*tokenizer.all_special_tokens, *(token.content for token in added if token.special)}

    def render(self, text: str) -> tuple[int, ...]:
        """Token ids of a prompt, through the chat template where that is on.

        A special token written literally in the text is text: it is never matched.
        """
        if not self._spec.chat_template:
            ids = list(self._plain(text, add_special_tokens=True))
            while ids and ids[-1] in self._ends and len(ids) > 1:
                ids.pop()  # some tokenizers close what they encode; a prompt stays open
        elif any(special in text for special in self._specials):
            before, _, after = self._template(STAND_IN).partition(STAND_IN)
            ids = [*self._marked(before), *self._plain(text, add_special_tokens=False), *self._marked(after)]
        else:
            ids = self._marked(self._template(text))
        return tuple(ids) or (self._first_token(),)

    def _template(self, text: str) -> str:
        message = [{"role": "user", "content": text}]
        return str(self._tokenizer.apply_chat_template(message, add_generation_prompt=True, tokenize=False))

    def _marked(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def _plain(self, text: str, add_special_tokens: bool) -> list[int]:
        """Encode a user's text: special tokens in it are not matched."""
        backend = self._tokenizer.backend_tokenizer
        before = backend.encode_special_tokens
        backend.encode_special_tokens = True
        try:
            return list(backend.encode(text, add_special_tokens=add_special_tokens).ids)
        finally:
            backend.encode_special_tokens = before

    def _first_token(self) -> int:
        """What an empty prompt is read as."""
        begin = self._tokenizer.bos_token_id
        return int(begin) if begin is not None else self._ends[0]
