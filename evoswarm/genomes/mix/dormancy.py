"""Which genes sleep.

A genome keeps genes that do not matter at present (the weight of an absent member, the exponent of a rule that is
not in use): they may matter again after the next mutation. They are *dormant*: no value of theirs changes the
recipe. Mutation spends itself on active genes alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from evoswarm.genomes.mix.genes import MEMBER_GENES, GeneName, RecipeGenome
from evoswarm.policies.mix import RuleName

MemberState = Literal["lead", "speaking", "silent", "absent", "asleep"]

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
