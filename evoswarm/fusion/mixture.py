"""``mixture``: the weighted mean of the probabilities."""

from __future__ import annotations

from collections.abc import Mapping

from evoswarm.fusion.rule import FusionRule
from evoswarm.fusion.speakers import Speakers, Tensor


class Mixture(FusionRule):
    """log sum_i w_i p_i."""

    linear = True

    def fuse(self, speakers: Speakers) -> Tensor:
        return (speakers.log_weights[..., None] + speakers.log_probs).logsumexp(0)

    def phrase(self, values: Mapping[str, float]) -> str:
        return "mixture (the weighted mean of the speakers' distributions)"
