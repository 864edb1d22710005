"""What the members of a pool score alone, item by item, beside a champion: ``alone.json`` of a run.

Who is right where others fail can be read there without a model or a ledger.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, TypeAdapter

from evoswarm.errors import RunError, Where
from evoswarm.tasks.task import SplitName
from evoswarm.user_files import MIB, read_text

LARGEST = 64 * MIB
"""Bytes: a larger file is none."""

Scores = tuple[Annotated[float, Field(ge=0, le=1)] | None, ...]
"""One per item, in order; None where a policy failed, or nobody knows."""


@dataclass(frozen=True)
class AloneOnSplit:
    """The items of a split.

    Attributes:
        items: how many of them, the first in the split's order.
        tasks: names.
        task: of each item, by its place among these.
        weight: by task, on any scale: what it counts in a mean over tasks.
        scores: by member, alone and greedy, as the space asks it.
        champion: the champion's.
        uniform: of all members with equal weights.
    """

    items: int
    tasks: tuple[str, ...]
    task: tuple[Annotated[int, Field(ge=0)], ...]
    weight: Mapping[str, Annotated[float, Field(gt=0)]]
    scores: Mapping[str, Scores]
    champion: Scores
    uniform: Scores


@dataclass(frozen=True)
class ScoresAlone:
    """All of it.

    Attributes:
        version: of the format.
        members: names, in the order of the pool.
        splits: the selection items; the test items too where they have been opened for the champion.
    """

    version: Literal[1]
    members: tuple[str, ...]
    splits: Mapping[SplitName, AloneOnSplit]

    def to_json(self) -> str:
        """As JSON text, the same bytes for the same content."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":")) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read it back.

        Raises:
            ValueError: it is something else.
        """
        found: Self = _ALONE.validate_json(text, strict=True)
        for split, one in found.splits.items():
            columns = {**one.scores, "champion": one.champion, "uniform": one.uniform}
            if one.scores.keys() != {*found.members} or one.weight.keys() != {*one.tasks}:
                raise ValueError(f"expected scores of all members and weights of all tasks in {split}, got others")
            if any(len(column) != one.items for column in (one.task, *columns.values())):
                raise ValueError(f"expected one value for each of {one.items} items in {split}, got more or fewer")
            if any(place >= len(one.tasks) for place in one.task):
                raise ValueError(f"expected places among {len(one.tasks)} tasks in {split}, got others")
        return found


def read_alone(file: Path) -> ScoresAlone:
    """Read the file.

    Raises:
        RunError: it cannot be read, or it is not as evoswarm writes it.
    """
    text = read_text(file, limit=LARGEST)
    try:
        return ScoresAlone.from_json(text)
    except ValueError as error:
        said = " ".join(str(error).split())
        message = f"expected scores as evoswarm writes them, got: {said:.300} (the file was changed by hand or damaged)"
        raise RunError(message, Where(str(file))) from None


_ALONE: TypeAdapter[Any] = TypeAdapter(ScoresAlone)
