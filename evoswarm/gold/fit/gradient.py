"""Weights, temperatures and parameters of a rule by gradient, within the ranges that a search may vary them in.

What is maximised is what decides a greedy answer: at every position of a gold text its symbol has to be above the best
other one. The loss of a text is the sum over its positions of log(1 + exp(-margin)), margins in nats: the logistic loss
of ranking, a smooth bound on "wrong". A normal prior around equal weights, temperature 1 and the rule's first values is
worth two items. The optimiser is L-BFGS-B (Byrd et al. 1995), which keeps to ranges, draws nothing, and needs no rate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor

from evoswarm.fusion import RULES
from evoswarm.fusion.context import PLACED
from evoswarm.genomes.gene_range import GeneRange
from evoswarm.gold.fit.blend import Blend, fused, margins
from evoswarm.gold.fit.outcomes import Outcomes

STEPS = 120
"""Of the optimiser, at most."""

PRIOR = 2.0
"""Items that the prior is worth."""

_SPREAD = {"weight": 1.0, "temperature": 0.5}  # standard deviations of log-weights and log-temperatures under it
_WIDE = 8.0  # in place of an infinite end
_START = {"alpha": 0.3, "beta": 0.1}  # where a parameter begins: off the points at which its gradient vanishes


@dataclass(frozen=True)
class Varied:
    """The numbers of a blend in a row: ``[2 members + parameters]``, and the ranges that they keep to.

    Attributes:
        rule: name of the rule.
        members: how many.
        parameters: names of the rule's parameters.
        ranges: of weights, temperatures and parameters, by name.
        lead: place of the member that the place tells for or against; None where the place tells nothing.
    """

    rule: str
    members: int
    parameters: tuple[str, ...]
    ranges: Mapping[str, GeneRange]
    lead: int | None = None

    @classmethod
    def of(cls, rule: str, members: int, ranges: Mapping[str, GeneRange], lead: int | None = None) -> Varied:
        """All numbers of a rule that are fitted; with a lead, those that tell for or against it by the place, too."""
        names = [one.name for one in RULES[rule].parameters if one.name in _START]
        placed = [one.name for one in PLACED if one.name in ranges] if lead is not None else []
        return cls(rule, members, (*names, *placed), ranges, lead)

    def start(self) -> NDArray[np.float64]:
        """Equal weights, temperature 1, parameters near their first values, within the ranges."""
        bounds = np.array(self.bounds)
        middle = np.zeros(2 * self.members)
        first = np.concatenate([middle, [_START.get(name, 0.0) for name in self.parameters]])
        return np.asarray(np.clip(first, bounds[:, 0], bounds[:, 1]))

    @property
    def bounds(self) -> list[tuple[float, float]]:
        """Of every number. Weights may leave their range's width by one: who does is left out afterwards."""
        weight, temperature = self.ranges["weight"], self.ranges["temperature"]
        half = 0.5 * math.log(weight.high / weight.low)
        half += 1.0 if half > 0 else 0.0
        log_temperature = (math.log(temperature.low), math.log(temperature.high))
        others = [self.ranges[name] for name in self.parameters]
        finite = [(max(one.low, -_WIDE), min(one.high, _WIDE)) for one in others]
        return [(-half, half)] * self.members + [log_temperature] * self.members + finite

    def numbers(self, blend: Blend) -> NDArray[np.float64]:
        """What `blend` undoes, within the bounds; weights are centred."""
        bounds = np.array(self.bounds)
        weights = blend.log_weights - blend.log_weights.mean()
        rest = [blend.parameters[name].reshape(1) for name in self.parameters]
        row = torch.cat([weights, blend.log_temperatures, *rest]).double().numpy()
        return np.asarray(np.clip(row, bounds[:, 0], bounds[:, 1]))

    def blend(self, numbers: Tensor) -> Blend:
        """The numbers by what they are."""
        count = self.members
        values = dict(zip(self.parameters, numbers[2 * count :], strict=True))
        return Blend(numbers[:count], numbers[count : 2 * count], values, self.lead)


def loss(scores: Tensor, outcomes: Outcomes) -> Tensor:
    """The weighted mean over items of the logistic losses of their positions, nats."""
    losses = torch.nn.functional.softplus(-margins(scores, outcomes))
    return losses @ outcomes.weights[outcomes.item]


def improved(
    varied: Varied, outcomes: Outcomes, start: Sequence[float] | NDArray[np.float64], steps: int = STEPS
) -> NDArray[np.float64]:
    """The numbers after so many steps from a start.

    Args:
        varied: what the numbers are.
        outcomes: of the same members.
        start: within the bounds.
        steps: at most.
    """
    centre = torch.from_numpy(varied.start())

    def objective(numbers: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        point = torch.from_numpy(numbers.copy()).requires_grad_()
        blend = varied.blend(point)
        value = loss(fused(RULES[varied.rule], blend, outcomes), outcomes) + _prior(blend, varied, centre, outcomes)
        (gradient,) = torch.autograd.grad(value, point)
        return float(value.detach()), gradient.numpy()

    found = minimize(
        objective, np.asarray(start), jac=True, method="L-BFGS-B", bounds=varied.bounds, options={"maxiter": steps}
    )
    return np.asarray(found.x, dtype=np.float64)


def _prior(blend: Blend, varied: Varied, centre: Tensor, outcomes: Outcomes) -> Tensor:
    """How unlikely the numbers are before an item is seen, nats, per item."""
    weights = (blend.log_weights - blend.log_weights.mean()) / _SPREAD["weight"]
    temperatures = blend.log_temperatures / _SPREAD["temperature"]
    total = weights.square().sum() + temperatures.square().sum()
    for name, first in zip(varied.parameters, centre[2 * varied.members :], strict=True):
        total = total + (blend.parameters[name] - first).square()
    return 0.5 * PRIOR * total / len(outcomes.weights)
