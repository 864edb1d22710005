"""The contract of a fusion rule: one object says everything that there is to know about it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from evoswarm.fusion.context import CONTEXT, GATING, OWN_MARGIN
from evoswarm.fusion.credibility import GAMMA
from evoswarm.fusion.parameter import Parameter
from evoswarm.fusion.sharpening import BETA
from evoswarm.fusion.speakers import Speakers, Tensor
from evoswarm.fusion.weighing import WEIGHING, moved_by


class FusionRule(ABC):
    """Turns the distributions of several speakers into one.

    A rule never sees a step at which one member speaks: that member's distribution is taken as it is.

    Attributes:
        parameters: what tunes it. A rule with `BETA` among them has its weights sharpened before it sees them, one
            with `GAMMA` and `DECAY` has them multiplied by credibility, one with those of `CONTEXT` has them moved by
            what is known at a place.
        uses_weights: whether members' weights change what it does.
        uses_lead_weight: whether the lead's weight does; if not, the others' weights are normalised without it.
        uses_temperatures: whether temperatures change the greedy answer (where nothing moves the weights).
        linear: whether its outcome is the speakers' distributions in proportion to their weights.
    """

    parameters: ClassVar[tuple[Parameter, ...]] = WEIGHING
    uses_weights: ClassVar[bool] = True
    uses_lead_weight: ClassVar[bool] = True
    uses_temperatures: ClassVar[bool] = True
    linear: ClassVar[bool] = False

    @property
    def tuned_by(self) -> tuple[Parameter, ...]:
        """Its parameters and those of gates, which are the same under every rule."""
        return (*self.parameters, *GATING)

    @abstractmethod
    def fuse(self, speakers: Speakers) -> Tensor:
        """``[streams, symbols]`` log-probabilities up to a constant per stream; anything where forbidden."""

    @abstractmethod
    def phrase(self, values: Mapping[str, float]) -> str:
        """How the rule reads with these parameters, as part of a sentence and without what moves the weights."""

    def margin(self, speakers: Speakers, margin: Tensor) -> Tensor:
        """How far the choice is from another one, in nats: what rounding may turn is below 1e-4.

        A rule that chooses inside (a speaker, say) takes that choice into account.

        Args:
            speakers: what it saw.
            margin: ``[streams]`` between the first two symbols, by what the choice maximises (noise included).

        Returns:
            ``[streams]``.
        """
        return margin

    def tempers(self, values: Mapping[str, float]) -> bool:
        """Whether temperatures change the greedy answer under these parameters.

        Sharpening looks at entropies, credibility at probabilities, and all at tempered ones.
        """
        return self.uses_temperatures or any(values.get(one.name, 0.0) != 0 for one in (BETA, GAMMA, OWN_MARGIN))

    def weighs_unheard(self, values: Mapping[str, float]) -> bool:
        """Whether the outcome is the speakers' distributions in proportion to weights that are known before any of them
        is: then a draw from it is a draw of a speaker by weight, and a draw from that speaker alone."""
        return self.linear and not self._moves_weights(values)

    def words(self, values: Mapping[str, float]) -> str:
        """How the rule reads with these parameters, as part of a sentence."""
        return ", ".join([self.phrase(values), *moved_by(self.parameters, values)])

    def _moves_weights(self, values: Mapping[str, float]) -> bool:
        """Whether anything changes the weights from place to place."""
        return any(values.get(one.name, 0.0) != 0 for one in (BETA, GAMMA, *CONTEXT))
