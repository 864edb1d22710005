"""R6: one model whose weights are the mean of members', the cheapest rival there is.

Model soups (Wortsman et al. 2022, arXiv:2203.05482): the *uniform* soup is the mean of all; the *greedy* soup begins
with the member that is best on selection and takes in the others in the order of their accuracy there, each for good if
the soup is no less accurate with it. Only members of one shape have a mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from evoswarm.errors import MemberError, OutOfMemory
from evoswarm.evaluation.candidate import Candidate, Scored, best_of, score
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.genomes.plain import single
from evoswarm.member_spec import MEAN, MemberSpec
from evoswarm.rivals.as_deployed import ways_of
from evoswarm.rivals.matched import Singles, as_rival
from evoswarm.space import SearchSpace
from evoswarm.statistics.intervals import difference_of, strata
from evoswarm.tasks.task import Item, weights_of

R6 = "R6"

MOST_MERGED = 8
"""Members of one shape that a greedy soup tries: the most accurate. Each is one more model to write, load and ask."""


FAR = 0.2
"""A soup that is certainly this much less accurate than R1 is not played."""

CERTAIN = 0.001
"""Level of the bound that says so, one-sided, divided among all that R1 was chosen from."""


class Merging(Protocol):
    """Makes one model of several members."""

    @property
    def groups(self) -> Sequence[Sequence[str]]:
        """Names of members that have a mean, group by group, at least two distinct ones in each."""
        ...

    @property
    def absent(self) -> str:
        """Why there is none, as a sentence; empty where there are groups."""
        ...

    def merged(self, names: Sequence[str], evaluator: Evaluator) -> tuple[MemberSpec, Evaluator]:
        """The mean of some members, and an evaluator that knows it beside everybody else.

        Args:
            names: of at least two; the first gives it its words and its settings.
            evaluator: what the new one is like.

        Raises:
            MemberError: it cannot be made.
            OutOfMemory: there is no room for it.
        """
        ...


@dataclass(frozen=True)
class MergedRival:
    """R6, or why there is none.

    Attributes:
        rival: to be played; None where there is none, or where it is certainly far behind R1.
        members: names of those that it is the mean of, the first of which gave it its words.
        absent: why there is none, as a sentence.
    """

    rival: Candidate | None = None
    members: tuple[str, ...] = ()
    absent: str = ""


NO_SOUP = MergedRival()
"""Where nobody asked for one."""


@dataclass
class _Tasting:
    """Soups on the selection items, each tried once."""

    merging: Merging
    evaluator: Evaluator
    items: Sequence[Item]
    space: SearchSpace
    tried: dict[tuple[str, ...], Scored] = field(default_factory=dict)

    def taste(self, names: Sequence[str]) -> Scored:
        """A soup in the way to answer once in which it is best: as the space asks it, or as its owner would."""
        key = tuple(names)
        if key not in self.tried:
            spec, evaluator = self.merging.merged(key, self.evaluator)
            alone = single(self.space, spec)
            ways = [Candidate("one greedy answer", alone), *ways_of(alone, evaluator.swarm)]
            self.tried[key] = best_of(score(ways, evaluator, self.items))
            self.evaluator.count_in(evaluator)
        return self.tried[key]


def best_soup(
    evaluator: Evaluator,
    items: Sequence[Item],
    space: SearchSpace,
    singles: Singles,
    merging: Merging,
    tell: Callable[[str], None] = lambda words: None,
) -> MergedRival:
    """The soup that is best on selection: of every group of one shape the uniform one and the greedy one.

    A greedy soup that takes in nobody is the best member itself, which is R1 already. A soup that is certainly far
    behind R1 is left out: it could only stand against a champion that is ahead of R1 and not of it.

    Args:
        evaluator: knows all members.
        items: of the selection split.
        space: of the search.
        singles: what the members were tried with there.
        merging: makes the soups.
        tell: called with what is being tried.

    Raises:
        Stopped: the evaluator was told to stop.
    """
    if not merging.groups:
        return MergedRival(absent=merging.absent)
    alone = {one.policy.specs[0].name: best for one, best in zip(singles.greedy, singles.best_ways, strict=True)}
    tasting = _Tasting(merging, evaluator, items, space)
    greedy: set[tuple[str, ...]] = set()
    try:
        for group in merging.groups:
            tell(f"merged weights of {', '.join(group)}")
            order = sorted(group, key=lambda name: (-alone[name].accuracy, alone[name].flops, name))[:MOST_MERGED]
            greedy.add(_greedy(tasting, order, alone))
            tasting.taste(order)
    except (MemberError, OutOfMemory) as error:
        return MergedRival(absent=no_room(error))
    members = min(tasting.tried, key=lambda names: (-tasting.tried[names].accuracy, len(names)))
    rival = _rival(tasting, members, members in greedy)
    behind = _certainly_behind(tasting, tasting.tried[members], singles)
    if behind <= FAR:
        return MergedRival(rival, members)
    why = (
        f"Not played on the test items, as it is at least {math.floor(100 * behind)} points behind R1 (a bound of "
        f"{1 - CERTAIN:.1%} confidence on the selection items): {rival.description}"
    )
    return MergedRival(members=members, absent=why)


def _certainly_behind(tasting: _Tasting, soup: Scored, singles: Singles) -> float:
    """By how much accuracy a soup is behind R1 at least; R1 is the best of several, each of which has a bound."""
    parts = strata([item.task for item in tasting.items], weights_of(tasting.evaluator.tasks))
    best = best_of(singles.once)
    return -difference_of(soup.scores, best.scores, parts).upper(CERTAIN / len(singles.once))


def no_room(error: MemberError | OutOfMemory) -> str:
    """Why there is no merged model, as a sentence."""
    return f"Members' weights could not be merged: {error.message}."


def _greedy(tasting: _Tasting, order: Sequence[str], alone: Mapping[str, Scored]) -> tuple[str, ...]:
    """The members of the greedy soup."""
    inside: tuple[str, ...] = (order[0],)
    best = alone[order[0]]
    for name in order[1:]:
        found = tasting.taste((*inside, name))
        if found.accuracy >= best.accuracy:
            inside, best = (*inside, name), found
    return inside


def _rival(tasting: _Tasting, members: Sequence[str], greedy: bool) -> Candidate:
    found = tasting.tried[tuple(members)]
    how = f", {found.candidate.description}" if found.candidate.description else ""
    kind = "greedy soup" if greedy else "uniform soup"
    description = (
        f"One model whose weights are the mean of those of {', '.join(members)} ({kind}, the best of "
        f"{len(tasting.tried)} tried{how})"
    )
    best = as_rival(found, R6, "merged weights", description)
    shown = {spec.name: spec.model_copy(update={"path": shown_path(members)}) for spec in found.policy.specs}
    return replace(best, policy=found.policy.bound(shown))


def shown_path(members: Sequence[str]) -> str:
    """Where the merged model is said to be: it lies nowhere for long, and is made again of its members."""
    return f"{MEAN}{'+'.join(members)}"
