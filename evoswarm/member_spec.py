"""Where a member is, how it is to be loaded, and what its chat template is told."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from evoswarm.user_files import expanded

DtypeName = Literal["auto", "float32", "bfloat16", "float16"]

_GIVEN_BY_US = frozenset({"messages", "add_generation_prompt"})


class Strict(BaseModel):
    """Base of what recipes are made of: frozen, unknown keys refused, no infinities."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)


def _json_data(value: Any) -> Any:
    """What JSON gives back for a value: tuples become lists.

    Raises:
        ValueError: it is no JSON.
    """
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"expected values as JSON has them, got: {error}") from None


def _options(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    taken = sorted(_GIVEN_BY_US & set(value))
    if taken:
        raise ValueError(f"expected other names than {taken[0]!r} (every template is given it), got {taken[0]!r}")
    return {key: _json_data(entry) for key, entry in value.items()}


def _day(value: Any) -> Any:
    """A date as text.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, str):
        try:
            if date.fromisoformat(value).isoformat() == value:
                return value
        except ValueError:
            pass
        raise ValueError(f"expected a date such as 2026-01-31, got {value!r:.40}")
    return value


TemplateOptions = Annotated[dict[str, Any], BeforeValidator(_options)]
"""Variables of a chat template, as JSON data."""

TemplateDate = Annotated[str, BeforeValidator(_day)]
"""``YYYY-MM-DD``, in quotes where it stands in YAML."""


MemberPath = Annotated[str, AfterValidator(expanded)]
"""``~`` and variables of the environment are expanded when it is read: what is written later is plain."""


MEAN = "mean:"
"""Begins what stands for the place of merged weights: names of members follow, a plus between them."""


class MemberSpec(Strict):
    """Where a member is and how it is to be loaded.

    Attributes:
        name: how spaces and recipes call it (never part of a digest).
        path: a local directory (``~`` and ``${VARIABLE}`` are expanded), a hub id, or ``zoo:NAME`` for a member of the
            built-in pool.
        revision: branch, tag or commit of a hub id.
        dtype: ``auto`` is float32 on CPU and the checkpoint's own on a GPU.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        chat_template: render prompts through the tokenizer's chat template.
        trust_remote_code: it needs code that comes with its checkpoint; that runs only where the caller allows it too
            (see ``evoswarm.trust``).
        fingerprint: SHA-256 of weights, tokenizer, template and what it is told; set once the member has been loaded.
        system: what the system turn of its chat template says; an empty text is none, whatever the space says.
        template_options: variables of its chat template, such as ``enable_thinking``.
        template_date: what its chat template takes for today; set once a member whose template writes dates has been
            loaded. Nobody asks a clock.
        end_tokens: texts of tokens that end its answers, beside those that its files name.

    Example:
        >>> MemberSpec(name="mine", path="./models/mine", chat_template=True).dtype
        'auto'
    """

    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    path: MemberPath = Field(min_length=1)
    revision: str | None = None
    dtype: DtypeName = "auto"
    device: str = Field(default="auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")
    chat_template: bool = False
    trust_remote_code: bool = False
    fingerprint: str | None = None
    system: str | None = None
    template_options: TemplateOptions = Field(default_factory=dict)
    template_date: TemplateDate | None = None
    end_tokens: tuple[Annotated[str, Field(min_length=1)], ...] = ()

    @model_validator(mode="after")
    def _through_the_template(self) -> Self:
        for key in ("system", "template_options", "template_date"):
            if getattr(self, key) and not self.chat_template:
                raise ValueError(
                    f"{key}: expected chat_template: true beside it (only templates are told it), got false"
                )
        return self

    @model_serializer(mode="wrap")
    def _without_what_is_not_said(self, fields: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What came later is left out where nobody uses it: recipes and spaces from before keep their digests."""
        content: dict[str, Any] = fields(self)
        for key in _LATER:
            if not getattr(self, key) and (key != "system" or self.system is None):
                content.pop(key, None)
        return content

    def __hash__(self) -> int:
        return hash((self.name, self.path, self.revision, self.fingerprint))

    @property
    def identity(self) -> str:
        """What it is, whatever it is called: its fingerprint, or where it is while that is not known yet."""
        return self.fingerprint or f"{self.path}@{self.revision}"

    @property
    def told(self) -> dict[str, Any]:
        """What decides its prompts and its ends beside its files, as JSON data; empty where nothing is said."""
        said = {
            "system": self.system if self.chat_template else None,
            "template_options": self.template_options if self.chat_template else None,
            "template_date": self.template_date if self.chat_template else None,
            "end_tokens": sorted(set(self.end_tokens)),
        }
        return {key: value for key, value in said.items() if value}

    def says_as(self, loaded: MemberSpec) -> bool:
        """Whether a loaded member is told what this one says; a date that nobody gave was filled in."""
        known = {"template_date": loaded.template_date} if self.template_date is None else {}
        return self.chat_template == loaded.chat_template and {**self.told, **_said(known)} == loaded.told


def _said(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value}


_LATER = ("system", "template_options", "template_date", "end_tokens")
