"""The four rivals of a champion: what a single member, a vote or a router makes of the same compute.

Sampling and voting: self-consistency (Wang et al. 2023, arXiv:2203.11171).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evoswarm.controls.ballot import Ballot, Voter
from evoswarm.controls.plain import single
from evoswarm.controls.sampling import FEWEST, MOST, TEMPERATURES, price_of, sampled, samples_for
from evoswarm.controls.trial import Entrant, Trial, Trials, best_of
from evoswarm.controls.ways import Decode, MostConfident, RouteByTask, Vote, Way
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe
from evoswarm.space import SearchSpace

SMALL_POOL = 6
"""In larger pools only members that are the best on selection, overall or on a task, get to sample."""

LEAST_WEIGHT = 1e-3
"""Of a voter whose answers were all wrong."""


@dataclass(frozen=True)
class Singles:
    """Single members on the selection items, with what a champion's compute buys them.

    Attributes:
        greedy: one trial per distinct member, in pool order.
        sampled: trials of votes over several answers.
        capped: members whose answers are too cheap to spend it all.
        left_out: members that did not get to sample.
    """

    greedy: tuple[Trial, ...]
    sampled: tuple[Trial, ...]
    capped: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[Trial, ...]:
        """Everything a single member was tried with."""
        return (*self.greedy, *self.sampled)


def try_singles(trials: Trials, space: SearchSpace, specs: Sequence[MemberSpec], flops: float) -> Singles:
    """Try every member greedily, and those that may by votes over samples.

    Args:
        trials: on the selection items.
        space: of the search.
        specs: of the pool; of exact copies the first stands for all.
        flops: the champion's, mean per item.
    """
    recipes: dict[str, Recipe] = {}
    for recipe in (single(space, spec) for spec in specs):
        recipes.setdefault(recipe.digest, recipe)
    greedy = trials.run([(f"{recipe.lead}, one greedy answer", Decode(recipe)) for recipe in recipes.values()])
    may = greedy
    if len(greedy) > SMALL_POOL:
        may = [best_of(greedy), *(best_of(greedy, task) for task in greedy[0].by_task)]
    ways: list[tuple[str, Way]] = []
    capped = []
    for trial in greedy:
        if any(trial is one for one in may):
            most, bound = samples_for(flops, [price_of(trials.items, trial.rows, trials.evaluator.tasks)])
            capped += [_member(trial)] if bound else []
            ways += _sampling_ways(trial.way.recipes[0], most)
    left_out = tuple(_member(trial) for trial in greedy if all(trial is not one for one in may))
    return Singles(tuple(greedy), tuple(trials.run(ways)), tuple(capped), left_out)


def _sampling_ways(recipe: Recipe, most: int) -> Iterator[tuple[str, Way]]:
    """The grid of one member: the samples are nested, so that the fewer cost nothing beside the more."""
    for samples in sorted({FEWEST, most}):
        for temperature in TEMPERATURES:
            words = f"{recipe.lead}, the majority of {samples} answers at temperature {temperature:g}"
            yield words, Decode(sampled(recipe, samples, temperature))


def best_single(singles: Singles) -> Entrant:
    """R1: the best single member, greedy."""
    best = best_of(singles.greedy)
    description = f"The member of the pool that is best alone, {best.words}"
    return best.entrant("R1", "best single member", description)


def best_sampling(singles: Singles) -> Entrant:
    """R2: the best single-member recipe over temperature and number of samples."""
    best = best_of(singles.all)
    limits = ""
    if singles.capped:
        limits += f"; {MOST} answers at most, which for {_listed(singles.capped)} cost less than the champion"
    if singles.left_out:
        limits += f"; {_listed(singles.left_out)} did not sample, as they are best neither overall nor on a task"
    description = (
        f"The best of {len(singles.all)} single-member recipes that may spend the champion's FLOPs on more answers, "
        f"{best.words} (tried were one greedy answer, and votes over {FEWEST} and over as many as that buys at "
        f"temperatures {_listed(f'{one:g}' for one in TEMPERATURES)}{limits})"
    )
    return best.entrant("R2", "best member, sampling more", description)


def members_vote(trials: Trials, space: SearchSpace, champion: Recipe, flops: float) -> Entrant:
    """R3: the vote of the champion's own members over whole answers.

    Answers that tie go to the member that is best on selection.
    """
    recipes = [single(space, member.spec) for member in champion.members]
    greedy = trials.run([(recipe.lead, Decode(recipe)) for recipe in recipes])
    order = sorted(greedy, key=lambda trial: (-trial.accuracy, trial.flops))
    items, tasks = trials.items, trials.evaluator.tasks
    samples, capped = samples_for(flops, [price_of(items, trial.rows, tasks) for trial in greedy])
    tried = trials.run([*_ballots(order, 1, 1.0), *(w for t in TEMPERATURES for w in _ballots(order, samples, t))])
    best = best_of(tried)
    names = _listed(_member(trial) for trial in order)
    who = f"The champion's own members vote on whole answers ({names})" if len(order) > 1 else f"{names} alone"
    limit = f", {MOST} answers at most, which cost less than the champion" if capped else ""
    description = f"{who}, {best.words}, the best of {len(tried)} ballots tried{limit}"
    return best.entrant("R3", "vote of the champion's members", description)


def _ballots(order: Sequence[Trial], samples: int, temperature: float) -> Iterator[tuple[str, Way]]:
    """Equal weights, and weights by accuracy where there is more than one voter."""
    how = "one greedy answer each" if samples == 1 else f"{samples} answers each at temperature {temperature:g}"
    voters = [sampled(trial.way.recipes[0], samples, temperature) for trial in order]
    if len(order) == 1:
        yield how.replace(" each", ""), Vote(Ballot((Voter(voters[0]),)))
        return
    yield f"{how}, equal weights", Vote(Ballot(tuple(Voter(recipe) for recipe in voters)))
    weights = [max(LEAST_WEIGHT, trial.accuracy) for trial in order]
    weighted = tuple(Voter(recipe, weight) for recipe, weight in zip(voters, weights, strict=True))
    yield f"{how}, weights by accuracy on selection", Vote(Ballot(weighted))


def better_router(trials: Trials, singles: Singles) -> Entrant:
    """R4: the better of two routers, by task and by confidence."""
    by_task = {task: best_of(singles.all, task) for task in singles.greedy[0].by_task}
    best = best_of(singles.all)
    router = RouteByTask(
        tuple((task, trial.way.recipes[0]) for task, trial in by_task.items()), otherwise=best.way.recipes[0]
    )
    pool = tuple(recipe for trial in singles.greedy for recipe in trial.way.recipes)
    tried = trials.run([("by task", router), ("by confidence", MostConfident(pool))])
    chosen, other = sorted(tried, key=lambda trial: trial is not best_of(tried))
    against = f"(the router {other.words} got {other.accuracy:.1%})"
    if chosen.words == "by task":
        routes = "; ".join(f"{task}: {trial.words}" for task, trial in by_task.items())
        description = f"Every task goes to the single-member recipe that is best on it on selection, {routes} {against}"
    else:
        description = (
            f"All {len(pool)} members of the pool answer greedily, and the answer with the least mean entropy per step "
            f"counts {against}"
        )
    return chosen.entrant("R4", f"router {chosen.words}", description)


def _member(trial: Trial) -> str:
    return trial.way.recipes[0].lead


def _listed(words: Iterator[str] | Sequence[str]) -> str:
    return ", ".join(words)
