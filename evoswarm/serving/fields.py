"""Fields of requests whose values this server does not act on: which are the same as saying nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

from evoswarm.errors import show

MOST_STOPS = 16
"""Stop strings of one request."""


class Only:
    """Of the type of a field that may be left out, or say what it would mean anyway: anything else changes the answer.

    Args:
        neutral: its values that change nothing; null is one always.
        why: nothing else can be had, as the rest of a sentence.
    """

    def __init__(self, *neutral: Any, why: str) -> None:
        self._neutral, self._why = neutral, why

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Any value, looked at."""
        return core_schema.no_info_before_validator_function(self._check, core_schema.any_schema())

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The values that there are."""
        return {"enum": [*self._neutral, None]}

    def _check(self, value: Any) -> Any:
        # False is 0 to Python, and no number to JSON
        alike = [one for one in self._neutral if isinstance(one, bool) == isinstance(value, bool)]
        if value is None or value in alike:
            return value
        wanted = " or ".join([*(show(one) for one in self._neutral), "nothing"])
        raise ValueError(f"expected {wanted} ({self._why}), got {show(value)}")


Ignored = Annotated[Any, WithJsonSchema({})]
"""The type of a field that no answer depends on, whatever it says."""


def _whole(value: Any) -> Any:
    """A whole number, also where JSON writes it with a point."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_whole)]
"""A whole number."""


def _stops(value: Any) -> Any:
    """Stop strings as a list; None is the task's."""
    found = [value] if isinstance(value, str) else value
    if found is None:
        return None
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ValueError(f"expected a text or a list of texts, got {show(value)}")
    if len(found) > MOST_STOPS:
        raise ValueError(f"expected at most {MOST_STOPS} texts, got {len(found)}")
    if not all(found):
        raise ValueError("expected texts that are not empty, got ''")
    return [encodable(one) for one in found]


def encodable(text: str) -> str:
    """A text that UTF-8 can encode.

    Raises:
        ValueError: it has lone surrogates, which JSON can write.
    """
    if any("\ud800" <= sign <= "\udfff" for sign in text):
        raise ValueError(f"expected a text that UTF-8 can encode, got {text!a:.60}")
    return text


_TEXT = {"type": "string", "minLength": 1}
Stops = Annotated[
    Any,
    BeforeValidator(_stops),
    WithJsonSchema({"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "maxItems": MOST_STOPS}, {"type": "null"}]}),
]
"""Strings that end an answer, and are no part of it: a text or several."""


def _prompts(value: Any) -> Sequence[str]:
    """Prompts of a completion, as a list."""
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not found:
        raise ValueError(f"expected a text or a list of texts, got {show(value)}")
    if any(isinstance(one, int | list) for one in found):
        raise ValueError("expected texts (members of a policy have tokens of their own, so ids mean nothing), got ids")
    if not all(isinstance(one, str) for one in found):
        raise ValueError(f"expected a text or a list of texts, got {show(value)}")
    return [encodable(one) for one in found]


Prompts = Annotated[
    Any,
    BeforeValidator(_prompts),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]
"""One prompt or several."""


def _content(value: Any) -> str:
    """The text of a message, whose parts are put together."""
    if isinstance(value, str):
        return encodable(value)
    if not isinstance(value, list) or not value:
        raise ValueError(f"expected a text or a list of parts of type text, got {show(value)}")
    parts = []
    for part in value:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind != "text" or not isinstance(part.get("text"), str):
            raise ValueError(f"expected parts of type text (members read nothing else), got {show(kind or part)}")
        parts.append(encodable(part["text"]))
    return "".join(parts)


_PART = {
    "type": "object",
    "properties": {"type": {"const": "text"}, "text": {"type": "string"}},
    "required": ["type", "text"],
}
Content = Annotated[
    Any,
    BeforeValidator(_content),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": _PART, "minItems": 1}]}),
]
"""What a message says: a text, or parts of texts."""
