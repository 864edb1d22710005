"""One search of a comparison: what is kept of it, as one file, so that it need not be run again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evoswarm.errors import RunError, Where
from evoswarm.evolution.archive import signed
from evoswarm.evolution.settings import Objective
from evoswarm.experiment.result import SearchResult
from evoswarm.pareto import ParetoFront
from evoswarm.run_directory import INDIVIDUALS
from evoswarm.user_files import MIB, read_text

_LARGEST = 64 * MIB  # of a record


@dataclass(frozen=True)
class Searched:
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
        known = [
            best
            for count, best in zip(self.evaluations, self.best, strict=True)
            if min(count, self.limit) <= evaluations
        ]
        return known[-1] if known else None

    def to_json(self) -> str:
        """The record as JSON text."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def read(cls, file: Path) -> Searched | None:
        """The record in a file, if there is one.

        Raises:
            RunError: the file is something else.
        """
        if not file.exists():
            return None
        try:
            data: dict[str, Any] = json.loads(read_text(file, limit=_LARGEST))
            rows = {name: tuple(data[name]) for name in ("evaluations", "best", "worst")}
            return cls(**{**data, **rows, "front": tuple(tuple(point) for point in data["front"])})
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise RunError(f"expected the record of a search, got: {error}", Where(str(file))) from None


def searched(
    result: SearchResult,
    objectives: Sequence[Objective],
    curve: Sequence[tuple[int, float | None]],
    *,
    algorithm: str,
    seed: int,
    space: str,
    limit: int,
) -> Searched:
    """What is kept of a search.

    Args:
        result: its outcome; the lineage is read from its directory.
        objectives: of the space.
        curve: evaluations and best accuracy behind every generation.
        algorithm: see `Searched`, as is what follows.
        seed: of the search.
        space: digest.
        limit: evaluations allowed.
    """
    lines = (result.directory / INDIVIDUALS).read_text("utf-8").splitlines()
    points = list(dict.fromkeys(tuple(values) for line in lines if (values := json.loads(line)["objectives"])))
    front: ParetoFront[tuple[float, ...]] = ParetoFront()
    for point in points:
        front.add(signed(objectives, point), point)
    worst = [
        (min if objective.maximise else max)(column)
        for objective, column in zip(objectives, zip(*points, strict=True), strict=False)
    ]
    return Searched(
        algorithm=algorithm,
        seed=seed,
        space=space,
        limit=limit,
        evaluations=tuple(evaluations for evaluations, _ in curve),
        best=tuple(best or 0.0 for _, best in curve),
        selection=result.accuracy,
        champion=result.champion.digest,
        front=tuple(sorted((point for point, *_ in front.groups), reverse=True)),
        worst=tuple(worst),
        seconds=round(result.seconds, 1),
    )
