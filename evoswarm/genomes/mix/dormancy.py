"""Which genes sleep.

A genome keeps genes that do not matter at present (the weight of an absent member, the exponent of a rule that is
not in use): they may matter again after the next mutation. They are *dormant*: no value of theirs changes the
recipe. Mutation spends itself on active genes alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from evoswarm.fusion import GATING, RULES
from evoswarm.genomes.mix.genes import RecipeGenome

MemberState = Literal["lead", "speaking", "silent", "absent", "asleep"]

DORMANT_IN_STATE: Mapping[MemberState, frozenset[str]] = {
    "lead": frozenset({"member", "open_share"}),  # it always takes part, it always speaks
    "speaking": frozenset(),
    "silent": frozenset({"member", "weight", "temperature"}),  # takes part, never speaks: its open share can wake it
    "absent": frozenset({"weight", "temperature", "open_share"}),  # its bit can wake it
    "asleep": frozenset({"member", "weight", "temperature", "open_share"}),  # absent, and would never speak
}


def dormant(genome: RecipeGenome, states: Sequence[MemberState], gene: str, member: int | None = None) -> bool:
    """Whether no value of this gene changes the recipe, as long as the other genes stay.

    Args:
        genome: whose.
        states: of its members; see ``evoswarm.genomes.mix.expression.member_states``.
        gene: which gene.
        member: of which member, for the genes that members have.
    """
    rule, values, greedy = RULES[genome.rule], dict(genome.parameters), genome.samples == 1
    followers = states.count("speaking")
    if member is not None and gene in DORMANT_IN_STATE[states[member]]:
        return True
    if gene == "sampling_temperature":
        return greedy
    if gene == "temperature":
        return greedy and not (followers and rule.tempers(values))
    if gene == "weight" and not rule.uses_lead_weight and member is not None:
        return followers < 2 or states[member] == "lead"
    if gene == "weight":
        return not (followers and rule.uses_weights)
    if gene == "rule":
        return not followers
    if gene not in values:
        return False
    if gene in {parameter.name for parameter in GATING}:
        return not any(
            state == "speaking" and share < 1 for state, share in zip(states, genome.open_shares, strict=True)
        )
    used = {parameter.name: parameter for parameter in rule.parameters}
    if not followers or gene not in used:
        return True
    above = used[gene].under
    return bool(above) and values.get(above, used[above].default) == used[above].default
