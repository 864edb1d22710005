"""Where each value of a space came from: a line of a file, or an override of the command line."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from evoswarm.errors import Where
from evoswarm.settings import KeyPath


def dotted(path: KeyPath) -> str:
    """``pool.0.name``."""
    return ".".join(str(part) for part in path)


@dataclass(frozen=True, eq=False)
class SourceMap:
    """Places by path. Where a space came from is no part of what it is: all source maps are equal.

    Attributes:
        file: the space's file.
        places: of the values that the file or an override has.
    """

    file: str = "<space>"
    places: Mapping[KeyPath, Where] = field(default_factory=dict)

    def where(self, path: KeyPath) -> Where:
        """The place of a value, or of the nearest value around it."""
        for length in range(len(path), -1, -1):
            place = self.places.get(path[:length])
            if place is not None:
                return dataclasses.replace(place, path=dotted(path))
        return Where(self.file, dotted(path))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SourceMap)

    def __hash__(self) -> int:
        return 0
