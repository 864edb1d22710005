"""What is wrong with the fields of a request, as one sentence about the first of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evoswarm.errors import show
from evoswarm.serving.errors import RequestRefused, invalid

_BODY = "body"


def refusal_of(errors: Sequence[Mapping[str, Any]]) -> RequestRefused:
    """The refusal of a request that does not validate.

    Args:
        errors: as pydantic lists them; places begin with the part of the request that they are in.
    """
    first = errors[0]
    place = [str(part) for part in first["loc"] if part != _BODY]
    if first["type"] == "json_invalid":
        return invalid(f"expected JSON, got: {first['ctx']['error']} at character {place[-1]}", code="no_json")
    if first["type"] == "extra_forbidden":
        message = f"{'.'.join(place)}: expected no such field (nothing here follows it), got {show(first['input'])}"
        return invalid(message, ".".join(place), "unknown_field")
    if first["type"] == "missing":
        message = "expected a value (nothing can be answered without it), got none"
    elif first["type"] == "too_short":
        message = f"expected at least {first['ctx']['min_length']}, got {show(first['input'])}"
    elif first["type"] in ("model_attributes_type", "model_type", "dict_type"):
        message = f"expected an object, got {show(first['input'])}"
    elif first["type"] == "value_error":
        message = str(first["ctx"]["error"])
    else:
        said = str(first["msg"]).removeprefix("Input should be ").removeprefix("Input should ")
        message = f"expected {said[:1].lower()}{said[1:]}, got {show(first['input'])}"
    if not place:  # of a check of several fields, which says itself which it blames
        field = message.partition(":")[0]
        return invalid(message, field if field.isidentifier() else None)
    return invalid(f"{'.'.join(place)}: {message}", ".".join(place))
