"""The four rivals of a champion: what a single member, a vote or a router makes of the same compute.

Sampling and voting: self-consistency (Wang et al. 2023, arXiv:2203.11171).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from evoswarm.evaluation.candidate import Candidate, Scored, best_of, score
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.genomes.plain import single
from evoswarm.member_spec import MemberSpec
from evoswarm.policies import Policy, Recipe, Route, Vote
from evoswarm.policies.vote import Voter
from evoswarm.rivals.drawing import Arm, Draw, draw, shared_samples, told
from evoswarm.rivals.sampling import TEMPERATURES, price_of, sampled, samples_for
from evoswarm.space import SearchSpace
from evoswarm.tasks.task import Item

SMALL_POOL = 6
"""In larger pools only members that are the best on selection, overall or on a task, get to sample."""

LEAST_WEIGHT = 1e-3
"""Of a voter whose answers were all wrong."""


@dataclass(frozen=True)
class Singles:
    """Single members on the selection items, with what a champion's compute buys them.

    Attributes:
        greedy: one per distinct member, in pool order.
        draws: what each way to sample has drawn.
        left_out: members that did not get to sample.
    """

    greedy: tuple[Scored, ...]
    draws: tuple[Draw, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def sampled(self) -> tuple[Scored, ...]:
        """Votes over several answers."""
        return tuple(vote for one in self.draws for vote in one.votes)

    @property
    def all(self) -> tuple[Scored, ...]:
        """Everything a single member was tried with."""
        return (*self.greedy, *self.sampled)


def try_singles(
    evaluator: Evaluator, items: Sequence[Item], space: SearchSpace, specs: Sequence[MemberSpec], flops: float
) -> Singles:
    """Try every member greedily, and those that may by votes over samples.

    Args:
        evaluator: decodes.
        items: of the selection split.
        space: of the search.
        specs: of the pool; of exact copies the first stands for all.
        flops: the champion's, mean per item.
    """
    recipes: dict[str, Recipe] = {}
    for recipe in (single(space, spec) for spec in specs):
        recipes.setdefault(recipe.digest, recipe)
    alone = list(recipes.values())
    greedy = score([Candidate(f"{recipe.lead}, one greedy answer", recipe) for recipe in alone], evaluator, items)
    may = greedy
    if len(greedy) > SMALL_POOL:
        may = [best_of(greedy), *(best_of(greedy, task) for task in _tasks(items))]
    arms: list[Arm] = []
    for recipe, one in zip(alone, greedy, strict=True):
        if any(one is other for other in may):
            prices = [price_of(items, evaluator.evaluate([recipe], items)[0], evaluator.tasks)]
            arms += _arms(recipe, *samples_for(flops, prices, space.certificate.samples))
    left_out = tuple(
        recipe.lead for recipe, one in zip(alone, greedy, strict=True) if all(one is not other for other in may)
    )
    return Singles(tuple(greedy), draw(arms, greedy, evaluator, items), left_out)


def _arms(recipe: Recipe, most: int, limited: bool) -> Iterator[Arm]:
    """The ways in which one member may sample."""
    for temperature in TEMPERATURES:
        yield Arm(sampled(recipe, most, temperature), f"at temperature {temperature:g}", most, limited)


def best_single(singles: Singles) -> Candidate:
    """R1: the best single member, greedy."""
    best = best_of(singles.greedy)
    return as_rival(best, "R1", "best single member", f"The member of the pool that is best alone, {best.name}")


def best_sampling(singles: Singles) -> Candidate:
    """R2: the best single-member recipe over temperature and number of samples."""
    best = best_of(singles.all)
    limits = f"; answers drawn in stages, {told(singles.draws)}" if singles.draws else ""
    if singles.left_out:
        limits += f"; {', '.join(singles.left_out)} did not sample, as they are best neither overall nor on a task"
    description = (
        f"The best of {len(singles.all)} single-member recipes that may spend the champion's FLOPs on more answers, "
        f"{best.name} (tried were one greedy answer, and votes over growing numbers of them{limits})"
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
    recipes = [sampled(one.policy, 1, 1.0).digest for one in order if isinstance(one.policy, Recipe)]
    drawn = [
        one
        for one in draws
        if one.arm.recipe.sampling_temperature == temperature and sampled(one.arm.recipe, 1, 1.0).digest in recipes
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


def better_router(evaluator: Evaluator, items: Sequence[Item], singles: Singles) -> Candidate:
    """R4: the better of two routers, by task and by confidence."""
    by_task = {task: best_of(singles.all, task) for task in _tasks(items)}
    best = best_of(singles.all)
    policies = [best.policy, *(one.policy for one in by_task.values())]
    places = {task: place for place, task in enumerate(by_task, start=1)}
    pool = [one.policy for one in singles.greedy]
    routers = [
        Candidate("by task", Route.model_validate({"by": "task", "policies": policies, "tasks": places})),
        Candidate("by confidence", Route.model_validate({"by": "confidence", "policies": pool})),
    ]
    tried = score(routers, evaluator, items)
    chosen, other = sorted(tried, key=lambda one: one is not best_of(tried))
    against = f"(the router {other.name} got {other.accuracy:.1%})"
    if chosen.name == "by task":
        routes = "; ".join(f"{task}: {one.name}" for task, one in by_task.items())
        description = f"Every task goes to the single-member recipe that is best on it on selection, {routes} {against}"
    else:
        description = (
            f"All {len(pool)} members of the pool answer greedily, and the answer with the least mean entropy per step "
            f"counts {against}"
        )
    return as_rival(chosen, "R4", f"router {chosen.name}", description)


def as_rival(scored: Scored, key: str, name: str, description: str) -> Candidate:
    """The candidate under the name of its role; the description ends with what was seen here."""
    said = f"{description}: {scored.accuracy:.1%} on selection."
    return replace(scored.candidate, key=key, name=name, description=said)


def _tasks(items: Sequence[Item]) -> list[str]:
    return list(dict.fromkeys(item.task for item in items))
