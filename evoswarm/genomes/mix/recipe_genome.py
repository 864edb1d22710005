"""The recipe genome, and which of its genes sleep.

A genome keeps genes that do not matter at present (the weight of an absent member, the exponent of a rule that is
not in use): they may matter again after the next mutation. They are *dormant*: no value of theirs changes the
recipe. Mutation spends itself on active genes alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from evoswarm.policies.mix import RULES, RuleName

MemberState = Literal["lead", "speaking", "silent", "absent", "asleep"]
GeneName = Literal[
    "member",
    "weight",
    "temperature",
    "open_share",
    "lead",
    "rule",
    "alpha",
    "beta",
    "contrast",
    "samples",
    "sampling_temperature",
]

MEMBER_GENES: tuple[GeneName, ...] = ("member", "weight", "temperature", "open_share")
SHARED_GENES: tuple[GeneName, ...] = ("lead", "rule", "alpha", "beta", "contrast", "samples", "sampling_temperature")


@dataclass(frozen=True)
class RecipeGenome:
    """The genes of a recipe over a pool of n members, all in natural units.

    Attributes:
        members: per member, whether it takes part.
        weights: per member, > 0.
        temperatures: per member, > 0.
        open_shares: per member, the share of the lead's steps at which it speaks: 0 never, 1 always.
        lead: index of the lead.
        rule: how distributions are fused.
        alpha: exponent of ``power``; may be infinite.
        beta: confidence sharpening.
        contrast: lambda of ``contrast``.
        samples: answers per item.
        sampling_temperature: used when samples > 1.
    """

    members: tuple[bool, ...]
    weights: tuple[float, ...]
    temperatures: tuple[float, ...]
    open_shares: tuple[float, ...]
    lead: int
    rule: RuleName
    alpha: float
    beta: float
    contrast: float
    samples: int
    sampling_temperature: float

    def __post_init__(self) -> None:
        sizes = {len(self.members), len(self.weights), len(self.temperatures), len(self.open_shares)}
        if len(sizes) != 1 or not 0 <= self.lead < len(self.members):
            raise ValueError(f"expected genes for the same members and a lead among them, got {self}")
        if self.rule not in RULES:
            raise ValueError(f"expected a rule of {', '.join(RULES)}, got {self.rule!r}")

    def to_dict(self) -> dict[str, Any]:
        """The genome as JSON data; infinite exponents are the strings "max" and "min"."""
        names = {math.inf: "max", -math.inf: "min"}
        data = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        return {**data, "alpha": names.get(self.alpha, self.alpha)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RecipeGenome:
        """Read what :meth:`to_dict` wrote, exactly.

        Raises:
            ValueError: the data is no genome.
        """
        values: dict[str, Any] = {n: tuple(value) if isinstance(value, list) else value for n, value in data.items()}
        try:
            values["alpha"] = {"max": math.inf, "min": -math.inf}.get(values["alpha"], values["alpha"])
            return cls(**values)
        except (KeyError, TypeError) as error:
            raise ValueError(f"expected the genes of a recipe, got: {error}") from None


# Which genes sleep: in a member of a state, under a rule, and when only one member is in the recipe.
DORMANT_IN_STATE: dict[MemberState, frozenset[GeneName]] = {
    "lead": frozenset({"member", "open_share"}),  # it always takes part, it always speaks
    "speaking": frozenset(),
    "silent": frozenset({"member", "weight", "temperature"}),  # takes part, never speaks: its open share can wake it
    "absent": frozenset({"weight", "temperature", "open_share"}),  # its bit can wake it
    "asleep": frozenset(MEMBER_GENES),  # absent, and would never speak
}
DORMANT_UNDER_RULE: dict[RuleName, frozenset[GeneName]] = {
    "mixture": frozenset({"alpha", "contrast"}),
    "product": frozenset({"alpha", "contrast"}),
    "power": frozenset({"contrast"}),
    "most_confident": frozenset({"alpha", "beta", "contrast", "weight"}),
    "vote": frozenset({"alpha", "contrast", "temperature"}),  # temperatures wake with beta > 0
    "contrast": frozenset({"alpha"}),  # and the lead's weight; a single follower's too
}
DORMANT_ALONE: frozenset[GeneName] = frozenset({"rule", "alpha", "beta", "contrast", "weight"})
DORMANT_WHEN_GREEDY: frozenset[GeneName] = frozenset({"sampling_temperature"})


def dormant(genome: RecipeGenome, states: Sequence[MemberState], gene: GeneName, member: int | None = None) -> bool:
    """Whether no value of this gene changes the recipe, as long as the other genes stay.

    Args:
        genome: whose.
        states: of its members; see ``evoswarm.genomes.mix.expression.member_states``.
        gene: which gene.
        member: of which member, for the genes that members have.
    """
    if gene in DORMANT_WHEN_GREEDY and genome.samples == 1:
        return True
    if member is not None and gene in DORMANT_IN_STATE[states[member]]:
        return True
    followers = states.count("speaking")
    if not followers:
        return gene in DORMANT_ALONE or (gene == "temperature" and genome.samples == 1)
    if genome.rule == "vote" and gene == "temperature":
        return genome.beta == 0 and genome.samples == 1
    if genome.rule == "contrast" and gene == "weight" and member is not None:
        return states[member] == "lead" or followers == 1
    return gene in DORMANT_UNDER_RULE[genome.rule]
