"""Voting over whole answers: what mixing distributions has to beat.

Every voter is a single member that answers on its own, once or several times; the answer with the most weight
behind it wins (self-consistency: Wang et al. 2023, arXiv:2203.11171, here across members and weighted).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from evoswarm.evaluation.cost import Cost, MemberCost
from evoswarm.evaluation.evaluation import Ending, Evaluation
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.evaluation.judge import checked_score, scorer_failure
from evoswarm.genomes.ballot import Ballot, Voter
from evoswarm.tasks.task import Item, Task

__all__ = ["TIE", "Ballot", "Voter", "ballot_evaluations", "elected"]

TIE = 1e-6
"""Weights of answers that are closer than this, as a share of all votes, tie."""


def ballot_evaluations(
    evaluator: Evaluator, ballots: Sequence[Ballot], items: Sequence[Item]
) -> list[list[Evaluation]]:
    """Hold every ballot on every item. The voters' answers come from the evaluator, and so from the ledger.

    A voter that fails abstains; where all fail, the first failure is the ballot's. The cost is that of all voters,
    deployed alone, one after the other. (A member that votes twice reads its prompt twice.)

    Returns:
        Per ballot, in order, one evaluation per item, in order.

    Raises:
        RecipeError: a voter's member is not in the evaluator's swarm.
        RunError: the ledger cannot be written.
        Stopped: the evaluator was told to stop.
    """
    recipes = {voter.recipe.digest: voter.recipe for ballot in ballots for voter in ballot.voters}
    rows = dict(zip(recipes, evaluator.evaluate(list(recipes.values()), items), strict=True))
    voters = [[rows[voter.recipe.digest] for voter in ballot.voters] for ballot in ballots]
    return [
        [
            _held(ballot, evaluator.tasks[item.task], item, own)
            for item, own in zip(items, zip(*answers, strict=True), strict=True)
        ]
        for ballot, answers in zip(ballots, voters, strict=True)
    ]


def elected(votes: Sequence[tuple[str, float]]) -> int:
    """The place of the first vote for the answer with the greatest summed weight; of equals the first voted for.

    A text without an answer has no vote, unless all are such (as in ``judge.majority``).

    Args:
        votes: (answer, weight), in the order that settles ties; at least one.
    """
    tally: dict[str, list[float]] = {}
    for answer, weight in [vote for vote in votes if vote[0]] or votes:
        tally.setdefault(answer, []).append(weight)
    sums = {answer: math.fsum(weights) for answer, weights in tally.items()}
    enough = max(sums.values()) - TIE * math.fsum(sums.values())
    return next(place for place, (answer, _) in enumerate(votes) if sums.get(answer, -math.inf) >= enough)


def _held(ballot: Ballot, task: Task, item: Item, rows: Sequence[Evaluation]) -> Evaluation:
    """One ballot on one item, from its voters' evaluations."""
    present = [(voter, row) for voter, row in zip(ballot.voters, rows, strict=True) if row.failure is None]
    texts = [text for _, row in present for text in row.answers]
    weights = [voter.weight / len(row.answers) for voter, row in present for _ in row.answers]
    endings = [row.ending for _, row in present for _ in row.answers]
    failure, score, answer = None if present else rows[0].failure, None, ""
    ending: Ending | None = None
    if present:
        try:
            place = elected([(task.extract(text), weight) for text, weight in zip(texts, weights, strict=True)])
            answer, ending = texts[place], endings[place]
            score = checked_score(task.score(item, answer))
        except Exception as error:  # a user's own scorer may raise anything
            failure = scorer_failure(error)
    steps = sum(row.steps for row in rows)
    members = [member for voter, row in zip(ballot.voters, rows, strict=True) for member in _cost(voter, row)]
    return Evaluation(
        score=score,
        answer=answer,
        answers=tuple(texts),
        cost=Cost(tuple(members)),
        margin=min((row.margin for _, row in present), default=math.inf),
        steps=steps,
        lead_tokens=sum(row.lead_tokens for row in rows),
        left_out=max(row.left_out for row in rows),
        entropy=sum(row.entropy * row.steps for row in rows) / steps if steps else 0.0,
        failure=failure,
        ending=None if failure else ending,
    )


def _cost(voter: Voter, row: Evaluation) -> tuple[MemberCost, ...]:
    """What the voter's member cost; nothing where it failed before it read anything."""
    return row.cost.members or (MemberCost(voter.recipe.lead, 0.0, 0.0, 0.0, 0.0, 0.0),)
