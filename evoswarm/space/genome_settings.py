"""What evolution may vary: ranges of genes, and limits of what they express."""

from __future__ import annotations

from collections.abc import Mapping
from types import GenericAlias
from typing import Annotated, Any

from pydantic import Field, SkipValidation

from evoswarm.fusion import RULES, Parameter
from evoswarm.fusion.fields import ByParameter, RuleName, number
from evoswarm.policies.alphabets import AlphabetName
from evoswarm.settings import Settings

Positive = Annotated[float, Field(gt=0)]
PositiveRange = tuple[Positive, Positive]
Share = Annotated[float, Field(ge=0, le=1)]


class GenomeSettings(ByParameter, Settings):
    """What evolution may vary. A range of equal ends pins a gene.

    Attributes:
        kind: of policy that is searched for: ``mix`` (distributions, symbol by symbol), ``vote`` (whole answers) or
            ``route`` (which of several mixes answers: by task, where there are several, else by the prompt).
        routes: of a route: mixes that it may have.
        alphabets: that recipes may be in; null is the space's only. The first is that of the plain ones: every member
            alone, and all of them alike.
        max_members: of a recipe; null is the whole pool.
        weight: range of a member's weight, before normalisation.
        temperature: range of a member's temperature.
        open_share: range of the share of steps at which a follower speaks; 1 is always, and in a range 0 (silent)
            can be drawn too.
        gates: false lets every follower speak at every step.
        leads: members that may lead; null is all.
        rules: fusion rules to choose from.
        parameters: by name, the range of each parameter of the rules; in files each is a key (``alpha``, ``beta``,
            ``lambda``, ...).
        samples: numbers of samples to choose from; 1 is greedy, more is a majority vote.
        sampling_temperature: range, used where samples are more than 1.
        max_parameters: limit of the sum over a recipe's members.
        max_flops: limit of the sum over a recipe's members of the FLOPs per token.
        max_memory_bytes: limit of the weights of a recipe's members.
    """

    kind: str = "mix"
    routes: int = Field(default=3, ge=2, le=64)
    alphabets: tuple[AlphabetName, ...] | None = Field(default=None, min_length=1)
    max_members: int | None = Field(default=None, ge=1)
    weight: PositiveRange = (0.02, 1.0)
    temperature: PositiveRange = (0.25, 4.0)
    open_share: tuple[Share, Share] = (0.005, 1.0)
    gates: bool = True
    leads: tuple[str, ...] | None = Field(default=None, min_length=1)
    rules: tuple[RuleName, ...] = Field(default_factory=lambda: tuple(RULES), min_length=1)
    parameters: SkipValidation[Mapping[str, tuple[float, float]]] = Field(default_factory=dict)
    samples: tuple[Annotated[int, Field(ge=1, le=1024)], ...] = Field(default=(1,), min_length=1)
    sampling_temperature: PositiveRange = (0.3, 1.5)
    max_parameters: int | None = Field(default=None, ge=1)
    max_flops: float | None = Field(default=None, gt=0)
    max_memory_bytes: int | None = Field(default=None, ge=1)

    @property
    def rules_named(self) -> tuple[str, ...]:
        """Those to choose from."""
        return self.rules

    def opens(self, parameter: Parameter) -> bool:
        """Whether it says more of an optional parameter than what holds where nothing is said."""
        return self.parameters[parameter.name] != self.value_of(parameter)[1]

    @classmethod
    def value_of(cls, parameter: Parameter) -> tuple[Any, tuple[float, float]]:
        """A range; of an optional parameter its default alone."""
        unopened = (parameter.default,) * 2
        return GenericAlias(tuple, (number(parameter),) * 2), unopened if parameter.optional else parameter.searched
