"""Where the members of a policy's file are, whoever reads it and from where.

What a run writes names directories by absolute paths. A relative one is first looked for beside the file, so that a
file and its models can be carried about together (a bundle), and then, as files of earlier versions mean it, from the
working directory. Members of the built-in pool and ids of the hub stay as they are.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from evoswarm.errors import RecipeError, Where

if TYPE_CHECKING:
    from evoswarm.policies.policy import Policy

P = TypeVar("P", bound="Policy")

BUILT_IN = "zoo:"


def anchored(policy: P) -> P:
    """The policy with an absolute path for every member whose directory is here."""
    return _moved(policy, lambda path: str(Path(path).absolute()) if os.path.isdir(path) else path)


def placed(policy: P, file: str | Path) -> P:
    """The policy with the directories of its members as the folder of its file has them, where it has them.

    Args:
        policy: as read.
        file: that it was read from.
    """

    def beside(path: str) -> str:
        found = _beside(path, file)
        return str(found) if os.path.isdir(found) else path

    return _moved(policy, beside)


def require_members(policy: Policy, file: str | Path) -> None:
    """Refuse a policy whose members cannot be found here, before anything is loaded.

    Args:
        policy: with `placed` members.
        file: that it was read from.

    Raises:
        RecipeError: a directory is not there; names the file, the key, and the places that were looked at. What may be
            an id of the hub is looked for when it is loaded.
    """
    for key, name, path in _absent(policy):
        if _means_a_directory(path):
            expected = f"expected a model directory (of member {name!r})"
            raise RecipeError(f"{expected}, got {_looked_at(path, file):.1000}", Where(str(file), key))


def whereabouts(path: str) -> str:
    """Where a member is, in words, as far as this machine tells."""
    if path.startswith(BUILT_IN):
        return "built in"
    if os.path.isdir(path):
        return "a directory that is here"
    return "a directory that is not here" if _means_a_directory(path) else "of the hub, or not here"


def looked_for(policy: Policy, file: str | Path) -> str:
    """Where members were looked for that may be ids of the hub and are not here; empty where there is none."""
    places = [f"{key} {path!r}: {_looked_at(path, file)}" for key, _, path in _absent(policy)]
    return "; ".join(places)


def member_keys(policy: Policy) -> dict[str, str]:
    """By the name of each member, the key of a policy's file that says where it is."""
    found: dict[str, str] = {}
    for key, spec in _specs(json.loads(policy.to_json())):
        found.setdefault(str(spec["name"]), f"{key}.path")
    return found


def _beside(path: str, file: str | Path) -> Path:
    whole = Path(file).absolute()
    return (whole if whole.is_dir() else whole.parent) / path  # a bundle is named by its folder


def _looked_at(path: str, file: str | Path) -> str:
    if os.path.isabs(path):
        return f"nothing at {path}"
    return f"neither {_beside(path, file)} (beside the file) nor {Path(path).absolute()} (from the working directory)"


def _absent(policy: Policy) -> Iterator[tuple[str, str, str]]:
    """``(key, name, path)`` of the members that no directory of this machine is."""
    for key, spec in _specs(json.loads(policy.to_json())):
        path = str(spec["path"])
        if not path.startswith(BUILT_IN) and not os.path.isdir(path):
            yield f"{key}.path", str(spec["name"]), path


def _means_a_directory(path: str) -> bool:
    """Whether a path that leads nowhere was meant as one of this machine: ids of the hub are ``owner/name``."""
    return path.startswith((".", "/", "~")) or path.endswith("/") or path.count("/") > 1


def _moved(policy: P, place: Callable[[str], str]) -> P:
    paths = {spec.name: spec.path if spec.path.startswith(BUILT_IN) else place(spec.path) for spec in policy.specs}
    if all(paths[spec.name] == spec.path for spec in policy.specs):
        return policy
    return policy.bound({spec.name: spec.model_copy(update={"path": paths[spec.name]}) for spec in policy.specs})


def _specs(data: Any, key: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every member in the data of a policy's file, and its key."""
    entries = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for name, value in entries:
        place = f"{key}.{name}" if key else str(name)
        if name == "spec":
            yield place, value
        else:
            yield from _specs(value, place)
