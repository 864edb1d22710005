"""The values of one setting that a study tries, in Optuna's words and in the space's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from evoswarm.study.hyperparameters.settings import Domain, label

MOST_GRID_VALUES = 10_000


@dataclass(frozen=True)
class Hyperparameter:
    """One setting of a space, with the values to try.

    Optuna keeps categories as texts, so that any value of a space (null, a list, a mapping) can be one.

    Attributes:
        path: dotted.
        default: the space's own value.
        distribution: Optuna's.
        labels: of a choice, its values by their label; empty for a range.
    """

    path: str
    default: Any
    distribution: CategoricalDistribution | IntDistribution | FloatDistribution
    labels: Mapping[str, Any] = field(default_factory=dict)

    def value(self, parameter: Any) -> Any:
        """What the space is given for one of Optuna's values."""
        return self.labels[parameter] if self.labels else parameter

    def parameter(self, value: Any) -> Any:
        """Optuna's value for one of the space's."""
        if self.labels:
            return label(value)
        return int(value) if isinstance(self.distribution, IntDistribution) else float(value)

    def grid(self) -> list[Any]:
        """All values of a choice or a stepped range, as Optuna's values."""
        if isinstance(self.distribution, CategoricalDistribution):
            return list(self.distribution.choices)
        low, high, step = self.distribution.low, self.distribution.high, self.distribution.step or 1
        count = math.floor((high - low) / step + 1e-9) + 1
        return [self.parameter(low + step * index) for index in range(min(count, MOST_GRID_VALUES))]

    def extremes(self) -> list[Any]:
        """Values whose fitness stands for all: every choice, the ends of a range; the space's values."""
        if isinstance(self.distribution, CategoricalDistribution):
            return list(self.labels.values())
        return [self.distribution.low, self.distribution.high]


def choice(path: str, default: Any, labels: Mapping[str, Any]) -> Hyperparameter:
    """A setting with a value for each label."""
    return Hyperparameter(path, default, CategoricalDistribution(list(labels)), labels)


def hyperparameter(path: str, domain: Domain, default: Any) -> Hyperparameter:
    """A setting with its values.

    Args:
        path: dotted.
        domain: as the study's file has them.
        default: the space's own value.

    Raises:
        ValueError: the space's own value does not fit a range, or is the only choice.
    """
    if domain.choices is not None:
        labels = {label(value): value for value in domain.choices}
        same = [value for value in domain.choices if value == default and type(value) is not bool is not type(default)]
        default = same[0] if same else default  # 1 is 1.0, and need not be tried twice
        labels.setdefault(label(default), default)
        if len(labels) == 1:
            raise ValueError(
                f"expected another value than the space's own (nothing varies), got {label(default)} alone"
            )
        return choice(path, default, labels)
    low, high, step = float(domain.low or 0.0), float(domain.high or 0.0), domain.step
    number = isinstance(default, int | float) and not isinstance(default, bool)
    if not number or not low <= default <= high:
        raise ValueError(
            f"expected a range that holds the space's own value (it is the first trial), got {low:g} to {high:g} "
            f"where the space has {label(default)}"
        )
    integer = isinstance(default, int) if domain.integer is None else domain.integer
    for name in ("low", "high", "step"):
        end = getattr(domain, name)
        if integer and end is not None and end != int(end):
            raise ValueError(f"expected whole numbers (the space has {label(default)}), got {name}: {end:g}")
    if step is not None:
        if not math.isclose(remainder := math.remainder(default - low, step), 0.0, abs_tol=1e-9):
            raise ValueError(
                f"expected steps that meet the space's own value {label(default)}, got {step:g} from {low:g} "
                f"({abs(remainder):g} off)"
            )
        high = low + step * math.floor((high - low) / step + 1e-9)
    if integer:
        return Hyperparameter(path, default, IntDistribution(int(low), int(high), domain.log, int(step or 1)))
    return Hyperparameter(path, default, FloatDistribution(low, high, domain.log, step))
