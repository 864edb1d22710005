"""From fitted numbers to a recipe that the search space allows."""

from __future__ import annotations

from collections.abc import Sequence

from evoswarm.canonical import round_significant
from evoswarm.genomes.mix.genes import Genes
from evoswarm.genomes.plain import uniform
from evoswarm.gold.fit.mixes import Mix, leader
from evoswarm.gold.fit.outcomes import Outcomes
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Fusion, Recipe, RecipeMember
from evoswarm.space import SearchSpace

DIGITS = 3
"""Significant digits of a fitted number: so few that neither threads nor the order of sums can matter."""


def recipe_of(mix: Mix, outcomes: Outcomes, space: SearchSpace, specs: Sequence[MemberSpec], genes: Genes) -> Recipe:
    """The recipe of a mix: greedy, everybody always speaks, every number within its range.

    Args:
        mix: over members of the pool.
        outcomes: of the whole pool: they say who leads.
        space: the search space.
        specs: of the pool, as loaded.
        genes: of the space.
    """

    def number(gene: str, value: float) -> float:
        return genes.ranges[gene].nearest(round_significant(value, DIGITS))

    blend = mix.blend
    weights = (blend.log_weights - blend.log_weights.max()).exp() * genes.ranges["weight"].high
    members = tuple(
        RecipeMember(spec=specs[index], weight=number("weight", weight), temperature=number("temperature", temperature))
        for index, weight, temperature in zip(
            mix.members, weights.tolist(), blend.log_temperatures.exp().tolist(), strict=True
        )
    )
    parameters = {name: number(name, float(value)) for name, value in blend.parameters.items()}
    plain = uniform(space, [specs[index] for index in mix.members])
    return Recipe(
        **{name: getattr(plain, name) for name in ("alphabet", "epsilon", "noise_seed", "prompt_format")},
        members=members,
        lead=specs[leader(mix, outcomes, genes)].name,
        fusion=Fusion(rule=mix.rule, **parameters),
    )
