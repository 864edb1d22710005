"""What all settings have in common: their base class, and how they say that they contradict themselves."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from evoswarm.errors import show

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
LONGEST_NAME = 100  # files are called by it
Seed = Annotated[int, Field(ge=0, lt=2**63)]

KeyPath = tuple[str | int, ...]
"""The way to a value: ``("pool", 0, "name")``."""


class Settings(BaseModel):
    """Base of all parts: frozen, unknown keys refused, no infinities."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)


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
