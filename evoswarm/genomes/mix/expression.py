"""From genomes to recipes and back, and the repair of genomes that break a limit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from evoswarm.errors import RecipeError
from evoswarm.genomes.mix.dormancy import MemberState
from evoswarm.genomes.mix.genes import Genes, RecipeGenome
from evoswarm.genomes.mix.thresholds import Calibration
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Fusion, Recipe, RecipeMember
from evoswarm.space import SearchSpace


def thresholds(genome: RecipeGenome, space: SearchSpace, calibration: Calibration) -> tuple[float | None, ...]:
    """Per member of the pool, from which entropy of the lead it would speak if it took part; None is never."""
    lead = space.pool[genome.lead].name
    return tuple(
        0.0 if index == genome.lead or not space.genome.gates else calibration.threshold(lead, share)
        for index, share in enumerate(genome.open_shares)
    )


def member_states(genome: RecipeGenome, would_speak: Sequence[float | None]) -> tuple[MemberState, ...]:
    """What each member of the pool does in the recipe.

    Args:
        genome: whose.
        would_speak: from :func:`thresholds`.
    """

    def state(index: int) -> MemberState:
        if index == genome.lead:
            return "lead"
        if would_speak[index] is None:
            return "silent" if genome.members[index] else "asleep"
        return "speaking" if genome.members[index] else "absent"

    return tuple(state(index) for index in range(len(genome.members)))


def express(genome: RecipeGenome, space: SearchSpace, calibration: Calibration) -> Recipe:
    """The recipe of a genome: the lead and the members that speak, in pool order, with thresholds in nats.

    Args:
        genome: a repaired genome over the space's pool.
        space: its member specs go into the recipe as they are; fill in fingerprints first.
        calibration: of the genome's alphabet, with a table for the lead.
    """
    nats = thresholds(genome, space, calibration)
    states = member_states(genome, nats)
    members = tuple(
        RecipeMember(
            spec=space.pool[index],
            weight=genome.weights[index],
            temperature=genome.temperatures[index],
            threshold=nats[index] or 0.0,
        )
        for index, state in enumerate(states)
        if state in ("lead", "speaking")
    )
    return Recipe(
        alphabet=genome.alphabet or space.alphabets[0],
        members=members,
        lead=space.pool[genome.lead].name,
        fusion=Fusion(rule=genome.rule, **dict(genome.parameters)),
        samples=genome.samples,
        sampling_temperature=genome.sampling_temperature,
        epsilon=space.epsilon,
        noise_seed=space.noise_seed,
        prompt_format=space.prompt_format,
    )


def repair(genome: RecipeGenome, space: SearchSpace, calibration: Calibration, genes: Genes) -> RecipeGenome:
    """The genome that the space allows: the lead may lead and takes part; while the speaking members are over a
    limit, the lightest that does not lead leaves (of equals the last).

    Args:
        genome: genes within their ranges.
        space: the search space.
        calibration: of the genome's alphabet, with a table for every lead.
        genes: of the space.
    """
    lead = genome.lead
    if lead not in genes.leads:
        present = [index for index in genes.leads if genome.members[index]]
        lead = max(present or genes.leads, key=lambda index: genome.weights[index])
    members = list(genome.members)
    members[lead] = True
    genome = replace(genome, lead=lead, members=tuple(members))
    states = member_states(genome, thresholds(genome, space, calibration))
    followers = [index for index, state in enumerate(states) if state == "speaking"]
    while followers and not genes.limits.allow([lead, *followers]):
        lightest = min(followers, key=lambda index: (genome.weights[index], -index))
        followers.remove(lightest)
        members[lightest] = False
    return replace(genome, members=tuple(members))


def genome_of(recipe: Recipe, space: SearchSpace, calibration: Calibration, genes: Genes) -> RecipeGenome:
    """The genome that comes nearest to a recipe: thresholds become shares, values go to the ends of their ranges.

    Not repaired. Genes of members that the recipe lacks are neutral.

    Args:
        recipe: in any alphabet; one that the space does not have becomes its first.
        space: the search space.
        calibration: of the recipe's own alphabet; a table is needed for the lead of a gated recipe only.
        genes: of the space.

    Raises:
        RecipeError: the pool lacks a member of the recipe.
    """
    found = {_pool_index(member.spec, space.pool): member for member in recipe.members}
    ranges = genes.ranges
    lead = _pool_index(recipe.members[recipe.lead_index].spec, space.pool)
    lead_name = space.pool[lead].name
    size = range(genes.pool)
    shares = {
        index: calibration.share(lead_name, member.threshold) if index != lead else 1.0
        for index, member in found.items()
    }
    fits = all(ranges["weight"].low <= member.weight <= ranges["weight"].high for member in found.values())
    scale = 1.0 if fits else ranges["weight"].high / max(member.weight for member in found.values())
    weights = {index: member.weight * scale for index, member in found.items()}
    temperatures = {index: member.temperature for index, member in found.items()}
    rule = recipe.fusion.rule
    return RecipeGenome(
        members=tuple(index in found for index in size),
        weights=tuple(ranges["weight"].nearest(weights.get(index, ranges["weight"].high)) for index in size),
        temperatures=tuple(ranges["temperature"].nearest(temperatures.get(index, 1.0)) for index in size),
        open_shares=tuple(ranges["open_share"].nearest(shares.get(index, 1.0)) for index in size),
        lead=lead,
        rule=rule if rule in genes.rules else genes.rules[0],
        parameters=tuple((name, ranges[name].nearest(recipe.fusion.parameters[name])) for name in genes.parameters),
        samples=min(genes.samples, key=lambda count: (abs(math.log(count / recipe.samples)), count)),
        sampling_temperature=ranges["sampling_temperature"].nearest(recipe.sampling_temperature),
        alphabet=next((one for one in (recipe.alphabet, *genes.alphabets) if one in genes.alphabets), None),
    )


def _pool_index(spec: MemberSpec, pool: Sequence[MemberSpec]) -> int:
    """Where a recipe's member stands in the pool: the same fingerprint, else the same path, else the same name."""
    for same in (
        lambda other: other.fingerprint is not None and other.fingerprint == spec.fingerprint,
        lambda other: (other.path, other.revision) == (spec.path, spec.revision),
        lambda other: other.name == spec.name,
    ):
        for index, other in enumerate(pool):
            if same(other):
                return index
    known = ", ".join(other.name for other in pool)
    raise RecipeError(f"expected members of the pool ({known}), got {spec.name!r}")
