"""Where a model directory keeps its chat template, and the tokens that templates know by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evoswarm.errors import MemberError
from evoswarm.user_files import MIB, read_text

_ROLES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
_LARGEST = 16 * MIB  # templates have some thousand bytes


def find_template(directory: Path) -> str | None:
    """The chat template that transformers would use; None where there is none.

    A file ``chat_template.jinja`` wins over ``tokenizer_config.json``; ``chat_template.json``, which processors of
    images wrote, is asked last. Where there are several, the one called ``default`` is meant.

    Raises:
        MemberError: a file cannot be read, or there are several templates and none is called default.
    """
    jinja = directory / "chat_template.jinja"
    others = sorted(path.stem for path in (directory / "additional_chat_templates").glob("*.jinja"))
    if jinja.is_file():
        return read_text(jinja, limit=_LARGEST, raises=MemberError)
    if others:
        raise _no_default(directory / "additional_chat_templates", others)
    for name in ("tokenizer_config.json", "chat_template.json"):
        found = _json(directory / name).get("chat_template")
        if isinstance(found, list):
            found = {str(one.get("name")): one.get("template") for one in found if isinstance(one, dict)}
        if isinstance(found, dict):
            if not isinstance(found.get("default"), str):
                raise _no_default(directory / name, sorted(map(str, found)))
            found = found["default"]
        if found is not None and not isinstance(found, str):
            raise MemberError(
                f"expected a text as chat_template in {str(directory / name)!r}, got {found!r:.40}",
            )
        if found:
            return found
    return None


def named_tokens(directory: Path) -> Mapping[str, str]:
    """The special tokens that a template may name (``bos_token``, ...), as the files of a directory say."""
    found: dict[str, str] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        content = _json(directory / name)
        for role in _ROLES:
            token = content.get(role)
            token = token.get("content") if isinstance(token, dict) else token
            if isinstance(token, str):
                found[role] = token
    return found


def _no_default(place: Path, names: list[str]) -> MemberError:
    return MemberError(
        f"expected a chat template called 'default' in {str(place)!r} (there are several, and a question goes through "
        f"one of them), got {', '.join(names)!r:.80}"
    )


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        content = json.loads(read_text(path, limit=_LARGEST, raises=MemberError))
    except (ValueError, RecursionError) as error:
        raise MemberError(f"expected JSON in {str(path)!r}, got: {error}") from None
    return content if isinstance(content, dict) else {}
