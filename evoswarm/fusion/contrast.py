"""``contrast``: the lead against the others (contrastive decoding, Li et al. 2023)."""

from __future__ import annotations

import math
from collections.abc import Mapping

from evoswarm.fusion.context import AGREEMENT, OWN_MARGIN
from evoswarm.fusion.credibility import DECAY, GAMMA
from evoswarm.fusion.mixture import Mixture
from evoswarm.fusion.parameter import Parameter
from evoswarm.fusion.rule import FusionRule
from evoswarm.fusion.sharpening import BETA
from evoswarm.fusion.speakers import Speakers, Tensor, pick

CONTRAST = Parameter(
    "contrast",
    "strength of `contrast`: how much of what the others would say is taken away from the lead",
    key="lambda",
    default=0.0,
    searched=(0.05, 1.0),
    at_least=0.0,
    start=0.5,
    everywhere=True,
)
PLAUSIBLE = 0.1  # symbols with at least this share of the lead's best are kept


class Contrast(FusionRule):
    """(1 + lambda) l_lead - lambda sum w_i l_i over the others, on the symbols that are plausible to the lead.

    Where the lead has no mass it is the mixture of the others.
    """

    parameters = (CONTRAST, BETA, GAMMA, DECAY, OWN_MARGIN, AGREEMENT)
    uses_lead_weight = False

    def fuse(self, speakers: Speakers) -> Tensor:
        others = speakers.log_weights.where(~speakers.is_lead, -math.inf)
        weights = others.softmax(0).nan_to_num()
        lead = pick(speakers.log_probs, speakers.lead)
        strength = speakers.parameters[CONTRAST.name][:, None]
        scores = (1 + strength) * lead - strength * (weights[..., None] * speakers.log_probs).sum(0)
        scores = scores.where(self._above_plausible(speakers, lead) >= 0, -math.inf)
        lead_speaks = speakers.present.gather(0, speakers.lead[None])[0]
        return scores.where(lead_speaks[:, None], Mixture().fuse(speakers))

    def margin(self, speakers: Speakers, margin: Tensor) -> Tensor:
        """The distance of the nearest symbol from the limit of what is plausible counts too."""
        distance = self._above_plausible(speakers, pick(speakers.log_probs, speakers.lead)).abs()
        return margin.minimum(distance.maximum(-speakers.limits).amin(-1))

    def phrase(self, values: Mapping[str, float]) -> str:
        return f"contrast with lambda {values[CONTRAST.name]:.2g} (the lead, less what the others would say)"

    def _above_plausible(self, speakers: Speakers, lead: Tensor) -> Tensor:
        """``[streams, symbols]`` how far the lead's log-probabilities are above the least plausible one."""
        best = lead.minimum(speakers.limits).amax(-1, keepdim=True)
        return lead - (best + math.log(PLAUSIBLE))
