"""What a comparison says: every algorithm's means over seeds, and how far it is from the baseline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

from evoswarm.evolution.archive import signed
from evoswarm.evolution.settings import Objective
from evoswarm.pareto import hypervolume
from evoswarm.statistics.seeds import Estimate
from evoswarm.study.comparison.record import SearchRecord

BASELINE = "archipelago"
COMPARISON, COMPARISON_PLOT = "comparison.json", "comparison.png"


@dataclass(frozen=True)
class Comparison:
    """All searches, and what they say.

    Attributes:
        space: name of the space.
        objectives: of it.
        algorithms: in the order in which they were asked for.
        seeds: likewise.
        evaluations: that each search was allowed.
        searches: one per algorithm and seed.
        directory: where everything lies.
    """

    space: str
    objectives: tuple[Objective, ...]
    algorithms: tuple[str, ...]
    seeds: tuple[int, ...]
    evaluations: int
    searches: tuple[SearchRecord, ...]
    directory: Path

    def of(self, algorithm: str) -> list[SearchRecord]:
        """The searches of one algorithm, in the order of seeds."""
        return [one for one in self.searches if one.algorithm == algorithm]

    @property
    def baseline(self) -> str:
        """Whom the others are compared with: the archipelago, or the first if it does not take part."""
        return BASELINE if BASELINE in self.algorithms else self.algorithms[0]

    @property
    def measures(self) -> dict[str, Callable[[SearchRecord], float]]:
        """What is measured of a search; more is better in each."""
        names = ("final", "area", "selection")
        measures: dict[str, Callable[[SearchRecord], float]] = {name: attrgetter(name) for name in names}
        if len(self.objectives) > 1:
            worst, best = self._corners()
            measures["hypervolume"] = lambda one: hypervolume([self._signed(point) for point in one.front], worst, best)
        return measures

    def estimate(self, measure: str, algorithm: str) -> Estimate:
        """Mean of a measure over the seeds; all measures are in [0, 1]."""
        return Estimate.of([self.measures[measure](one) for one in self.of(algorithm)]).within(0.0, 1.0)

    def difference(self, measure: str, algorithm: str) -> Estimate:
        """Mean over the seeds of the algorithm less the baseline, seed by seed."""
        value = self.measures[measure]
        pairs = zip(self.of(algorithm), self.of(self.baseline), strict=True)
        return Estimate.of([value(one) - value(other) for one, other in pairs])

    def as_dict(self) -> dict[str, Any]:
        """As JSON data."""
        return {
            "space": self.space,
            "objectives": [objective.name for objective in self.objectives],
            "evaluations": self.evaluations,
            "seeds": list(self.seeds),
            "baseline": self.baseline,
            "algorithms": {
                algorithm: {
                    measure: {
                        **self.estimate(measure, algorithm).as_dict(),
                        "less_baseline": self.difference(measure, algorithm).as_dict(),
                        "by_seed": {str(one.seed): value(one) for one in self.of(algorithm)},
                    }
                    for measure, value in self.measures.items()
                }
                for algorithm in self.algorithms
            },
        }

    def _corners(self) -> tuple[list[float], list[float]]:
        """The worst and the best value of each objective that any of the searches saw; larger is better."""
        worst = [self._signed(one.worst) for one in self.searches if one.worst]
        fronts = [self._signed(point) for one in self.searches for point in one.front]
        return [min(seen) for seen in zip(*worst, strict=True)], [max(seen) for seen in zip(*fronts, strict=True)]

    def _signed(self, point: Sequence[float]) -> tuple[float, ...]:
        return signed(self.objectives, point)
