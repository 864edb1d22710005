"""The mixes that a policy answers by, and which of them answered an item: one function per kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from evoswarm.evaluation.answers import surest
from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.policies import Policy, Recipe, Route, Vote
from evoswarm.tasks.task import Item, Task


@dataclass(frozen=True)
class PolicyPart:
    """One of the mixes of a policy.

    Attributes:
        label: which of them; "" where there is but one.
        recipe: the mix.
    """

    label: str
    recipe: Recipe

    @property
    def first_sample(self) -> Recipe:
        """The mix that draws the first of its answers and no other: the same, by the same noise."""
        return self.recipe if self.recipe.samples == 1 else self.recipe.changed(samples=1, sampled=True)


def parts_of(policy: Policy) -> tuple[PolicyPart, ...]:
    """The mixes of a policy of any kind, those that a route may ask all included."""
    return tuple(_PARTS[policy.kind](policy))


def parts_asked(policy: Policy, item: Item) -> list[int]:
    """The places, among its parts, of the mixes that a policy needs for an item; in the order of ``Policy.mixes``."""
    if not isinstance(policy, Route):
        return list(range(len(parts_of(policy))))
    return [place for span in _spans(policy, item) for place in span]


def parts_answering(policy: Policy, task: Task, item: Item, rows: Sequence[Evaluation]) -> list[int]:
    """The places of those whose answers the policy's own answer is made of.

    Args:
        policy: of any kind.
        task: of the item.
        item: any.
        rows: what the mixes did that the policy needs for the item, in the order of ``Policy.mixes``. They are looked
            at where several policies of a route have answered.
    """
    if not isinstance(policy, Route):
        return parts_asked(policy, item)
    spans = _spans(policy, item)
    return list(spans[surest(policy, task, item, rows) if len(spans) > 1 else 0])


def _spans(route: Route, item: Item) -> list[range]:
    """The places of the parts of each policy that may answer an item."""
    ends = list(accumulate(len(parts_of(one)) for one in route.policies))
    starts = [0, *ends]
    chosen = [
        next(place for place, known in enumerate(route.policies) if known is one)
        for one in route.chosen(item.task, item.prompt)
    ]
    return [range(starts[place], ends[place]) for place in chosen]


def _of_mix(recipe: Recipe) -> list[PolicyPart]:
    return [PolicyPart("", recipe)]


def _of_vote(vote: Vote) -> list[PolicyPart]:
    return [PolicyPart(voter.recipe.lead, voter.recipe) for voter in vote.voters]


def _of_route(route: Route) -> list[PolicyPart]:
    found = []
    for place, policy in enumerate(route.policies):
        which = _which(route, place)
        for part in _PARTS[policy.kind](policy):
            words = dict.fromkeys(filter(None, (which, part.label)))  # a lone voter is called as its vote is
            found.append(replace(part, label=": ".join(words)))
    return found


def _which(route: Route, place: int) -> str:
    """What a policy of a route answers; of those that all answer, who they are."""
    if route.by == "confidence":
        return " + ".join(spec.name for spec in route.policies[place].specs)
    told = [task for task, own in route.tasks.items() if own == place]
    told += [f"prompts with {one.typical}" for one in route.clusters if one.policy == place]
    return ", ".join([*told, *(["anything else"] if place == 0 else [])])


_PARTS: dict[str, Callable[[Any], list[PolicyPart]]] = {"mix": _of_mix, "vote": _of_vote, "route": _of_route}
