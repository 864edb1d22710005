"""A number that a fusion rule is tuned by, with everything that the rest of the house derives from it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

_INFINITIES = {"min": -math.inf, "max": math.inf}


@dataclass(frozen=True)
class Parameter:
    """A parameter: its name, its values, and how a search treats it.

    Attributes:
        name: in Python, in genomes and in tables; the same name is the same parameter in every rule that has it.
        key: in files, where it is not the name.
        meaning: what it does, in a phrase for tables and schemas.
        default: the value that a recipe has where nothing is said or the rule does not use it.
        searched: (low, high), the range that a search space offers unless it says otherwise.
        at_least: the smallest value.
        at_most: the largest.
        infinite: the infinities are values too; files write the strings "min" and "max" for them.
        start: the value that a search begins with, where it is not the default.
        atoms: (value, probability) pairs of values that random draws shall hit exactly, where the range has them.
        everywhere: files of version 1 name it under every rule, and every search draws it. Never for a new parameter:
            one that is not goes into the files and the searches of the rules that use it.
        optional: files name it only where it is not the default, and a search draws it only where the space says from
            which range. So recipes and spaces from before it was there are the same, to their digests.
        under: the name of another parameter; while that has its default, this one does nothing.
    """

    name: str
    meaning: str
    default: float
    searched: tuple[float, float]
    key: str = ""
    at_least: float = -math.inf
    at_most: float = math.inf
    infinite: bool = False
    start: float | None = None
    atoms: tuple[tuple[float, float], ...] = ()
    everywhere: bool = False
    optional: bool = False
    under: str = ""

    @property
    def file_key(self) -> str:
        """Its key in recipes and search spaces."""
        return self.key or self.name

    @property
    def first(self) -> float:
        """The value that a search begins with, where its range has it."""
        return self.default if self.start is None else self.start

    def read(self, value: Any) -> Any:
        """A value as it stands in a file: JSON and YAML spell infinities as "min" and "max".

        Raises:
            ValueError: it is not a number.
        """
        if isinstance(value, float) and math.isnan(value):
            raise ValueError("expected a number, got nan")
        return _INFINITIES.get(value, value) if self.infinite and isinstance(value, str) else value

    def written(self, value: float) -> float | str:
        """A value as it is written to files."""
        return next((name for name, infinity in _INFINITIES.items() if value == infinity), value)
