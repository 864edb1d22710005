"""``vote``: the symbols that speakers would choose on their own, weighed."""

from __future__ import annotations

import math
from collections.abc import Mapping

from evoswarm.fusion.rule import FusionRule
from evoswarm.fusion.speakers import Speakers, Tensor, argmax_and_margin

WEIGHT_TIE = 1e-6
LEAST_VOTE = 1e-12  # of symbols that nobody would choose: as small as the least probability of a member


class SymbolVote(FusionRule):
    """Each symbol gets the summed weight of the speakers whose argmax it is; a tie goes to the one to which the lead,
    untempered, gives most."""

    uses_temperatures = False

    def fuse(self, speakers: Speakers) -> Tensor:
        totals = self._totals(speakers)
        chosen = self._lead_among_tied(speakers, totals).argmax(-1)
        ahead = totals.new_full((len(totals), 1), 2 * WEIGHT_TIE)
        return totals.scatter_add(-1, chosen[:, None], ahead).clamp_min(LEAST_VOTE).log()

    def margin(self, speakers: Speakers, margin: Tensor) -> Tensor:
        """The margin of each speaker's argmax, and of the lead's among symbols that tie."""
        among_tied = self._lead_among_tied(speakers, self._totals(speakers))
        return speakers.least_margin.minimum(argmax_and_margin(among_tied)[1])

    def phrase(self, values: Mapping[str, float]) -> str:
        return "vote (each speaker's likeliest symbol counts its weight)"

    def _totals(self, speakers: Speakers) -> Tensor:
        """``[streams, symbols]`` summed weights."""
        totals = speakers.lead_log_probs.new_zeros(speakers.lead_log_probs.shape)
        for choice, weight in zip(speakers.hidden.argmax(-1), speakers.weights, strict=True):  # in a fixed order
            totals = totals.scatter_add(-1, choice[:, None], weight[:, None])
        return totals

    def _lead_among_tied(self, speakers: Speakers, totals: Tensor) -> Tensor:
        """``[streams, symbols]`` the lead's log-probabilities of the symbols with the most weight, else -inf."""
        tied = totals >= totals.amax(-1, keepdim=True) - WEIGHT_TIE
        return speakers.lead_log_probs.where(tied, -math.inf)
