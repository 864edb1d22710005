"""Which policy is the champion: decided on the selection split, which evolution never saw.

A search for accuracy alone ends with the most accurate finalist, less the members that it is no worse without. A search
that also minds cost is thrifty: it ends with the *cheapest* of the finalists that the best one does not clearly beat,
where that saves enough to be noticed, less the members that hardly matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evoswarm.errors import RunError
from evoswarm.evaluation.candidate import Candidate, Scored, score
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.experiment.scoring import hopeless
from evoswarm.pareto import ParetoFront
from evoswarm.statistics.paired import paired_standard_error
from evoswarm.tasks.task import Item, Task, weights_of

FINALISTS = 20
"""Distinct policies, best on the search split, that are tested again."""

DROP_TOLERANCE = 0.005
"""How far selection accuracy may fall, in all, while members are dropped by a thrifty search."""

_ROUNDING = 1e-9  # of sums of scores


@dataclass(frozen=True)
class Selection:
    """The outcome.

    Attributes:
        champion: the policy that was chosen, after dropping.
        winner: the finalist it was made from.
        best: the finalist of greatest accuracy.
        standard_error: of the paired difference between best and winner.
        dropped: names of members that were dropped from the winner.
        contenders: all who were tested, best first; failures last.
        front: the non-dominated ones by the objectives.
        objectives: that the front is about.
    """

    champion: Scored
    winner: Scored
    best: Scored
    standard_error: float
    dropped: tuple[str, ...]
    contenders: tuple[Scored, ...]
    front: tuple[Scored, ...]
    objectives: tuple[str, ...]


def select(
    evaluator: Evaluator,
    items: Sequence[Item],
    finalists: Sequence[Candidate],
    others: Sequence[Candidate],
    objectives: Sequence[str],
    saving: float | None = None,
) -> Selection:
    """Evaluate on the selection split and choose.

    Args:
        evaluator: scores policies.
        items: of the selection split.
        finalists: who may become champion.
        others: who only takes part in the front (the Pareto archive of a search with several objectives).
        objectives: of the search; a front over a single one is shown as accuracy against FLOPs.
        saving: the least share of its FLOPs for which a policy gives way to a less accurate one; None is for nothing.

    Raises:
        RunError: every finalist failed on every item.
    """
    distinct = {one.policy.digest: one for one in (*others, *finalists)}  # the last name given to one is the plainest
    tested = dict(zip(distinct, score(list(distinct.values()), evaluator, items), strict=True))
    eligible = [tested[digest] for digest in distinct if digest in {one.policy.digest for one in finalists}]
    able = [one for one in eligible if not one.failed]
    if not able:
        reason = hopeless([one.summary for one in eligible])
        raise RunError(f"expected a recipe that can be evaluated, got failures only: {reason}")
    best = min(able, key=lambda one: (-one.accuracy, one.flops, one.policy.digest))
    winner = best if saving is None else _cheapest_near(best, able, items, evaluator.tasks, saving)
    champion, dropped, tried = _drop_members(evaluator, items, winner, tested, saving)
    everything = _ordered([*tested.values(), *tried])
    champion_first = sorted(everything, key=lambda one: one.policy.digest != champion.policy.digest)
    axes = tuple(objectives) if len(objectives) > 1 else ("accuracy", "flops")
    return Selection(
        champion=champion,
        winner=winner,
        best=best,
        standard_error=_standard_error(best, winner, items, evaluator.tasks),
        dropped=dropped,
        contenders=everything,
        front=pareto_front([one for one in champion_first if not one.failed], axes),
        objectives=axes,
    )


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
        values = [(1 if name.startswith("accuracy") else -1) * one.summary.objective(name) for name in objectives]
        front.add(tuple(values), one)
    return tuple(first for first, *_ in front.groups)


def _drop_members(
    evaluator: Evaluator, items: Sequence[Item], winner: Scored, known: Mapping[str, Scored], saving: float | None
) -> tuple[Scored, tuple[str, ...], list[Scored]]:
    """Drop members one by one, each time the one that is missed least, while it is worth it.

    It is worth it where the winner was no more accurate; or, for a thrifty search, where accuracy falls by no more than
    the tolerance and that saves enough. What is left keeps the name of a contender of the same behaviour (``known``, by
    digest).
    """
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
        if not able:
            break
        least, name = min(able, key=lambda pair: (-pair[0].accuracy, pair[0].flops, pair[1]))
        saves = saving is not None and least.flops <= (1 - saving) * winner.flops
        if winner.accuracy - least.accuracy > (DROP_TOLERANCE if saves else 0.0) + _ROUNDING:
            break
        champion = least
        dropped.append(name)
        tried.append(least)
    return champion, tuple(dropped), tried


def _ordered(scored: Sequence[Scored]) -> tuple[Scored, ...]:
    """Best first, one per behaviour, failures last."""
    first: dict[str, Scored] = {}
    for one in scored:
        first.setdefault(one.policy.digest, one)
    return tuple(
        sorted(first.values(), key=lambda one: (one.failed, -one.accuracy, one.flops, one.policy.digest)),
    )
