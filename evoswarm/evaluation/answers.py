"""From what a policy's mixes decoded to the policy's own answer: one function per kind.

Every kind is put together from evaluations of mixes, which come from the ledger; nothing is decoded here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from evoswarm.evaluation.cost import Cost, MemberCost
from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.evaluation.judge import checked_score, elected, scorer_failure
from evoswarm.failure import Failure
from evoswarm.policies import Policy, Recipe, Route, Vote
from evoswarm.tasks.task import Item, Task


def answer_of(policy: Policy, task: Task, item: Item, rows: Sequence[Evaluation]) -> Evaluation:
    """What a policy answers to an item, and what that costs: all of its mixes, deployed alone one after the other.

    Args:
        policy: of any kind.
        task: of the item; scores what is put together from several answers.
        item: any.
        rows: what the mixes did that the policy needs for this item, in the order of ``Policy.mixes``.
    """
    return _ANSWERS[policy.kind](policy, task, item, rows)


def _mix(recipe: Recipe, task: Task, item: Item, rows: Sequence[Evaluation]) -> Evaluation:
    return rows[0]


def _vote(vote: Vote, task: Task, item: Item, rows: Sequence[Evaluation]) -> Evaluation:
    """Voters that fail abstain; where all fail, the first failure is the vote's."""
    voting = [(voter.weight, row) for voter, row in zip(vote.voters, rows, strict=True) if row.failure is None]
    ballots = [(text, weight / len(row.answers), row) for weight, row in voting for text in row.answers]
    failure: Failure | None = rows[0].failure
    score, answer, ending = None, "", None
    if ballots:
        failure = None
        try:
            place = elected([(task.extract(text), weight) for text, weight, _ in ballots])
            answer, _, winner = ballots[place]
            score, ending = checked_score(task.score(item, answer)), winner.ending
        except Exception as error:  # a user's own scorer may raise anything
            failure = scorer_failure(error)
    steps = sum(row.steps for row in rows)
    return Evaluation(
        score=score,
        answer=answer,
        answers=tuple(text for text, _, _ in ballots),
        cost=_together(vote, rows),
        margin=min((row.margin for _, row in voting), default=math.inf),
        steps=steps,
        lead_tokens=sum(row.lead_tokens for row in rows),
        left_out=max(row.left_out for row in rows),
        entropy=sum(row.entropy * row.steps for row in rows) / steps if steps else 0.0,
        failure=failure,
        ending=ending,
    )


def _route(route: Route, task: Task, item: Item, rows: Sequence[Evaluation]) -> Evaluation:
    """The answer of the surest; policies that fail are passed over, and where all fail, the first failure counts."""
    return first_of_least(route, *_answers(route, task, item, rows))


def surest(route: Route, task: Task, item: Item, rows: Sequence[Evaluation]) -> int:
    """Whose answer a route gives to an item: its place among the policies that are chosen for it; see `answer_of`."""
    return _first_of_least(*_answers(route, task, item, rows))


def _answers(route: Route, task: Task, item: Item, rows: Sequence[Evaluation]) -> tuple[list[Evaluation], list[float]]:
    """What the policies of a route that are chosen for an item answer, and how unsure each is."""
    rest, answers, unsure = iter(rows), [], []
    for policy in route.chosen(item.task, item.prompt):
        mixes = policy.mixes(item.task, item.prompt)
        answers.append(answer_of(policy, task, item, [next(rest) for _ in mixes]))
        unsure.append(_unsure(policy, answers[-1]))
    return answers, unsure


def _unsure(policy: Policy, answer: Evaluation) -> float:
    """How unsure an answer is: the mean entropy of its lead. Where each step draws who speaks, and never drew the lead,
    that is not known, which is kept as 0: then nothing is less sure."""
    unknown = isinstance(policy, Recipe) and policy.draws_speaker and answer.entropy == 0
    return math.inf if unknown else answer.entropy


def by_mixes(policy: Policy, items: Sequence[Item]) -> list[tuple[tuple[Recipe, ...], list[int]]]:
    """What has to be decoded of a policy, and the positions of the items that it is decoded for.

    Items that decide alike are together; in order of the first of them.
    """
    groups: dict[tuple[str, str | None], list[int]] = {}
    for place, item in enumerate(items):
        groups.setdefault((item.task, item.prompt if policy.reads_prompts else None), []).append(place)
    return [(policy.mixes(*decides), places) for decides, places in groups.items()]


def first_of_least(policy: Policy, rows: Sequence[Evaluation], values: Sequence[float]) -> Evaluation:
    """The success of least value, the first of equals, at the cost of all; where all failed, the first failure.

    Args:
        policy: over whose members the cost is told.
        rows: at least one, of the same item.
        values: of each; those of failures do not count.
    """
    return replace(rows[_first_of_least(rows, values)], cost=_together(policy, rows))


def _first_of_least(rows: Sequence[Evaluation], values: Sequence[float]) -> int:
    able = [place for place, row in enumerate(rows) if row.failure is None]
    return min(able, key=values.__getitem__) if able else 0


def _together(policy: Policy, rows: Sequence[Evaluation]) -> Cost:
    """The cost vector over the policy's members; what one of them did several times adds up."""
    numbers = {spec.name: [0.0] * (len(MemberCost._fields) - 1) for spec in policy.specs}
    for one in (member for row in rows for member in row.cost.members):
        numbers[one.name] = [a + b for a, b in zip(numbers[one.name], one[1:], strict=True)]
    return Cost(tuple(MemberCost(name, *row) for name, row in numbers.items()))


_ANSWERS: dict[str, Callable[[Any, Task, Item, Sequence[Evaluation]], Evaluation]] = {
    "mix": _mix,
    "vote": _vote,
    "route": _route,
}
