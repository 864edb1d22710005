"""Which tokens end a member's answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from evoswarm.chat import ChatTemplate
from evoswarm.errors import MemberError
from evoswarm.member_spec import MemberSpec


def end_ids(
    model: Any, tokenizer: Any, columns: int, spec: MemberSpec, template: ChatTemplate | None
) -> tuple[int, ...]:
    """All end tokens: those of generation config, config and tokenizer, of the chat template, and of the user.

    Ascending; those beyond the columns of the logits are left out.

    Raises:
        MemberError: there is none, or what the user names is no token.
    """
    found: set[int] = set()
    generation = getattr(model, "generation_config", None)
    for source in (generation, model.config.get_text_config(), tokenizer):
        ids = getattr(source, "eos_token_id", None)
        found.update(ids if isinstance(ids, (list, tuple)) else [] if ids is None else [ids])
    found.update(() if template is None else closing_ids(template, tokenizer))
    found.update(_named(spec, tokenizer, columns))
    known = tuple(sorted(token for token in found if 0 <= token < columns))
    if not known:
        raise MemberError(
            f"member {spec.name!r}: expected a tokenizer with an end token (an answer must be able to end), got none;"
            " set end_tokens, or eos_token_id in its generation_config.json"
        )
    return known


def closing_ids(template: ChatTemplate, tokenizer: Any) -> Iterator[int]:
    """The token by which a chat template closes what the assistant says, if there is one."""
    added = {entry.content: token for token, entry in tokenizer.added_tokens_decoder.items()}
    token = template.closing_token(added)
    if token is not None:
        yield added[token]


def _named(spec: MemberSpec, tokenizer: Any, columns: int) -> Iterator[int]:
    """The end tokens that the user names."""
    vocabulary = tokenizer.get_vocab() if spec.end_tokens else {}
    for text in spec.end_tokens:
        token = vocabulary.get(text)
        if token is None:
            ids = tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids
            token = ids[0] if len(ids) == 1 and ids[0] != tokenizer.unk_token_id else None
        if token is None or token >= columns:
            raise MemberError(f"member {spec.name!r}: expected end_tokens that are one token each, got {text!r}")
        yield token
