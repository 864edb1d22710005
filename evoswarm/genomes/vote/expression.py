"""From vote genomes to votes and back, and the repair of genomes that break a limit."""

from __future__ import annotations

import math
from dataclasses import replace

from evoswarm.errors import RecipeError
from evoswarm.genomes.plain import single
from evoswarm.genomes.vote.genes import VoteGenes, VoteGenome
from evoswarm.policies.vote import Vote, Voter
from evoswarm.space import SearchSpace


def express(genome: VoteGenome, space: SearchSpace) -> Vote:
    """The vote of a genome, its voters in pool order."""
    voters = []
    for index in genome.voters:
        samples, temperature = genome.samples[index], genome.temperatures[index]
        alone = single(space, space.pool[index], genome.alphabets[index] if genome.alphabets else None)
        recipe = alone.changed(samples=samples, sampling_temperature=temperature)
        voters.append(Voter(recipe=recipe, weight=genome.weights[index]))
    return Vote(voters=tuple(voters))


def genome_of(vote: Vote, space: SearchSpace, genes: VoteGenes) -> VoteGenome:
    """The genome that comes nearest to a vote: values go to the ends of their ranges, and an alphabet that the space
    does not have becomes its first. Not repaired.

    Raises:
        RecipeError: the pool lacks a voter's member.
    """
    names = [spec.name for spec in space.pool]
    known = {voter.recipe.lead: voter for voter in vote.voters}
    if len(known) < len(vote.voters):
        raise RecipeError(
            "expected every member to vote once (a genome has one vote for each), got one that votes twice"
        )
    for name in known:
        if name not in names:
            raise RecipeError(f"expected members of the pool ({', '.join(names)}), got {name!r}")
    scale = genes.weight.high / max(voter.weight for voter in vote.voters)
    asked = {name: voter.recipe.samples for name, voter in known.items()}
    heats = {name: voter.recipe.sampling_temperature for name, voter in known.items()}
    weights = {name: voter.weight * scale for name, voter in known.items()}
    spelled = {name: voter.recipe.alphabet for name, voter in known.items()}
    return VoteGenome(
        voting=tuple(name in known for name in names),
        weights=tuple(genes.weight.nearest(weights.get(name, genes.weight.high)) for name in names),
        temperatures=tuple(genes.temperature.nearest(heats.get(name, 1.0)) for name in names),
        samples=tuple(_nearest_count(genes, asked.get(name, 1)) for name in names),
        alphabets=tuple(
            next(one for one in (spelled.get(name), *genes.alphabets) if one in genes.alphabets)
            for name in (names if genes.alphabets else ())
        ),
    )


def _nearest_count(genes: VoteGenes, asked: int) -> int:
    """The number of answers of the space that is nearest by ratio; of equals the smaller."""
    return min(genes.samples, key=lambda count: (abs(math.log(count / asked)), count))


def repair(genome: VoteGenome, genes: VoteGenes) -> VoteGenome:
    """The genome that the space allows: while the voters are over a limit, the lightest leaves (of equals the last);
    where nobody votes, the heaviest that may does (of equals the first)."""
    voters = [index for index in genome.voters if index in genes.able]
    while not genes.limits.allow(voters):
        voters.remove(min(voters, key=lambda index: (genome.weights[index], -index)))
    if not voters:
        voters = [max(genes.able, key=lambda index: (genome.weights[index], -index))]
    return replace(genome, voting=tuple(index in voters for index in range(genes.pool)))
