"""Candidates of every kind on made-up evaluations: who answers, and who pays."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from evoswarm.evaluation.candidate import Candidate, best_of, score
from evoswarm.evaluation.cost import Cost, MemberCost
from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.experiment.workbench import Workbench
from evoswarm.failure import Failure
from evoswarm.genomes.plain import single
from evoswarm.policies import Policy, Route, Vote
from evoswarm.policies.mix import Recipe
from evoswarm.policies.vote import Voter
from evoswarm.rivals.ceilings import Ceiling
from evoswarm.rivals.matched import as_rival
from evoswarm.rivals.sampling import sampled
from tests.rivals.conftest import tell

COSTS = {"llama-a": 10.0, "llama-b": 20.0, "neox-e": 40.0}


@pytest.fixture
def alone(bench: Workbench) -> list[Recipe]:
    """Every member alone."""
    return [single(bench.space, spec) for spec in bench.pool]


def row(name: str, score: float | None, entropy: float = 1.0) -> Evaluation:
    failure = Failure("no_mass", "made up") if score is None else None
    member = MemberCost(name, 1.0, 1.0, 8.0, COSTS[name], 1.0)
    return Evaluation(score, answers=("x",), cost=Cost((member,)), entropy=entropy, failure=failure, steps=1)


def believe(
    bench: Workbench, alone: Sequence[Recipe], table: Sequence[Sequence[float | None]], nats: object = None
) -> None:
    """Scores per member and item (of the first items), with the leads' entropies."""
    items = bench.items["selection"][: len(table[0])]
    entropies = nats if isinstance(nats, list) else [[1.0] * len(items)] * len(alone)
    for recipe, scores, surprise in zip(alone, table, entropies, strict=True):
        rows = [row(recipe.lead, score, one) for score, one in zip(scores, surprise, strict=True)]
        tell(bench.evaluator, recipe, items, rows)


def played(bench: Workbench, policy: Policy, count: int = 4) -> tuple[list[float], float]:
    return answered(bench, Candidate("a router", policy, "R4", "Routes."), count)


def answered(bench: Workbench, candidate: Candidate, count: int = 4) -> tuple[list[float], float]:
    scored = candidate.score(bench.evaluator, bench.items["selection"][:count])
    assert scored.candidate == candidate
    return list(scored.scores), scored.flops


def test_items_alternate_between_tasks(bench: Workbench) -> None:
    assert [item.task for item in bench.items["selection"][:4]] == ["sums", "spell", "sums", "spell"]


def test_a_router_by_task_decodes_and_pays_the_chosen_one_only(bench: Workbench, alone: list[Recipe]) -> None:
    believe(bench, alone, [[1, 0, 1, 0], [0, 1, 0, 0.5], [0, 0, 0, 0]])
    scores, flops = played(bench, Route(by="task", policies=(alone[2], *alone[:2]), tasks={"sums": 1, "spell": 2}))
    assert scores == [1, 1, 1, 0.5]
    assert flops == pytest.approx(0.25 * 10 + 0.75 * 20), "spelling weighs three times as much"
    assert bench.evaluator.decoded == 0
    scores, flops = played(bench, Route(by="task", policies=(alone[2], alone[0]), tasks={"sums": 1}))
    assert scores == [1, 0, 1, 0]
    assert flops == pytest.approx(0.25 * 10 + 0.75 * 40), "a task that selection did not know"


def test_the_most_confident_answers_and_all_pay(bench: Workbench, alone: list[Recipe]) -> None:
    scores: list[list[float | None]] = [[1, 0, 1, 0], [0, 1, 0, None], [0, 0, 0, 0.25]]
    nats = [[0.1, 0.9, 0.5, 0.6], [0.2, 0.8, 0.5, 0.0], [0.3, 1.0, 0.7, 0.5]]
    believe(bench, alone, scores, nats)
    got, flops = played(bench, Route(by="confidence", policies=tuple(alone)))
    assert got == [1, 1, 1, 0.25], "ties go to the first, failures are passed over"
    assert flops == pytest.approx(70.0)


def test_where_all_fail_the_router_fails(bench: Workbench, alone: list[Recipe]) -> None:
    believe(bench, alone, [[None, 1], [None, 1], [None, 1]])
    router = Candidate("", Route(by="confidence", policies=tuple(alone)))
    scored = router.score(bench.evaluator, bench.items["selection"][:2])
    assert (scored.scores, scored.summary.failures) == ((0.0, 1.0), 1)
    assert scored.flops == pytest.approx(70.0), "of failed items what was read"


def test_the_oracle_router_is_right_where_anyone_is(bench: Workbench, alone: list[Recipe]) -> None:
    believe(bench, alone, [[1, 0, 0, 0], [0, None, 0.5, 0], [0, 1, 0.25, 0]])
    best = Ceiling("oracle", Route(by="confidence", policies=tuple(alone)))
    assert answered(bench, best) == ([1, 1, 0.5, 0], pytest.approx(70.0))


def test_any_right_sample_counts(bench: Workbench, alone: list[Recipe]) -> None:
    items = bench.items["selection"][:3]
    texts = [("0", items[0].gold), ("x", "y"), ("", items[2].gold)]
    hot = sampled(alone[0], 2, 1.0)
    rows = [Evaluation(0.0, answer=first, answers=(first, second)) for first, second in texts]
    tell(bench.evaluator, hot, items, rows)
    assert answered(bench, Ceiling("pass@2", hot, of="samples"), 3)[0] == [1, 0, 1]
    assert played(bench, hot, 3)[0] == [0, 0, 0]


def test_a_vote_pays_all_voters(bench: Workbench, alone: list[Recipe]) -> None:
    believe(bench, alone, [[1, 0], [0, 1], [0, 0]])
    vote = Vote(voters=(Voter(recipe=alone[0]), Voter(recipe=alone[1])))
    assert played(bench, vote, 2)[1] == pytest.approx(30.0)


def test_failures_count_zero_and_cost_what_was_read(bench: Workbench, alone: list[Recipe]) -> None:
    believe(bench, alone, [[1, None, 1, 1], [1, 1, 1, 1], [0, 0, 0, 0]])
    scored = Candidate("", alone[0]).score(bench.evaluator, bench.items["selection"][:4])
    assert (scored.scores, scored.summary.failures, scored.flops) == ((1, 0, 1, 1), 1, pytest.approx(10.0))


def test_candidates_are_ranked_by_accuracy_then_price_then_order(bench: Workbench, alone: list[Recipe]) -> None:
    believe(bench, alone, [[1, 0, 1, 0], [0, 1, 0, 0], [0, 1, 0, 0]])
    items = bench.items["selection"][:4]
    one, two, three = score([Candidate(recipe.lead, recipe) for recipe in alone], bench.evaluator, items)
    assert [trial.accuracy for trial in (one, two, three)] == pytest.approx([0.25, 0.375, 0.375])
    assert [two.on(task) for task in ("sums", "spell")] == [0.0, 0.5]
    assert best_of([one, two, three]) is two, "as accurate as the third, and cheaper"
    assert best_of([one, three, two]) is two
    assert best_of([one, two, three], "sums") is one
    assert as_rival(two, "R1", "n", "It").description == "It: 37.5% on selection."
