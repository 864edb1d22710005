"""The first three rivals of a champion (R1, R2, R3): what a single member or a vote makes of the same compute.

Sampling and voting: self-consistency (Wang et al. 2023, arXiv:2203.11171).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from evoswarm.evaluation.candidate import Candidate, Scored, best_of, score
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.genomes.plain import single
from evoswarm.member_spec import MemberSpec
from evoswarm.policies import Policy, Recipe, Vote
from evoswarm.policies.sampling import sampling_words
from evoswarm.policies.vote import Voter
from evoswarm.rivals.as_deployed import samplers, ways_of
from evoswarm.rivals.drawing import Arm, Draw, draw, shared_samples, told
from evoswarm.rivals.sampling import TEMPERATURES, price_of, sampled, samples_for
from evoswarm.space import SearchSpace
from evoswarm.tasks.task import Item

SMALL_POOL = 6
"""In larger pools only members that are the best on selection, overall or on a task, get to sample."""

TRIED = "tried were one answer of each as the space asks it and as its owner runs it"
ALIKE = "tried was one greedy answer of each, which the space asks as its owner runs it"

LEAST_WEIGHT = 1e-3
"""Of a voter whose answers were all wrong."""


@dataclass(frozen=True)
class Singles:
    """Single members on the selection items, with what a champion's compute buys them.

    Attributes:
        greedy: one per distinct member as the space asks it, in pool order.
        draws: what each way to sample has drawn.
        left_out: members that did not get to sample.
        deployed: per member, in the same order, one answer in each of the other ways in which its owner runs it.
    """

    greedy: tuple[Scored, ...]
    draws: tuple[Draw, ...] = ()
    left_out: tuple[str, ...] = ()
    deployed: tuple[tuple[Scored, ...], ...] = ()

    @property
    def once(self) -> tuple[Scored, ...]:
        """Every way to answer once."""
        return (*self.greedy, *chain.from_iterable(self.deployed))

    @property
    def best_ways(self) -> tuple[Scored, ...]:
        """Each member in the way to answer once in which it is best."""
        others = self.deployed or ((),) * len(self.greedy)
        return tuple(best_of([one, *ways]) for one, ways in zip(self.greedy, others, strict=True))

    @property
    def sampled(self) -> tuple[Scored, ...]:
        """Votes over several answers."""
        return tuple(vote for one in self.draws for vote in one.votes)

    @property
    def all(self) -> tuple[Scored, ...]:
        """Everything a single member was tried with."""
        return (*self.once, *self.sampled)


def try_singles(
    evaluator: Evaluator,
    items: Sequence[Item],
    space: SearchSpace,
    specs: Sequence[MemberSpec],
    flops: float,
    stand_for: int = 1,
) -> Singles:
    """Try every member by one answer, as the space asks it and as its owner does, and those that may by votes.

    Args:
        evaluator: decodes.
        items: of the selection split.
        space: of the search.
        specs: of the pool; of exact copies the first stands for all.
        flops: the champion's, mean per item.
        stand_for: see ``draw``.
    """
    recipes: dict[str, Recipe] = {}
    for recipe in (single(space, spec) for spec in specs):
        recipes.setdefault(recipe.digest, recipe)
    alone = list(recipes.values())
    greedy = score([Candidate(f"{recipe.lead}, one greedy answer", recipe) for recipe in alone], evaluator, items)
    deployed = _deployed(evaluator, items, alone)
    once = Singles(tuple(greedy), deployed=deployed)
    may = _may_sample(once, items)
    arms: list[Arm] = []
    for recipe, one, ways in zip(alone, greedy, deployed, strict=True):
        for way in [one, *samplers(one, ways)] if recipe.lead in may else []:
            assert isinstance(way.policy, Recipe)
            prices = [price_of(items, evaluator.evaluate([way.policy], items)[0], evaluator.tasks)]
            arms += _arms(way.policy, way.candidate.description, *samples_for(flops, prices, space.certificate.samples))
    left_out = tuple(recipe.lead for recipe in alone if recipe.lead not in may)
    return replace(once, draws=draw(arms, once.once, evaluator, items, stand_for), left_out=left_out)


def _deployed(evaluator: Evaluator, items: Sequence[Item], alone: Sequence[Recipe]) -> tuple[tuple[Scored, ...], ...]:
    """Every member in the other ways in which its owner runs it; all of them are decoded together."""
    ways = [ways_of(recipe, evaluator.swarm) for recipe in alone]
    scored = iter(score([way for some in ways for way in some], evaluator, items))
    return tuple(tuple(islice(scored, len(some))) for some in ways)


def _may_sample(singles: Singles, items: Sequence[Item]) -> frozenset[str]:
    """Names of the members that get to sample."""
    best = singles.best_ways
    names = [one.policy.specs[0].name for one in singles.greedy]
    if len(best) <= SMALL_POOL:
        return frozenset(names)
    chosen = [best_of(best), *(best_of(best, task) for task in _tasks(items))]
    return frozenset(name for name, one in zip(names, best, strict=True) if any(one is other for other in chosen))


def _arms(recipe: Recipe, how: str, most: int, limited: bool) -> Iterator[Arm]:
    """The ways in which one member may sample: with settings of its own, where it has such, or at all temperatures."""
    if recipe.sampled:
        yield Arm(recipe.changed(samples=most), f"{how} at {sampling_words(recipe)}", most, limited)
        return
    for temperature in TEMPERATURES:
        yield Arm(sampled(recipe, most, temperature), f"{how} at temperature {temperature:g}".lstrip(), most, limited)


def best_single(singles: Singles) -> Candidate:
    """R1: the best single member, by one answer, as the space asks it or as its owner runs it."""
    best = best_of(singles.once)
    description = f"The member of the pool that is best alone, {best.name} ({_tried(singles)})"
    return as_rival(best, "R1", "best single member", description)


def _tried(singles: Singles) -> str:
    return TRIED if any(singles.deployed) else ALIKE


def best_sampling(singles: Singles) -> Candidate:
    """R2: the best single-member recipe over temperature and number of samples."""
    best = best_of(singles.all)
    limits = f"; answers drawn in stages, {told(singles.draws)}" if singles.draws else ""
    if singles.left_out:
        limits += f"; {', '.join(singles.left_out)} did not sample, as they are best neither overall nor on a task"
    description = (
        f"The best of {len(singles.all)} single-member recipes that may spend the champion's FLOPs on more answers, "
        f"{best.name} ({_tried(singles)}, and votes over growing numbers of them{limits})"
    )
    return as_rival(best, "R2", "best member, sampling more", description)


def members_vote(
    evaluator: Evaluator, items: Sequence[Item], space: SearchSpace, champion: Policy, flops: float, singles: Singles
) -> Candidate:
    """R3: the vote of the champion's own members over whole answers, those drawn already where there are such.

    Answers that tie go to the member that is best on selection.
    """
    alone = [Candidate(spec.name, single(space, spec)) for spec in champion.specs]
    order = sorted(score(alone, evaluator, items), key=lambda one: (-one.accuracy, one.flops))
    rows = evaluator.evaluate([one.policy for one in alone], items)
    prices = [price_of(items, row, evaluator.tasks) for row in rows]
    samples, limited = samples_for(flops, prices, space.certificate.samples)
    each = {heat: _samples_at(heat, order, singles.draws, samples) for heat in TEMPERATURES}
    votes = [*_votes(order, 1, 1.0), *(vote for heat, count in each.items() for vote in _votes(order, count, heat))]
    tried = score(votes, evaluator, items)
    best = best_of(tried)
    names = ", ".join(one.name for one in order)
    who = f"The champion's own members vote on whole answers ({names})" if len(order) > 1 else f"{names} alone"
    description = f"{who}, {best.name}, the best of {len(tried)} ballots tried{_limits(each, samples, limited)}"
    return as_rival(best, "R3", "vote of the champion's members", description)


def _samples_at(temperature: float, order: Sequence[Scored], draws: Sequence[Draw], wanted: int) -> int:
    """How many answers of each member vote: what all of them have drawn already, where any has."""
    recipes = [one.policy for one in order if isinstance(one.policy, Recipe)]
    drawn = [
        one
        for one in draws
        if one.arm.recipe.digest in [sampled(each, one.arm.most, temperature).digest for each in recipes]
    ]
    return shared_samples(drawn, wanted) if drawn else wanted


def _limits(each: Mapping[float, int], samples: int, limited: bool) -> str:
    """Where a vote spends less than the champion, and why."""
    few = [f"{count} at temperature {heat:g}" for heat, count in each.items() if count < samples]
    said = ", as many answers each as the limit allows, which cost less than the champion" if limited else ""
    return said + (f", only {' and '.join(few)}, as far as all were drawn" if few else "")


def _votes(order: Sequence[Scored], samples: int, temperature: float) -> Iterator[Candidate]:
    """Equal weights, and weights by accuracy where there is more than one voter."""
    how = "one greedy answer each" if samples == 1 else f"{samples} answers each at temperature {temperature:g}"
    voters = [sampled(one.policy, samples, temperature) for one in order if isinstance(one.policy, Recipe)]
    if len(order) == 1:
        yield Candidate(how.replace(" each", ""), Vote(voters=(Voter(recipe=voters[0]),)))
        return
    yield Candidate(f"{how}, equal weights", Vote(voters=tuple(Voter(recipe=recipe) for recipe in voters)))
    weights = [max(LEAST_WEIGHT, one.accuracy) for one in order]
    weighted = tuple(Voter(recipe=recipe, weight=weight) for recipe, weight in zip(voters, weights, strict=True))
    yield Candidate(f"{how}, weights by accuracy on selection", Vote(voters=weighted))


def as_rival(scored: Scored, key: str, name: str, description: str) -> Candidate:
    """The candidate under the name of its role; the description ends with what was seen here."""
    said = f"{description}: {scored.accuracy:.1%} on selection."
    return replace(scored.candidate, key=key, name=name, description=said)


def _tasks(items: Sequence[Item]) -> list[str]:
    return list(dict.fromkeys(item.task for item in items))
