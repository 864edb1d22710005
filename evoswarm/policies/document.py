"""The file of a policy of any kind: what decides its answers, and beside it what is known of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from evoswarm.errors import RecipeError, Where
from evoswarm.policies.about import ABOUT, About
from evoswarm.policies.mix import Recipe
from evoswarm.policies.places import placed
from evoswarm.policies.policy import Policy, policy_file, read_policy_text, refuse_later, split_about, validated
from evoswarm.policies.route import Route
from evoswarm.policies.vote import Vote

KINDS: dict[str, type[Recipe | Vote | Route]] = {"mix": Recipe, "vote": Vote, "route": Route}


@dataclass(frozen=True)
class PolicyDocument:
    """A policy with what is known of it.

    Attributes:
        policy: what decides its answers.
        about: where it comes from, how it was asked and what it scored; None where its file does not say.
    """

    policy: Policy
    about: About | None = None

    def to_json(self) -> str:
        """As JSON text, the same bytes for the same content."""
        text = self.policy.to_json()
        if self.about is None:
            return text
        about = self.about.model_dump(mode="json", exclude_defaults=True)
        return json.dumps({**json.loads(text), ABOUT: about}, indent=2) + "\n"


def read_document(text: str, file: str = "<recipe>") -> PolicyDocument:
    """Read a policy of any kind, with what its file says about it; JSON that names no kind is a mix.

    Raises:
        RecipeError: the text is no valid policy; names the file and the field.
    """
    refuse_later(text, file)
    decisive, about = split_about(text, file)
    return PolicyDocument(validated(_model(decisive, file), decisive, file), about)


def load_document(path: str | Path) -> PolicyDocument:
    """Read a policy of any kind, with what its file says about it, or the champion of a run directory.

    Raises:
        RecipeError: there is no such file, it holds no valid policy, or the directory has no champion.
    """
    file = policy_file(path)
    document = read_document(read_policy_text(file), str(file))
    return PolicyDocument(placed(document.policy, file), document.about)


def read_policy(text: str, file: str = "<recipe>") -> Policy:
    """Read a policy of any kind; JSON that names none is a mix.

    Raises:
        RecipeError: the text is no valid policy; names the file and the field.
    """
    return read_document(text, file).policy


def load_policy(path: str | Path) -> Policy:
    """Read a policy of any kind from a file, or the champion of a run directory.

    A relative path of a member's directory is looked for beside the file first, then from the working directory.

    Raises:
        RecipeError: there is no such file, it holds no valid policy, or the directory has no champion.

    Example:
        >>> load_policy(vote.save("vote.json")) == vote
        True
    """
    return load_document(path).policy


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


@contextmanager
def naming(file: str) -> Iterator[None]:
    """Errors about a recipe name its file."""
    try:
        yield
    except RecipeError as error:
        raise error if error.where else RecipeError(error.message, Where(file)) from None
