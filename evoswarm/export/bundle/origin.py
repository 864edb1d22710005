"""Where a member comes from, as the hub knows it: its id, and the licence that its card names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from evoswarm.checkpoint import Description, Unfit, adapter_of
from evoswarm.export.bundle import CARD
from evoswarm.export.members import MemberHere
from evoswarm.policies.places import BUILT_IN

_CACHED = re.compile(r"models--(?P<owner>[^/]+?)--(?P<name>[^/]+)/snapshots/")
_FRONT_MATTER = re.compile(r"\A---\s*\n(.*?)\n---\s*(?:\n|\Z)", re.DOTALL)
_LARGEST_CARD = 1 << 20


def hub_ids(original: str, member: MemberHere) -> list[str]:
    """The ids of the hub that a member is known by; none for what never was there.

    Args:
        original: its path in the policy.
        member: as it is here.

    Returns:
        Of an adapter its own, where it has one, and its base's; of a directory what the cache of the hub, its
        config.json or its card say.
    """
    if original.startswith(BUILT_IN):
        return []
    own = [original] if not os.path.isdir(original) else [*_said(member.directory)][:1]
    return list(dict.fromkeys(one for one in [*own, *_base(member)] if _is_hub_id(one)))


def licence_of(original: str, member: MemberHere) -> str | None:
    """The licence that a member's own card names, as the hub writes it; None where nothing says.

    Args:
        original: its path in the policy.
        member: as it is here.
    """
    if original.startswith(BUILT_IN):
        return "apache-2.0"  # as evoswarm itself
    said = card_data(member.directory).get("license")
    named = isinstance(said, str) and re.fullmatch(r"[A-Za-z0-9.+-]{1,60}", said) and said != "other"
    return str(said) if named else None


def card_data(directory: Path) -> dict[str, Any]:
    """What the head of a model's card says, as data; empty where there is none that can be read."""
    file = directory / CARD
    try:
        if not file.is_file():
            return {}
        with file.open("rb") as stream:
            text = stream.read(_LARGEST_CARD).decode("utf-8", errors="replace")
        head = _FRONT_MATTER.match(text)
        found = None if head is None else YAML(typ="safe", pure=True).load(head[1])
    except (OSError, YAMLError, ValueError, RecursionError):
        return {}  # somebody else's card: it decides nothing
    return found if isinstance(found, dict) else {}


def _said(directory: Path) -> Iterator[str]:
    cached = _CACHED.search(f"{Path(os.path.abspath(directory)).as_posix()}/")
    if cached is not None:
        yield f"{cached['owner']}/{cached['name']}"
    try:
        named = Description(directory).json("config.json").get("_name_or_path")
    except Unfit:
        named = None
    if isinstance(named, str) and _is_hub_id(named) and not os.path.isdir(named):
        yield named
    based = card_data(directory).get("base_model")
    for one in based if isinstance(based, list) else [based]:
        if isinstance(one, str) and _is_hub_id(one):
            yield one


def _base(member: MemberHere) -> Iterator[str]:
    """The base of an adapter."""
    try:
        adapter = adapter_of(Description(member.directory))
    except Unfit:
        return
    if adapter is None:
        return
    if adapter.local_base is None:
        yield adapter.base
    else:
        yield from [*_said(adapter.local_base)][:1]


def _is_hub_id(text: str) -> bool:
    """Whether a text is one of owner and name, as the hub checks it."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(text)
    except HFValidationError:
        return False
    return text.count("/") == 1
