"""Turns pydantic's errors into one sentence: "expected X (because), got Y", and the path of the field."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import ErrorDetails

from evoswarm.errors import show
from evoswarm.settings import Contradiction, KeyPath
from evoswarm.space.source_map import SourceMap

_TYPES: Mapping[str, str] = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "a text (a number or a date goes into quotes)",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping (key: value)",
    "model_type": "a mapping (key: value)",
    "model_attributes_type": "a mapping (key: value)",
}
_BOUNDS: Mapping[str, tuple[str, str]] = {
    "greater_than": ("gt", "a number greater than"),
    "greater_than_equal": ("ge", "a number of at least"),
    "less_than": ("lt", "a number less than"),
    "less_than_equal": ("le", "a number of at most"),
}
_PATTERNS: Mapping[str, str] = {
    "name": "a name of letters, digits, '.', '_' and '-' that begins with a letter or digit",
    "device": "auto, cpu, mps, cuda or cuda:N",
    "prompt_format": "a text with {prompt} in it",
    "uri": "http(s)://HOST, sqlite:///FILE or file:DIRECTORY",
    "objectives": "accuracy, accuracy:TASK, flops, weight_reads, passes or open_share",
}


def explain(
    errors: Sequence[ErrorDetails], data: Mapping[str, Any], schema: Mapping[str, Any], source: SourceMap
) -> tuple[KeyPath, str]:
    """Choose the error to show, and put it into words.

    An unknown key comes first: a misspelt key is often also a missing one. Then the first in the file, but a list that
    is too short last: pydantic counts only the entries that are right.

    Args:
        errors: of one validation, at least one.
        data: what was validated.
        schema: the JSON schema of the model.
        source: where the data stood.
    """

    def order(error: ErrorDetails) -> tuple[bool, bool, int, int]:
        where = source.where(_path(error, data))
        return error["type"] != "extra_forbidden", error["type"] == "too_short", where.line or 0, where.column or 0

    error = min(errors, key=order)
    path = _path(error, data)
    return path, _sentence(error, path, schema)


def _path(error: ErrorDetails, data: Mapping[str, Any]) -> KeyPath:
    """The location in the data: pydantic's also names the branches of unions, which no file has."""
    contradiction = error.get("ctx", {}).get("error")
    if isinstance(contradiction, Contradiction):
        return contradiction.path
    path: list[str | int] = []
    node: Any = data
    for part in error["loc"]:
        is_entry = isinstance(node, list | tuple) and isinstance(part, int) and 0 <= part < len(node)
        if is_entry or (isinstance(node, Mapping) and part in node):
            path.append(part)
            node = node[part]
    if error["type"] in ("union_tag_not_found", "union_tag_invalid"):
        path.append(_discriminator(error))
    elif error["type"] == "missing":
        path.append(error["loc"][-1])
    return tuple(path)


def _discriminator(error: ErrorDetails) -> str:
    """The key that says which part of a union is meant."""
    return str(error["ctx"]["discriminator"]).strip("'")


def _sentence(error: ErrorDetails, path: KeyPath, schema: Mapping[str, Any]) -> str:
    kind, context, got = error["type"], error.get("ctx", {}), show(error["input"])
    if kind == "value_error":
        return str(context["error"])
    if kind == "missing":
        what = f"a value for {path[-1]!r} (it has no default)" if isinstance(path[-1], str) else "one more entry"
        return f"expected {what}, got nothing"
    if kind == "extra_forbidden":
        return f"expected {_known_keys(error, path, schema)}, got {path[-1]!r}"
    if kind == "literal_error":
        return f"expected {_one_of(context['expected'], error['input'])}, got {got}"
    if kind == "union_tag_invalid":
        return f"expected {_one_of(context['expected_tags'], context['tag'])}, got {show(context['tag'])}"
    if kind == "union_tag_not_found":
        options = " or ".join(_node_at(error["loc"], schema)["discriminator"]["mapping"])
        return f"expected a value for {_discriminator(error)!r} ({options}), got nothing"
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        bound = context[key]
        return f"expected {words} {int(bound) if bound == int(bound) else bound}, got {got}"
    if kind in ("too_short", "string_too_short"):
        least = context["min_length"]
        one, many = ("entry", "entries") if kind == "too_short" else ("character", "characters")
        return f"expected at least {least} {one if least == 1 else many}, got {got}"
    if kind == "string_too_long":
        return f"expected at most {context['max_length']} characters, got {len(error['input'])}"
    if kind == "too_long":
        return f"expected at most {context['max_length']} entries, got {context.get('actual_length', 'more')}"
    if kind == "string_pattern_mismatch":
        words = next((words for name, words in _PATTERNS.items() if name in path), context["pattern"])
        return f"expected {words}, got {got}"
    return f"expected {_TYPES.get(kind) or _lower(error['msg'])}, got {got}"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _one_of(expected: str, got: Any) -> str:
    """`'a', 'b' or 'c'` -> `one of a, b, c (did you mean b?)`."""
    options = [option.strip(" '") for option in expected.replace(" or ", ", ").split(",")]
    if len(options) == 1:
        return options[0]
    near = difflib.get_close_matches(str(got), options, n=1)
    return f"one of {', '.join(options)}" + (f" (did you mean {near[0]}?)" if near else "")


def _known_keys(error: ErrorDetails, path: KeyPath, schema: Mapping[str, Any]) -> str:
    known = list(_node_at(error["loc"][:-1], schema).get("properties", {}))
    name = str(path[-1])
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    if near:
        return f"a known key (did you mean {near[0]!r}?)"
    elsewhere = _keys_elsewhere(schema)
    near = difflib.get_close_matches(name, elsewhere, n=1, cutoff=0.8)
    if near:
        return f"a known key (did you mean {elsewhere[near[0]]}?)"
    return f"a known key ({', '.join(known)})"


def _node_at(location: Sequence[str | int], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the schema has at one of pydantic's locations."""
    node = _resolve(schema, schema)
    for part in location:
        properties = node.get("properties", {})
        if part in properties:
            node = properties[part]
        elif isinstance(node.get("additionalProperties"), Mapping):
            node = node["additionalProperties"]
        elif isinstance(part, int):
            node = node.get("items", {})
        elif part in node.get("discriminator", {}).get("mapping", {}):
            node = {"$ref": node["discriminator"]["mapping"][part]}
        elif "oneOf" in node or "anyOf" in node:
            node = next((option for option in node.get("oneOf", node.get("anyOf", ())) if "items" in option), {})
        node = _resolve(node, schema)
    return node


def _resolve(node: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow references, and step into the part of an optional value that is not null."""
    while True:
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]
        elif "anyOf" in node and {"type": "null"} in node["anyOf"]:
            node = next(option for option in node["anyOf"] if option != {"type": "null"})
        else:
            return node


def _keys_elsewhere(schema: Mapping[str, Any]) -> dict[str, str]:
    """Where a key would be at home: `population` -> `evolution.population`."""
    homes: dict[str, str] = {}
    for section, node in schema["properties"].items():
        inside = _resolve(node, schema).get("properties", {})
        homes.update({key: f"{section}.{key}" for key in inside if key not in homes})
    return {**homes, **{key: f"{key} at the top" for key in schema["properties"]}}
