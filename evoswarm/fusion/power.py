"""``power``: the weighted power mean of the probabilities, between `mixture`, `product` and the extremes."""

from __future__ import annotations

import math
from collections.abc import Mapping

from evoswarm.fusion.parameter import Parameter
from evoswarm.fusion.product import Product
from evoswarm.fusion.rule import FusionRule
from evoswarm.fusion.speakers import Speakers, Tensor
from evoswarm.fusion.weighing import WEIGHING

ALPHA = Parameter(
    "alpha",
    "exponent of `power`: 1 is `mixture`, 0 is `product`; min and max stand for the infinities",
    default=1.0,
    searched=(-4.0, 4.0),
    infinite=True,
    everywhere=True,
)
NEARLY_PRODUCT = 1e-3  # |alpha| below which the power mean is its limit, the product


class Power(FusionRule):
    """(1/alpha) log sum_i w_i p_i^alpha; its limits at 0 and at the infinities."""

    parameters = (ALPHA, *WEIGHING)

    def fuse(self, speakers: Speakers) -> Tensor:
        alpha = speakers.parameters[ALPHA.name]
        ordinary = alpha.isfinite() & (alpha.abs() >= NEARLY_PRODUCT)
        exponent = alpha.where(ordinary, 1.0)[:, None]
        mean = (speakers.log_weights[..., None] + exponent * speakers.log_probs).logsumexp(0) / exponent
        here = speakers.present[..., None]
        greatest = speakers.log_probs.where(here, -math.inf).amax(0)
        least = speakers.log_probs.where(here, math.inf).amin(0)
        mean = Product().fuse(speakers).where((alpha.abs() < NEARLY_PRODUCT)[:, None], mean)
        mean = greatest.where((alpha == math.inf)[:, None], mean)
        return least.where((alpha == -math.inf)[:, None], mean)

    def phrase(self, values: Mapping[str, float]) -> str:
        alpha = ALPHA.written(values[ALPHA.name])
        return f"power mean with alpha {alpha if isinstance(alpha, str) else f'{alpha:.3g}'}"
