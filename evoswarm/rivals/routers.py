"""R4: the best of three routers over what single members answer: by task, by the prompt's kind, by confidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from evoswarm.evaluation.candidate import Candidate, best_of, score
from evoswarm.evaluation.evaluation import item_weights
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.evaluation.routes.composition import KnownScores, composed
from evoswarm.evaluation.routes.partitions import partitions_of
from evoswarm.policies import Route
from evoswarm.rivals.matched import Singles, as_rival
from evoswarm.tasks.task import Item


def best_router(evaluator: Evaluator, items: Sequence[Item], singles: Singles) -> Candidate:
    """R4: the best of the routers on selection; of equals the cheaper, then the first.

    Args:
        evaluator: decodes.
        items: of the selection split.
        singles: what single members did on them.
    """
    routers = [_by_task(items, singles), *_by_prompt(evaluator, items, singles)]
    tried = score([*routers, *_by_confidence(singles)], evaluator, items)
    found = [*tried[: len(routers)], best_of(tried[len(routers) :])]
    best = best_of(found)
    others = " and ".join(f"the router {one.name} got {one.accuracy:.1%}" for one in found if one is not best)
    return as_rival(best, "R4", f"router {best.name}", f"{best.candidate.description} ({others})")


def _by_task(items: Sequence[Item], singles: Singles) -> Candidate:
    """Every task's best; what is of no task goes to the best of all."""
    by_task = {task: best_of(singles.all, task) for task in dict.fromkeys(item.task for item in items)}
    policies = [best_of(singles.all).policy, *(one.policy for one in by_task.values())]
    places = {task: place for place, task in enumerate(by_task, start=1)}
    route = Route.model_validate({"by": "task", "policies": policies, "tasks": places})
    routes = "; ".join(f"{task}: {one.name}" for task, one in by_task.items())
    said = f"Every task goes to the single-member recipe that is best on it on selection, {routes}"
    return Candidate("by task", route, description=said)


def _by_prompt(evaluator: Evaluator, items: Sequence[Item], singles: Singles) -> Iterator[Candidate]:
    """The kinds of prompts, where cross-validation on selection shows that telling them apart pays most: more than
    telling no items apart, and more than telling tasks apart."""
    partitions, known = partitions_of(items), singles.all
    if all(one.tasks for one in partitions):
        return
    evidence = KnownScores(
        np.array([one.scores for one in known]),
        np.array(item_weights(items, evaluator.tasks)),
        [one.flops for one in known],
        items,
    )
    route = composed(evidence, partitions)
    if route.partition is None or route.partition.tasks:
        return
    chosen = [known[place] for place in route.chosen]
    policy = route.partition.route(known[route.first].policy, [one.policy for one in chosen])
    routes = "; ".join(f"{kind.words}: {one.name}" for kind, one in zip(policy.clusters, chosen, strict=True))
    said = (
        f"Prompts of every kind go to the single-member recipe that is best on them on selection, {routes} ("
        f"{route.partition.cells} clusters, as cross-validation chose, which foretells {route.accuracy:.1%})"
    )
    yield Candidate("by prompt", policy, description=said)


def _by_confidence(singles: Singles) -> Iterator[Candidate]:
    """Routers over whole answers: of members as the space asks them, and as each is best alone, where that differs."""
    all_of = f"All {len(singles.greedy)} members of the pool answer"
    pools = {f"{all_of} greedily": singles.greedy}
    if any(one is not other for one, other in zip(singles.greedy, singles.best_ways, strict=True)):
        pools[f"{all_of} as each is best alone ({'; '.join(one.name for one in singles.best_ways)})"] = (
            singles.best_ways
        )
    for how, pool in pools.items():
        route = Route.model_validate({"by": "confidence", "policies": [one.policy for one in pool]})
        said = f"{how}, and the answer with the least mean entropy per step counts"
        yield Candidate("by confidence", route, description=said)
