"""Whether the best setting is better than the default: decided on fresh seeds, paired by seed.

The best of many settings was in part lucky on the seeds it was chosen by, so its lead there says little (the winner's
curse). Both run once more with seeds that had no part in the choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from evoswarm.space import SearchSpace
from evoswarm.statistics.seeds import LEVEL, Estimate
from evoswarm.study.hyperparameters.settings import Measure
from evoswarm.tasks.splits import quotas

_ROUNDING = 1e-9  # of sums of scores


@dataclass(frozen=True)
class Confirmation:
    """The best setting beside the default, on fresh seeds.

    Attributes:
        seeds: both ran with these.
        best: scores of the best setting, per seed.
        default: of the default.
        difference: mean of best minus default.
        low: of the 95% interval of the difference, by Student's t over seeds, see `evoswarm.statistics.seeds`.
        high: likewise.
    """

    seeds: tuple[int, ...]
    best: tuple[float, ...]
    default: tuple[float, ...]
    difference: float
    low: float
    high: float

    @property
    def better(self) -> bool:
        """Whether the whole interval is above 0."""
        return self.low > _ROUNDING

    def as_dict(self) -> dict[str, Any]:
        """As JSON data."""
        return {**asdict(self), "level": LEVEL, "better": self.better}


def confirm(seeds: Sequence[int], best: Sequence[float], default: Sequence[float], step: float) -> Confirmation:
    """Compare scores of the same seeds.

    Args:
        seeds: both settings ran with these; two at least.
        best: scores of the best setting, per seed.
        default: of the default.
        step: see `step_of`.

    Raises:
        ValueError: there are fewer than two seeds, or a score is missing.
    """
    if not len(seeds) == len(best) == len(default) >= 2:
        raise ValueError(f"expected two scores for each of 2 or more seeds, got {len(best)} and {len(default)}")
    found = Estimate.of([one - other for one, other in zip(best, default, strict=True)], step)
    assert found.low is not None
    assert found.high is not None
    return Confirmation(tuple(seeds), tuple(best), tuple(default), found.mean, found.low, found.high)


def step_of(space: SearchSpace, measure: Measure) -> float:
    """What one item of the measured split adds to an accuracy: in the task where that is the most."""
    total = sum(task.weight for task in space.tasks)
    items = quotas(getattr(space.splits, measure), len(space.tasks))
    return max(task.weight / total / count for task, count in zip(space.tasks, items, strict=True) if count)
