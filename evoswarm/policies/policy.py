"""What every policy offers, and how it is written and read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, TypeVar, cast, runtime_checkable

from pydantic import BaseModel, ValidationError

from evoswarm.durable import write_file
from evoswarm.errors import RecipeError, Where
from evoswarm.member_spec import MemberSpec, Strict
from evoswarm.policies.about import ABOUT, About
from evoswarm.policies.places import placed
from evoswarm.run_directory import CHAMPION
from evoswarm.user_files import MIB, expanded, read_text

if TYPE_CHECKING:
    from evoswarm.policies.mix import Recipe

M = TypeVar("M", bound=BaseModel)

VERSION = 1
"""Of the format of all kinds: files of this one and of earlier ones are read, those that name none are of the first."""

_LARGEST = 64 * MIB  # of a file; a recipe of fifty members has some 30 kB, but worked examples may be long

Role = Literal["lead", "follower", "voter"]
"""A lead speaks at every step, a follower where the gate is open for it; a voter answers on its own."""


@runtime_checkable
class Policy(Protocol):
    """Anything that answers items and is searched, chosen, certified and exported. Frozen data; no model is loaded.

    A policy answers from what its *mixes* decode: `evoswarm.evaluation` decodes them and puts the answer together.

    Example:
        >>> [isinstance(one, Policy) for one in (recipe, vote, route)]
        [True, True, True]
        >>> route.words()[-1]
        'Anything else: adder alone. Alphabet bytes: a step is one byte. One greedy answer.'
    """

    @property
    def kind(self) -> str:
        """Its key in `evoswarm.policies.KINDS`."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 of what decides its answers: equal digests, equal answers."""
        ...

    @property
    def specs(self) -> tuple[MemberSpec, ...]:
        """The members it needs, each once."""
        ...

    @property
    def prompt_format(self) -> str:
        """How a raw question becomes a prompt; ``{prompt}`` stands for the question."""
        ...

    @property
    def removable(self) -> tuple[str, ...]:
        """Names of the members that it could do without while the others keep their roles."""
        ...

    def role(self, name: str) -> Role:
        """What a member does in it."""
        ...

    @property
    def reads_prompts(self) -> bool:
        """Whether the prompt of an item decides, beside its task, what has to be decoded."""
        ...

    def mixes(self, task: str, prompt: str | None = None) -> tuple[Recipe, ...]:
        """What has to be decoded to answer an item.

        Args:
            task: its name.
            prompt: as the task words it; None is any, and gives all that may be needed.
        """
        ...

    def without(self, name: str) -> Self | None:
        """The same less one member; None where nothing would be left."""
        ...

    def bound(self, specs: Mapping[str, MemberSpec]) -> Self:
        """The same with other specs for its members, by name."""
        ...

    def words(self, spoken: Mapping[str, float] | None = None) -> list[str]:
        """Describe it, one sentence per line.

        Args:
            spoken: share of the decoding steps at which a member really spoke, by name, where it is known.
        """
        ...

    def parameters(self) -> dict[str, Any]:
        """What it is made of, flat, for trackers and tables."""
        ...

    def to_json(self) -> str:
        """As JSON text, the same bytes for the same policy."""
        ...

    def save(self, path: str | Path) -> Path:
        """Write it to a file, whole or not at all."""
        ...


class PolicyModel(Strict):
    """Base of the kinds: strict, versioned JSON."""

    @property
    def reads_prompts(self) -> bool:
        """Whether the prompt of an item decides, beside its task, what has to be decoded."""
        return False

    def to_json(self) -> str:
        """As JSON text, the same bytes for the same policy."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str, file: str = "<recipe>") -> Self:
        """Read what ``to_json`` wrote; what else the file says of the policy is checked, and left aside.

        Raises:
            RecipeError: the text is no valid policy of this kind; names the file and the field.
        """
        refuse_later(text, file)
        decisive, _ = split_about(text, file)
        _refuse_other_kinds(cls, decisive, file)
        return validated(cls, decisive, file)

    def save(self, path: str | Path) -> Path:
        """Write it to a file, whole or not at all."""
        return write_file(Path(path), self.to_json())

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read one from a file, or the champion of a run directory.

        Raises:
            RecipeError: there is no such file, it holds no valid policy of this kind, or the directory has no champion.
        """
        file = policy_file(path)
        found: Any = cls.from_json(read_policy_text(file), str(file))
        return cast("Self", placed(found, file))

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """The JSON Schema of the format."""
        return schema_of(cls)


def named_once(specs: Iterable[MemberSpec]) -> None:
    """Refuse two members of one name.

    Raises:
        ValueError: names it.
    """
    known: dict[str, MemberSpec] = {}
    for spec in specs:
        if known.setdefault(spec.name, spec) != spec:
            raise ValueError(f"expected one member behind each name, got two that are called {spec.name!r}")


