"""Which policy is the champion: decided by what the search and the selection items say, before a test item is opened.

A search for accuracy alone ends with the finalist of the highest *estimate* (`evoswarm.experiment.estimating`), less
the members that it is no worse without. A search that also minds cost is thrifty: it ends with the *cheapest* of the
finalists that the best one on the selection items does not clearly beat there, where that saves enough to be noticed,
less the members that hardly matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from evoswarm.errors import RunError
from evoswarm.evaluation.candidate import Candidate, HowMade, Scored, score
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.evaluation.failures import hopeless
from evoswarm.experiment.estimating import Estimates, Expectation, Searched
from evoswarm.experiment.finalists import Finalist
from evoswarm.experiment.front import axes_of, point_of
from evoswarm.pareto import ParetoFront
from evoswarm.statistics.paired import paired_standard_error
from evoswarm.tasks.task import Item, Task, weights_of

DROP_TOLERANCE = 0.005
"""How far selection accuracy may fall, in all, while members are dropped by a thrifty search."""

_ROUNDING, _DIGITS = 1e-9, 9  # of sums of scores


@dataclass(frozen=True)
class Selection:
    """The outcome.

    Attributes:
        champion: the policy that was chosen, after dropping.
        winner: the finalist it was made from.
        best: the finalist of greatest accuracy on the selection items.
        standard_error: of the paired difference between best and winner.
        dropped: names of members that were dropped from the winner.
        contenders: all who were tested, best first; failures last.
        front: the non-dominated ones by the objectives.
        objectives: that the front is about.
        estimates: what finalists, and what was made from the winner, are expected to score on other items; by digest.
        reference: digest of what their leads are measured from: the uniform mix of the pool. Empty without estimates.
        reference_accuracy: what that scored on all items that were seen.
        thrifty: the cheapest near the best was chosen, whatever is expected of it.
        origins: how the finalists, and what was made from the winner, came to be; by digest.
        made: digests of the finalists that were fitted to items or composed from them.
    """

    champion: Scored
    winner: Scored
    best: Scored
    standard_error: float
    dropped: tuple[str, ...]
    contenders: tuple[Scored, ...]
    front: tuple[Scored, ...]
    objectives: tuple[str, ...]
    estimates: Mapping[str, Expectation] = field(default_factory=dict)
    reference: str = ""
    reference_accuracy: float = 0.0
    thrifty: bool = False
    made: frozenset[str] = frozenset()
    origins: Mapping[str, HowMade] = field(default_factory=dict)

    @property
    def estimate(self) -> Expectation | None:
        """What the champion is expected to score; None where no estimate was made."""
        return self.estimates.get(self.champion.policy.digest)

    def expected(self, one: Scored) -> float | None:
        """The accuracy that is expected of a contender on other items; None where no estimate was made."""
        known = self.estimates.get(one.policy.digest)
        return None if known is None else known.accuracy


def select(
    evaluator: Evaluator,
    items: Sequence[Item],
    finalists: Sequence[Finalist],
    others: Sequence[Candidate],
    objectives: Sequence[str],
    saving: float | None = None,
    searched: Searched | None = None,
) -> Selection:
    """Evaluate on the selection split and choose.

    Args:
        evaluator: scores policies.
        items: of the selection split.
        finalists: who may become champion.
        others: who only takes part in the front (the Pareto archive of a search with several objectives).
        objectives: of the search; a front over a single one is shown as accuracy against FLOPs.
        saving: the least share of its FLOPs for which a policy gives way to a less accurate one; None is for nothing.
        searched: what the search knows; None leaves the choice to the selection items alone.

    Raises:
        RunError: every finalist failed on every item.
    """
    candidates = [one.candidate for one in finalists]
    distinct = {one.policy.digest: one for one in (*others, *candidates)}  # the last name given to one is the plainest
    tested = dict(zip(distinct, score(list(distinct.values()), evaluator, items), strict=True))
    entered = {one.candidate.policy.digest: one for one in finalists}
    eligible = [tested[digest] for digest in distinct if digest in entered]
    able = [one for one in eligible if not one.failed]
    if not able:
        reason = hopeless([one.summary for one in eligible])
        raise RunError(f"expected a recipe that can be evaluated, got failures only: {reason}")
    best = min(able, key=lambda one: (-one.accuracy, one.flops, one.policy.digest))
    estimates = None
    if searched is not None:
        estimates = Estimates(evaluator, searched, items, [(entered[one.policy.digest], one) for one in able])
    if saving is not None:
        winner = _cheapest_near(best, able, items, evaluator.tasks, saving)
    else:
        winner = best if estimates is None else _most_promising(able, estimates)
    champion, dropped, tried = _drop_members(evaluator, items, winner, tested, saving, estimates)
    everything = _ordered([*tested.values(), *tried])
    champion_first = sorted(everything, key=lambda one: one.policy.digest != champion.policy.digest)
    axes = axes_of(objectives)
    return Selection(
        champion=champion,
        winner=winner,
        best=best,
        standard_error=_standard_error(best, winner, items, evaluator.tasks),
        dropped=dropped,
        contenders=everything,
        front=pareto_front([one for one in champion_first if not one.failed], axes),
        objectives=axes,
        estimates={} if estimates is None else estimates.known,
        reference="" if searched is None else searched.reference.digest,
        reference_accuracy=0.0 if estimates is None else estimates.reference_accuracy,
        thrifty=saving is not None,
        origins=dict.fromkeys((one.policy.digest for one in tried), entered[winner.policy.digest].origin)
        | {digest: one.origin for digest, one in entered.items()},
        made=frozenset(digest for digest, one in entered.items() if one.instead),
    )


def _most_promising(able: Sequence[Scored], estimates: Estimates) -> Scored:
    """The one of the highest estimate.

    Whose lead over the uniform mix could be chance has the estimate of the uniform mix itself. Then the mix stands, or
    the cheapest of those that answer everything alike; where it may not win, whoever has the greatest lead.
    """
    return min(able, key=lambda one: (*estimates.known[one.policy.digest].order(one.flops), one.policy.digest))


def _cheapest_near(
    best: Scored, able: Sequence[Scored], items: Sequence[Item], tasks: Mapping[str, Task], saving: float
) -> Scored:
    """The cheapest within a standard error of the best (Breiman et al. 1984, section 3.4.3), if it saves enough.

    Args:
        best: the most accurate one.
        able: all that did not fail.
        items: of the selection split.
        tasks: by name.
        saving: the least share of the best one's FLOPs.
    """
    near = [
        one
        for one in able
        if one.flops <= (1 - saving) * best.flops
        and best.accuracy - one.accuracy <= _standard_error(best, one, items, tasks)
    ]
    return min(near, key=lambda one: (one.flops, -one.accuracy, one.policy.digest), default=best)


def _standard_error(first: Scored, second: Scored, items: Sequence[Item], tasks: Mapping[str, Task]) -> float:
    weights = weights_of(tasks)
    return paired_standard_error(first.scores, second.scores, [item.task for item in items], weights)


def pareto_front(scored: Sequence[Scored], objectives: Sequence[str]) -> tuple[Scored, ...]:
    """Those that no other one equals or betters in every objective and betters in one; best in the first first.

    Of several with equal values the first stands for all.
    """
    front: ParetoFront[Scored] = ParetoFront()
    for one in scored:
        front.add(point_of(one.summary, objectives), one)
    return tuple(first for first, *_ in front.groups)


def _drop_members(
    evaluator: Evaluator,
    items: Sequence[Item],
    winner: Scored,
    known: Mapping[str, Scored],
    saving: float | None,
    estimates: Estimates | None,
) -> tuple[Scored, tuple[str, ...], list[Scored]]:
    """Drop members one by one, each time the one that is missed least, while it is worth it.

    It is worth it where the rest is expected to score as much, and did score as much on all items that were seen; or,
    for a thrifty search, where the selection accuracy of the winner falls by no more than the tolerance and that saves
    enough. What is left keeps the name of a contender of the same behaviour (``known``, by digest).
    """

    def worth(one: Scored) -> tuple[float, ...]:
        if estimates is None or saving is not None:
            return (round(one.accuracy, _DIGITS),)
        estimate = estimates.of(one, winner)
        return (-1.0,) * 3 if estimate is None else (estimate.accuracy, not estimate.differs, estimate.lead)

    champion = winner
    dropped: list[str] = []
    tried: list[Scored] = []
    while shorter := {name: champion.policy.without(name) for name in champion.policy.removable}:
        names = [name for name, policy in shorter.items() if policy is not None]
        fewer = [
            Candidate(f"{winner.name} without {', '.join([*dropped, name])}", policy)
            for name, policy in shorter.items()
            if policy is not None
        ]
        scored = [known.get(one.policy.digest, one) for one in score(fewer, evaluator, items)]
        able = [(one, name) for one, name in zip(scored, names, strict=True) if not one.failed]
        if saving is not None:
            enough = [pair for pair in able if _hardly_missed(pair[0], winner, saving)]
        else:
            enough = [
                pair for pair in able if all(a >= b for a, b in zip(worth(pair[0]), worth(champion), strict=True))
            ]
        if not enough:
            break
        least, name = min(enough, key=lambda pair: ([-value for value in worth(pair[0])], pair[0].flops, pair[1]))
        champion = least
        dropped.append(name)
        tried.append(least)
    return champion, tuple(dropped), tried


def _hardly_missed(least: Scored, winner: Scored, saving: float) -> bool:
    """Whether a thrifty search is content with what is left of the winner."""
    tolerance = DROP_TOLERANCE if least.flops <= (1 - saving) * winner.flops else 0.0
    return winner.accuracy - least.accuracy <= tolerance + _ROUNDING


def _ordered(scored: Sequence[Scored]) -> tuple[Scored, ...]:
    """Best first, one per behaviour, failures last."""
    first: dict[str, Scored] = {}
    for one in scored:
        first.setdefault(one.policy.digest, one)
    return tuple(
        sorted(first.values(), key=lambda one: (one.failed, -one.accuracy, one.flops, one.policy.digest)),
    )
