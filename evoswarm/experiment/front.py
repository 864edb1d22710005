"""The Pareto front of a search: by which axes, and how far it has come while the search goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from evoswarm.evaluation.evaluation import Summary
from evoswarm.pareto import ParetoFront, hypervolume


def axes_of(objectives: Sequence[str]) -> tuple[str, ...]:
    """What a front is about: the objectives of the search; of a single one, accuracy against FLOPs."""
    return tuple(objectives) if len(objectives) > 1 else ("accuracy", "flops")


def point_of(summary: Summary, axes: Sequence[str]) -> tuple[float, ...]:
    """Where a policy that did not fail stands, with signs such that larger is better in each axis."""
    return tuple(summary.objective(name) * (1 if _is_accuracy(name) else -1) for name in axes)


@dataclass(frozen=True)
class FrontFigures:
    """A front in figures.

    Attributes:
        objectives: its axes.
        size: policies on it that differ in some axis.
        hypervolume: the share that it dominates of the box between nothing right at the greatest costs of the first
            generation, and everything right at no cost; from 0 to 1.
        ends: for every axis, the point of the front that is best in it: its values in all axes.
    """

    objectives: tuple[str, ...]
    size: int
    hypervolume: float
    ends: tuple[tuple[float, ...], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As JSON data."""
        ends = [dict(zip(self.objectives, end, strict=True)) for end in self.ends]
        return {**asdict(self), "objectives": list(self.objectives), "ends": ends}


class FrontSoFar:
    """The front of all that was scored on all search items, generation by generation.

    Args:
        objectives: of the search.
    """

    def __init__(self, objectives: Sequence[str]) -> None:
        self._axes = axes_of(objectives)
        self._front: ParetoFront[str] = ParetoFront()
        self._taken = 0
        self._worst: tuple[float, ...] | None = None

    def figures(self, summaries: Mapping[str, Summary]) -> FrontFigures | None:
        """The front as it stands at the end of a generation; None without any success so far.

        Args:
            summaries: by policy digest, in the order in which they were scored; only ever more of them.
        """
        fresh = list(islice(summaries.items(), self._taken, None))
        self._taken = len(summaries)
        points = {digest: point_of(one, self._axes) for digest, one in fresh if one.failure is None}
        for digest, point in points.items():
            self._front.add(point, digest)
        if self._worst is None and points:
            columns = zip(*points.values(), strict=True)
            self._worst = tuple(
                0.0 if _is_accuracy(name) else min(column) for name, column in zip(self._axes, columns, strict=True)
            )
        if self._worst is None:
            return None
        held, best = self._front.points, [float(_is_accuracy(name)) for name in self._axes]
        ends = [max(held, key=lambda point: point[axis]) for axis in range(len(self._axes))]
        raw = tuple(tuple(map(abs, end)) for end in ends)
        return FrontFigures(self._axes, len(held), hypervolume(held, self._worst, best), raw)


def _is_accuracy(name: str) -> bool:
    return name.startswith("accuracy")
