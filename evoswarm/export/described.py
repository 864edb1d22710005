"""JSON Schemas that explain their keys: editors show what docstrings say of attributes as descriptions."""

from __future__ import annotations

import inspect
import re
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

_ENTRY = re.compile(r"^ {4}(\w+): ?(.*(?:\n {8}.*)*)", re.MULTILINE)
_SECTIONS = re.compile(r"^(?:Args|Attributes|Example|Examples|Raises|Returns):$", re.MULTILINE)


def sentences(model: type) -> dict[str, str]:
    """What the docstrings of a class and its bases say of its attributes."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        section = inspect.cleandoc(base.__dict__.get("__doc__") or "").partition("Attributes:\n")[2]
        found |= {name: _one_line(text) for name, text in _ENTRY.findall(section)}
    return found


def purpose(model: type) -> str:
    """What the docstring of a class says before its sections."""
    return _one_line(_SECTIONS.split(inspect.cleandoc(model.__dict__.get("__doc__") or ""))[0])


class Described(GenerateJsonSchema):
    """Makes schemas of models: keys carry their sentences, and no titles made of their names."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """See the base class."""
        found, model = super().model_schema(schema), schema["cls"]
        properties: dict[str, Any] = found.get("properties", {})
        said = sentences(model)
        for name, field in model.model_fields.items():
            key = field.alias or name
            if name in said and key in properties:
                properties[key]["description"] = _marked(said[name])
        words = purpose(model)
        found.pop("description", None)
        return {**found, **({"description": _marked(words)} if words else {})}

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never: ``Max Bytes`` says no more than ``max_bytes``."""
        return False


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _marked(text: str) -> str:
    """Code as Markdown marks it."""
    return text.replace("``", "`")
