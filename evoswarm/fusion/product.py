"""``product``: the weighted geometric mean, a product of experts (Hinton 2002)."""

from __future__ import annotations

from collections.abc import Mapping

from evoswarm.fusion.rule import FusionRule
from evoswarm.fusion.speakers import Speakers, Tensor


class Product(FusionRule):
    """sum_i w_i l_i."""

    def fuse(self, speakers: Speakers) -> Tensor:
        return (speakers.weights[..., None] * speakers.log_probs).sum(0)

    def phrase(self, values: Mapping[str, float]) -> str:
        return "product (the weighted geometric mean of the speakers' distributions)"
