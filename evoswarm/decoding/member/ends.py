"""Which tokens end a member's answer."""

from __future__ import annotations

from typing import Any

from evoswarm.errors import MemberError


def end_ids(model: Any, tokenizer: Any, columns: int, name: str) -> tuple[int, ...]:
    """All end tokens: generation config, config and tokenizer together."""
    found: set[int] = set()
    generation = getattr(model, "generation_config", None)
    for source in (generation, model.config.get_text_config(), tokenizer):
        ids = getattr(source, "eos_token_id", None)
        found.update(ids if isinstance(ids, (list, tuple)) else [] if ids is None else [ids])
    known = tuple(sorted(token for token in found if 0 <= token < columns))
    if not known:
        raise MemberError(
            f"member {name!r}: expected a tokenizer with an end token (an answer must be able to end), got none;"
            " set eos_token_id in its generation_config.json"
        )
    return known
