"""Where the members of the built-in pool lie and what their cards say; needs no heavy library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

MEMBERS_DIRECTORY = Path(__file__).parent / "members"


def names() -> list[str]:
    """Returns the names of the built-in members, sorted."""
    return sorted(path.parent.name for path in MEMBERS_DIRECTORY.glob("*/config.json"))


def member_path(name: str) -> Path:
    """Returns the directory of a built-in member.

    Raises:
        ValueError: for a name that is not in the pool.
    """
    if name not in names():
        raise ValueError(f"expected one of {', '.join(names())} as a built-in member, got {name!r}")
    return MEMBERS_DIRECTORY / name


def card(name: str) -> dict[str, Any]:
    """Returns a member's card: architecture, tokenizer, parameters, data, seed, accuracy per family.

    Raises:
        ValueError: for a name that is not in the pool.
    """
    content: dict[str, Any] = json.loads((member_path(name) / "card.json").read_text(encoding="utf-8"))
    return content
