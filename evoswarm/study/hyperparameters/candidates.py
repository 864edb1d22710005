"""The values of one setting that a study tries, in Optuna's words and in the space's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evoswarm.study.hyperparameters.settings import Candidates, label

MOST_GRID_VALUES = 10_000


@dataclass(frozen=True)
class Setting:
    """One setting of a space, with the values to try.

    Optuna keeps categories as texts, so that any value of a space (null, a list, a mapping) can be one.

    Attributes:
        path: dotted.
        default: the space's own value.
        labels: of a choice, its values by their label; None for a range.
        low: of a range.
        high: of a range.
        log: whether a range is drawn on a log scale.
        step: between neighbours; None is none.
        integer: whether a range has whole numbers only.
    """

    path: str
    default: Any
    labels: Mapping[str, Any] | None = None
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    step: float | None = None
    integer: bool = False

    def distribution(self) -> Any:
        """As an Optuna distribution."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        if self.labels is not None:
            return CategoricalDistribution(list(self.labels))
        if self.integer:
            return IntDistribution(int(self.low), int(self.high), log=self.log, step=int(self.step or 1))
        return FloatDistribution(self.low, self.high, log=self.log, step=self.step)

    def value(self, parameter: Any) -> Any:
        """What the space is given for one of Optuna's values."""
        return self.labels[parameter] if self.labels is not None else parameter

    def parameter(self, value: Any) -> Any:
        """Optuna's value for one of the space's."""
        if self.labels is not None:
            return label(value)
        return int(value) if self.integer else float(value)

    def grid(self) -> list[Any]:
        """All values of a choice or a stepped range, as Optuna's values."""
        if self.labels is not None:
            return list(self.labels)
        step = self.step or 1.0
        count = math.floor((self.high - self.low) / step + 1e-9) + 1
        values = [self.low + step * index for index in range(min(count, MOST_GRID_VALUES))]
        return [self.parameter(value) for value in values]

    def extremes(self) -> list[Any]:
        """Values whose fitness stands for all: every choice, the ends of a range; the space's values."""
        if self.labels is not None:
            return list(self.labels.values())
        return [self.value(self.parameter(end)) for end in (self.low, self.high)]


def setting(path: str, candidates: Candidates, default: Any) -> Setting:
    """A setting with its values.

    Args:
        path: dotted.
        candidates: as the study's file has them.
        default: the space's own value.

    Raises:
        ValueError: the space's own value does not fit a range, or is the only choice.
    """
    if candidates.choices is not None:
        labels = {label(value): value for value in candidates.choices}
        same = [
            value for value in candidates.choices if value == default and type(value) is not bool is not type(default)
        ]
        default = same[0] if same else default  # 1 is 1.0, and need not be tried twice
        labels.setdefault(label(default), default)
        if len(labels) == 1:
            raise ValueError(
                f"expected another value than the space's own (nothing varies), got {label(default)} alone"
            )
        return Setting(path, default, labels=labels)
    low, high = float(candidates.low or 0.0), float(candidates.high or 0.0)
    number = isinstance(default, int | float) and not isinstance(default, bool)
    if not number or not low <= default <= high:
        raise ValueError(
            f"expected a range that holds the space's own value (it is the first trial), got {low:g} to {high:g} "
            f"where the space has {label(default)}"
        )
    integer = isinstance(default, int) if candidates.integer is None else candidates.integer
    for field in ("low", "high", "step"):
        end = getattr(candidates, field)
        if integer and end is not None and end != int(end):
            raise ValueError(f"expected whole numbers (the space has {label(default)}), got {field}: {end:g}")
    step = candidates.step
    if step is not None and not math.isclose(remainder := math.remainder(default - low, step), 0.0, abs_tol=1e-9):
        raise ValueError(
            f"expected steps that meet the space's own value {label(default)}, got {step:g} from {low:g} "
            f"({abs(remainder):g} off)"
        )
    if step is not None:
        high = low + step * math.floor((high - low) / step + 1e-9)
    return Setting(path, default, None, low, high, candidates.log, step, integer)
