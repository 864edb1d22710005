"""Policies: whatever answers items and is searched, chosen, certified and exported. Data only, one kind a file."""

from __future__ import annotations

import json
from pathlib import Path

from evoswarm.errors import RecipeError, Where
from evoswarm.policies.mix import Recipe
from evoswarm.policies.policy import Policy, policy_file, read_policy_text
from evoswarm.policies.route import Route
from evoswarm.policies.vote import Vote

__all__ = ["KINDS", "Policy", "Recipe", "Route", "Vote", "load_policy", "read_policy"]

KINDS: dict[str, type[Recipe | Vote | Route]] = {"mix": Recipe, "vote": Vote, "route": Route}


def read_policy(text: str, file: str = "<recipe>") -> Policy:
    """Read a policy of any kind; JSON that names none is a mix.

    Raises:
        RecipeError: the text is no valid policy; names the file and the field.
    """
    return _model(text, file).from_json(text, file)


def load_policy(path: str | Path) -> Policy:
    """Read a policy of any kind from a file, or the champion of a run directory.

    Raises:
        RecipeError: there is no such file, it holds no valid policy, or the directory has no champion.

    Example:
        >>> load_policy(vote.save("vote.json")) == vote
        True
    """
    file = policy_file(path)
    return read_policy(read_policy_text(file), str(file))


def _model(text: str, file: str) -> type[Recipe | Vote | Route]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return Recipe  # says what is wrong with it
    kind = content.get("kind", "mix") if isinstance(content, dict) else "mix"
    if not isinstance(kind, str) or kind not in KINDS:
        others = " or ".join(name for name in KINDS if name != "mix")
        raise RecipeError(f"expected {others} (a mix names no kind), got {kind!r:.80}", Where(file, "kind"))
    return KINDS[kind]
