"""``most_confident``: one speaker decides alone."""

from __future__ import annotations

import math
from collections.abc import Mapping

from evoswarm.fusion.rule import FusionRule
from evoswarm.fusion.speakers import Speakers, Tensor, argmax_and_margin, pick

ENTROPY_TIE = 1e-6  # nats


class MostConfident(FusionRule):
    """The speaker of least tempered entropy; ties go to the lead, then to pool order."""

    parameters = ()
    uses_weights = False

    def fuse(self, speakers: Speakers) -> Tensor:
        entropies = self._entropies(speakers)
        tied = entropies <= entropies.amin(0, keepdim=True) + ENTROPY_TIE
        return pick(speakers.log_probs, (tied.int() + (tied & speakers.is_lead).int()).argmax(0))

    def margin(self, speakers: Speakers, margin: Tensor) -> Tensor:
        """The two least entropies count too."""
        return margin.minimum(argmax_and_margin(-self._entropies(speakers).T)[1])

    def phrase(self, values: Mapping[str, float]) -> str:
        return "most confident (the speaker of least entropy decides)"

    def _entropies(self, speakers: Speakers) -> Tensor:
        return speakers.entropies.where(speakers.present, math.inf)
