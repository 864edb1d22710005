"""What all settings have in common: their base class, and how they say that they contradict themselves."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticKnownError, core_schema

from evoswarm.errors import show

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
LONGEST_NAME = 100  # files are called by it
Seed = Annotated[int, Field(ge=0, lt=2**63)]

KeyPath = tuple[str | int, ...]
"""The way to a value: ``("pool", 0, "name")``."""


class Settings(BaseModel):
    """Base of all parts: frozen, unknown keys refused, no infinities."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)


@dataclass(frozen=True, eq=False)  # beside None it must be hashable, and dictionaries are not
class KeyOf:
    """An annotation of strings: each must be a key of a dictionary, as that is when the string is read."""

    known: Mapping[str, object]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "enum": list(self.known)}

    def _checked(self, name: str) -> str:
        if name in self.known:
            return name
        *others, last = (repr(known) for known in self.known)
        raise PydanticKnownError("literal_error", {"expected": f"{', '.join(others)} or {last}" if others else last})


class Contradiction(ValueError):
    """Settings that do not go together; knows the path of the field to blame."""

    def __init__(self, path: KeyPath, message: str) -> None:
        self.path = path
        super().__init__(message)


def duplicates(values: Sequence[Any], path: KeyPath, field: str | None = None) -> Iterator[Contradiction]:
    """Find values that a list holds twice.

    Args:
        values: of the list.
        path: of the list.
        field: of each entry that the values belong to; None where they are the entries.
    """
    for index, value in enumerate(values):
        if value in values[:index]:
            place = (*path, index) if field is None else (*path, index, field)
            what = "entries" if field is None else "names"
            yield Contradiction(place, f"expected {what} that differ, got {show(value)} twice")


def nearest(name: str, known: Collection[str]) -> str:
    """The known name that was probably meant, else all of them."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else ", ".join(known)
