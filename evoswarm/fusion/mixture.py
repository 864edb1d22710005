"""``mixture``: the weighted mean of the probabilities."""

from __future__ import annotations

from collections.abc import Mapping

from evoswarm.fusion.rule import FusionRule
from evoswarm.fusion.speakers import Speakers, Tensor


class Mixture(FusionRule):
    """log sum_i w_i p_i."""

    linear = True

    def fuse(self, speakers: Speakers) -> Tensor:
        # Log-probabilities are floored, so that none of these vanishes.
        return (speakers.weights[..., None] * speakers.log_probs.exp()).sum(0).log()

    def phrase(self, values: Mapping[str, float]) -> str:
        return "mixture (the weighted mean of the speakers' distributions)"