def policy_file(path: str | Path) -> Path:
    """The file of a policy: the path itself, or the champion in a run directory.

    Raises:
        RecipeError: the directory has no champion, or the path names a variable that is not set.
    """
    try:
        file = Path(expanded(str(path)))
    except ValueError as error:
        raise RecipeError(str(error), Where(str(path))) from None
    if os.path.isdir(file):  # unlike pathlib's, no error for a name that is too long
        file = file / CHAMPION
        if not file.exists():
            message = (
                f"expected a run directory with a {CHAMPION} (its search has ended) or a bundle, got one without it"
            )
            raise RecipeError(message, Where(str(path)))
    return file


def read_policy_text(file: Path) -> str:
    """The text of a policy's file.

    Raises:
        RecipeError: it cannot be read, or is far too large.
    """
    text = read_text(file, limit=_LARGEST, raises=RecipeError)
    if not text.strip():
        raise RecipeError("expected a recipe as JSON, got an empty file", Where(str(file)))
    return text


def _refuse_other_kinds(model: type[PolicyModel], text: str, file: str) -> None:
    """Refuse a policy of another kind than the one that is to be read, before its keys are.

    Raises:
        RecipeError: says what it is, and what reads it.
    """
    try:
        content = json.loads(text) if '"kind"' in text else None
    except (ValueError, RecursionError):
        return  # whoever reads the policy says what is wrong
    kind = content.get("kind") if isinstance(content, dict) else None
    own = getattr(model, "kind", None) or model.model_fields["kind"].default
    if isinstance(kind, str) and kind != own:
        message = (
            f"expected a {own} ({model.__name__} reads no other kind; evoswarm.load_policy reads all), got a {kind}"
        )
        raise RecipeError(f"{message:.300}", Where(file, "kind"))


def refuse_later(text: str, file: str) -> None:
    """Refuse a policy's file of a later version before anything else in it is looked at: what it says may mean more.

    Raises:
        RecipeError: names the version, and the one that is read here.
    """
    try:
        content = json.loads(text) if '"version"' in text else None
    except (ValueError, RecursionError):
        return  # whoever reads the policy says what is wrong
    version = content.get("version") if isinstance(content, dict) else None
    if isinstance(version, int) and not isinstance(version, bool) and version > VERSION:
        message = f"expected a policy of version {VERSION} (the latest that this evoswarm reads), got version {version}"
        raise RecipeError(f"{message:.200}: a later evoswarm wrote it, and reads it", Where(file, "version"))


def split_about(text: str, file: str) -> tuple[str, About | None]:
    """The text of a policy's file without what it says about the policy, and that.

    Raises:
        RecipeError: what it says is not valid; names the file and the field.
    """
    try:
        content = json.loads(text) if f'"{ABOUT}"' in text else None
    except (ValueError, RecursionError):
        return text, None  # whoever reads the policy says what is wrong
    if not isinstance(content, dict) or ABOUT not in content:
        return text, None
    about = json.dumps(content.pop(ABOUT))
    return json.dumps(content), validated(About, about, file, ABOUT)


def validated(model: type[M], text: str, file: str, key: str = "") -> M:
    """A part of a policy's file.

    Args:
        model: of it.
        text: its JSON.
        file: that it stands in.
        key: under which it stands there.

    Raises:
        RecipeError: it is not valid; names the file and the field.
    """
    try:
        return model.model_validate_json(text, strict=True)
    except ValidationError as error:
        path, message = _first_mistake(error)
        raise RecipeError(message, Where(file, ".".join(filter(None, (key, path))))) from None


def schema_of(model: type[PolicyModel]) -> dict[str, Any]:
    """The JSON Schema of the files of a kind of policy: the policy, and what may be said about it beside it."""
    schema = model.model_json_schema(by_alias=True)
    about = About.model_json_schema(by_alias=True)
    schema["$defs"] = {**schema.get("$defs", {}), **about.pop("$defs"), About.__name__: about}
    schema["properties"][ABOUT] = {"$ref": f"#/$defs/{About.__name__}"}
    return schema


def _first_mistake(error: ValidationError) -> tuple[str, str]:
    """Field and sentence of the first thing that is wrong."""
    first = error.errors(include_url=False)[0]
    path = ".".join(str(part) for part in first["loc"])
    if first["type"] == "value_error":
        return path, str(first["ctx"]["error"])
    if first["type"] == "json_invalid":
        return path, f"expected JSON, got: {first['ctx']['error']}"
    if first["type"] == "missing":
        return path, "expected a value (it has no default), got nothing"
    if first["type"] == "union_tag_invalid":
        return f"{path}.kind", f"expected one of {first['ctx']['expected_tags']}, got {first['ctx']['tag']!r:.80}"
    if first["type"] == "union_tag_not_found":
        return path, f"expected a policy, got {first['input']!r:.80}"
    if first["type"] == "extra_forbidden":
        return path, f"expected a known key, got {first['loc'][-1]!r:.80}"
    if first["type"] == "too_short":
        least = first["ctx"]["min_length"]
        return path, f"expected at least {least} {'entry' if least == 1 else 'entries'}, got {first['input']!r:.80}"
    if path == "version":
        expected = first["msg"].removeprefix("Input should be ")
        return path, f"expected {expected} (what this evoswarm reads and writes), got {first['input']!r:.80}"
    expected = first["msg"].removeprefix("Input should be ")
    return path, f"expected {expected}, got {first['input']!r:.80}"
