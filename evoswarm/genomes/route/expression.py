"""From route genomes to routes and back, and the repair of genomes that break a limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from evoswarm.errors import RecipeError
from evoswarm.genomes.mix.representation import MixGenomes
from evoswarm.genomes.route.genes import RouteGenome
from evoswarm.policies import Recipe, Route
from evoswarm.policies.partition import Partition


def express(genome: RouteGenome, mixes: MixGenomes, partition: Partition) -> Route:
    """The route of a genome; parts that sleep are no part of it. What answers most kinds answers what is of none."""
    made = {part: mixes.express(genome.parts[part]) for part in genome.awake}
    keys = [mixes.key(genome.parts[place]) for place in genome.places]  # parts may be alike
    first = max(genome.awake, key=lambda part: (keys.count(mixes.key(genome.parts[part])), -part))
    return partition.route(made[first], [made[place] for place in genome.places])


def genome_of(route: Route, mixes: MixGenomes, partition: Partition, parts: int) -> RouteGenome:
    """The genome that comes nearest to a route: mixes beyond so many parts give way to the first.

    Kinds are those of the partition: a route by other clusters of prompts sends each to where its position sends it.
    Not repaired.

    Raises:
        RecipeError: the route is by confidence or holds a vote, or the pool lacks a member.
    """
    if route.by == "confidence":
        raise RecipeError("expected a route by task or by cluster (of others there are no genomes), got by confidence")
    recipes = [one for one in route.policies if isinstance(one, Recipe)]
    if len(recipes) < len(route.policies):
        raise RecipeError("expected a route of mixes (a genome has no votes), got one that holds a vote")
    if route.by == "task":
        wanted = [route.tasks.get(task, 0) for task in partition.tasks or ("",) * partition.cells]
    else:
        known = [one.policy for one in route.clusters]
        wanted = [known[kind] if kind < len(known) else 0 for kind in range(partition.cells)]
    kept = list(dict.fromkeys([0, *wanted]))[:parts] if 0 in wanted else list(dict.fromkeys(wanted))[:parts]
    genomes = [mixes.nearest(recipes[place]) for place in kept]
    filled = (*genomes, *[genomes[0]] * (parts - len(genomes)))
    return RouteGenome(filled, tuple(kept.index(place) if place in kept else 0 for place in wanted))


def repair(genome: RouteGenome, mixes: MixGenomes, hold: Callable[[Sequence[int]], bool]) -> RouteGenome:
    """The genome that the space allows: every mix is repaired, and while all members of the route together are too
    large, the part that answers the fewest kinds (of equals the last) gives them to the one that answers the most.

    Args:
        genome: with genes in their ranges.
        mixes: of the space.
        hold: whether members, by position in the pool, may be loaded together.
    """
    genome = RouteGenome(tuple(map(mixes.repaired, genome.parts)), genome.places)
    names = [spec.name for spec in mixes.space.pool]
    while len(genome.awake) > 1:
        specs = {spec.name for part in genome.awake for spec in mixes.express(genome.parts[part]).specs}
        if hold(sorted(map(names.index, specs))):
            break
        first = genome.first
        others = [part for part in genome.awake if part != first]
        least = min(others, key=lambda part: (genome.places.count(part), -part))
        genome = RouteGenome(genome.parts, tuple(first if place == least else place for place in genome.places))
    return genome
