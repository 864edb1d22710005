"""One search of a comparison: what is kept of it, as one file, so that it need not be run again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from evoswarm.errors import RunError, Where
from evoswarm.evolution.archive import signed
from evoswarm.evolution.settings import Objective
from evoswarm.pareto import ParetoFront
from evoswarm.run_directory import INDIVIDUALS
from evoswarm.user_files import MIB, read_text

if TYPE_CHECKING:
    from evoswarm.experiment.result import SearchResult

_LARGEST = 64 * MIB  # of a record


@dataclass(frozen=True)
class SearchRecord:
    """A search that ended.

    Attributes:
        algorithm: which one searched.
        seed: of the search.
        space: digest of the space, apart from algorithm and seed.
        limit: evaluations that it was allowed.
        evaluations: (recipe, item) pairs asked for, behind every generation.
        best: the greatest accuracy on the search split so far, behind every generation.
        selection: the champion's accuracy on the selection split.
        champion: its digest.
        front: raw objectives of the Pareto front on the search split.
        worst: the worst raw value of each objective that any success had.
        seconds: that the search took.
    """

    algorithm: str
    seed: int
    space: str
    limit: int
    evaluations: tuple[int, ...]
    best: tuple[float, ...]
    selection: float
    champion: str
    front: tuple[tuple[float, ...], ...]
    worst: tuple[float, ...]
    seconds: float

    @property
    def final(self) -> float:
        """The best accuracy on the search split."""
        return self.best[-1] if self.best else 0.0

    @property
    def area(self) -> float:
        """Mean over the evaluations of the best accuracy so far: the area under that curve, from 0 to 1.

        A generation counts with what is known at its end; evaluations beyond the limit do not count, and where a
        search ended before the limit its last value holds on.
        """
        covered, total = 0, 0.0
        for evaluations, best in zip(self.evaluations, self.best, strict=True):
            reached = min(evaluations, self.limit)
            total += best * (reached - covered)
            covered = reached
        return (total + self.final * (self.limit - covered)) / self.limit

    def at(self, evaluations: float) -> float | None:
        """The best accuracy that was known after so many evaluations; None before the first generation's end."""
        curve = zip(self.evaluations, self.best, strict=True)
        known = [best for count, best in curve if min(count, self.limit) <= evaluations]
        return known[-1] if known else None

    def to_json(self) -> str:
        """The record as JSON text."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def read(cls, file: Path) -> SearchRecord:
        """The record in a file.

        Raises:
            RunError: the file is something else.
        """
        try:
            return TypeAdapter(cls).validate_json(read_text(file, limit=_LARGEST))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = ".".join(map(str, first["loc"]))
            message = (
                f"expected the record of a search (move the file away to have it searched anew), got: {first['msg']}"
            )
            raise RunError(message, Where(str(file), field)) from None


def objectives_seen(
    result: SearchResult, objectives: Sequence[Objective]
) -> tuple[tuple[tuple[float, ...], ...], tuple[float, ...]]:
    """The Pareto front of a search, best first, and the worst value of each objective; its lineage is read."""
    lines = (result.directory / INDIVIDUALS).read_text("utf-8").splitlines()
    points = list(dict.fromkeys(tuple(values) for line in lines if (values := json.loads(line)["objectives"])))
    front: ParetoFront[tuple[float, ...]] = ParetoFront()
    for point in points:
        front.add(signed(objectives, point), point)
    worst = [
        (min if objective.maximise else max)(column)
        for objective, column in zip(objectives, zip(*points, strict=True), strict=False)
    ]
    return tuple(sorted((point for point, *_ in front.groups), reverse=True)), tuple(worst)
