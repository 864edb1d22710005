"""Rules and their parameters as keys of files: one key for each parameter of the rules that there are.

Keys are looked up when data is read, so that they are those of `RULES`, whatever has been added to it.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    Strict,
    ValidationInfo,
    create_model,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from evoswarm.fusion import RULES, Parameter, parameters_of
from evoswarm.settings import KeyOf

RuleName = Annotated[str, KeyOf(RULES)]
"""The name of a rule of `RULES`."""


@lru_cache(maxsize=64)
def number(parameter: Parameter) -> Any:
    """The type of a parameter's value, for pydantic: bounds, and the words for infinities."""
    bounds: dict[str, Any] = {"allow_inf_nan": parameter.infinite}
    bounds |= {"ge": parameter.at_least} if math.isfinite(parameter.at_least) else {}
    bounds |= {"le": parameter.at_most} if math.isfinite(parameter.at_most) else {}
    checked = Annotated[float, Strict(), Field(**bounds)]
    words = BeforeValidator(parameter.read, json_schema_input_type=float | Literal["min", "max"])
    return Annotated[checked, words] if parameter.infinite else checked


class ByParameter(BaseModel):
    """A model with a key for each parameter of the rules, beside those of its fields.

    A subclass has a field ``parameters: SkipValidation[Mapping[str, T]]``, which holds the values by the parameters'
    names and is no key itself; where it stands among the fields the keys stand in files.
    """

    @property
    @abstractmethod
    def rules_named(self) -> Iterable[str]:
        """The rules whose parameters are written."""

    @classmethod
    @abstractmethod
    def value_of(cls, parameter: Parameter) -> tuple[Any, Any]:
        """Type and default of what stands behind a parameter's key."""

    @classmethod
    def keys(cls) -> type[BaseModel]:
        """The keys of parameters as a model of their own."""
        return _model(cls, tuple(parameters_of(RULES).values()))

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, data: Any, info: ValidationInfo) -> Any:
        """Values move from their keys to the one field that holds them."""
        if not isinstance(data, Mapping):
            return data
        model = cls.keys()
        known = {"parameters", *model.model_fields, *(field.alias for field in model.model_fields.values())}
        given = model.model_validate({key: value for key, value in data.items() if key in known})
        rest = {key: value for key, value in data.items() if key not in known}
        if info.mode == "json":  # whose lists are taken for tuples, but not behind a validator in Python
            rest = {key: tuple(value) if isinstance(value, list) else value for key, value in rest.items()}
        return {**rest, "parameters": {name: getattr(given, name) for name in model.model_fields}}

    @model_serializer(mode="wrap")
    def _spread(self, fields: SerializerFunctionWrapHandler, info: SerializationInfo) -> dict[str, Any]:
        """And back: those of the rules in question, where the field stands."""
        content: dict[str, Any] = {}
        values: Mapping[str, Any] = self.parameters  # type: ignore[attr-defined]  # a field of all that mixes this in
        for key, value in fields(self).items():
            if key != "parameters":
                content[key] = value
                continue
            for name, parameter in parameters_of(self.rules_named).items():
                if parameter.optional and values[name] == self.value_of(parameter)[1]:
                    continue
                place = parameter.file_key if info.by_alias else name
                content[place] = _plain(parameter, values[name]) if info.mode_is_json() else values[name]
        return content

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The keys of parameters take the place of the field."""
        found = handler.resolve_ref_schema(handler(schema))
        keys = cls.keys().model_json_schema(by_alias=True)["properties"]
        properties: dict[str, Any] = {}
        for key, value in found["properties"].items():
            properties |= keys if key == "parameters" else {key: value}
        found["properties"] = properties
        return found


@lru_cache(maxsize=8)
def _model(owner: type[ByParameter], parameters: tuple[Parameter, ...]) -> type[BaseModel]:
    """One field for each parameter."""
    fields: dict[str, Any] = {}
    for parameter in parameters:
        kind, default = owner.value_of(parameter)
        described = Field(default=default, alias=parameter.file_key, description=parameter.meaning)
        fields[parameter.name] = (kind, described)
    return create_model("Parameters", __config__=ConfigDict(extra="forbid", populate_by_name=True), **fields)


def _plain(parameter: Parameter, value: Any) -> Any:
    return [parameter.written(one) for one in value] if isinstance(value, tuple) else parameter.written(value)
