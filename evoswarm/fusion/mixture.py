"""``mixture``: the weighted mean of the probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from evoswarm.fusion.rule import FusionRule
from evoswarm.fusion.speakers import Speakers

if TYPE_CHECKING:
    from torch import Tensor


class Mixture(FusionRule):
    """log sum_i w_i p_i."""

    def fuse(self, speakers: Speakers) -> Tensor:
        """See `FusionRule`."""
        return (speakers.log_weights[..., None] + speakers.log_probs).logsumexp(0)

    def phrase(self, values: Mapping[str, float]) -> str:
        """See `FusionRule`."""
        return "mixture (the weighted mean of the speakers' distributions)"
