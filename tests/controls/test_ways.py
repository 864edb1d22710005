"""Routers and ceilings on made-up evaluations: who answers, and who pays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from evoswarm.controls.ballot import Ballot, Voter
from evoswarm.controls.plain import single
from evoswarm.controls.sampling import sampled
from evoswarm.controls.trial import Entrant, Trials, best_of, mean_of_costs
from evoswarm.controls.ways import AnySampleWithGold, BestWithGold, Decode, MostConfident, RouteByTask, Vote, Way
from evoswarm.evaluation.cost import Cost, MemberCost
from evoswarm.evaluation.evaluation import Evaluation, item_weights
from evoswarm.experiment.workbench import Workbench
from evoswarm.failure import Failure
from evoswarm.policies.mix import Recipe
from tests.controls.conftest import tell

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


def played(bench: Workbench, way: Way, count: int = 4) -> tuple[list[float], float]:
    items = bench.items["selection"][:count]
    contestant = Entrant("R4", "a router", "Routes.", way).play(bench.evaluator, items)
    assert (contestant.key, contestant.name, contestant.description) == ("R4", "a router", "Routes.")
    return list(contestant.scores), contestant.cost.flops


def test_items_alternate_between_tasks(bench: Workbench) -> None:
    assert [item.task for item in bench.items["selection"][:4]] == ["sums", "spell", "sums", "spell"]


def test_a_router_by_task_decodes_and_pays_the_chosen_one_only(bench: Workbench, alone: list[Recipe]) -> None:
    believe(bench, alone, [[1, 0, 1, 0], [0, 1, 0, 0.5], [0, 0, 0, 0]])
    scores, flops = played(bench, RouteByTask((("sums", alone[0]), ("spell", alone[1])), otherwise=alone[2]))
    assert scores == [1, 1, 1, 0.5]
    assert flops == pytest.approx(0.25 * 10 + 0.75 * 20), "spelling weighs three times as much"
    assert bench.evaluator.decoded == 0
    scores, flops = played(bench, RouteByTask((("sums", alone[0]),), otherwise=alone[2]))
    assert scores == [1, 0, 1, 0]
    assert flops == pytest.approx(0.25 * 10 + 0.75 * 40), "a task that selection did not know"


def test_the_most_confident_answers_and_all_pay(bench: Workbench, alone: list[Recipe]) -> None:
    scores: list[list[float | None]] = [[1, 0, 1, 0], [0, 1, 0, None], [0, 0, 0, 0.25]]
    nats = [[0.1, 0.9, 0.5, 0.6], [0.2, 0.8, 0.5, 0.0], [0.3, 1.0, 0.7, 0.5]]
    believe(bench, alone, scores, nats)
    got, flops = played(bench, MostConfident(tuple(alone)))
    assert got == [1, 1, 1, 0.25], "ties go to the first, failures are passed over"
    assert flops == pytest.approx(70.0)


def test_where_all_fail_the_router_fails(bench: Workbench, alone: list[Recipe]) -> None:
    believe(bench, alone, [[None, 1], [None, 1], [None, 1]])
    contestant = Entrant("R4", "", "", MostConfident(tuple(alone))).play(bench.evaluator, bench.items["selection"][:2])
    assert (contestant.scores, contestant.failures) == ((0.0, 1.0), 1)
    assert contestant.cost.flops == pytest.approx(70.0), "of failed items what was read"


def test_the_oracle_router_is_right_where_anyone_is(bench: Workbench, alone: list[Recipe]) -> None:
    believe(bench, alone, [[1, 0, 0, 0], [0, None, 0.5, 0], [0, 1, 0.25, 0]])
    assert played(bench, BestWithGold(tuple(alone))) == ([1, 1, 0.5, 0], pytest.approx(70.0))


def test_any_right_sample_counts(bench: Workbench, alone: list[Recipe]) -> None:
    items = bench.items["selection"][:3]
    texts = [("0", items[0].gold), ("x", "y"), ("", items[2].gold)]
    hot = sampled(alone[0], 2, 1.0)
    rows = [Evaluation(0.0, answer=first, answers=(first, second)) for first, second in texts]
    tell(bench.evaluator, hot, items, rows)
    assert played(bench, AnySampleWithGold(hot), 3)[0] == [1, 0, 1]
    assert played(bench, Decode(hot), 3)[0] == [0, 0, 0]


def test_a_vote_pays_all_voters(bench: Workbench, alone: list[Recipe]) -> None:
    believe(bench, alone, [[1, 0], [0, 1], [0, 0]])
    ballot = Ballot((Voter(alone[0]), Voter(alone[1])))
    assert played(bench, Vote(ballot), 2)[1] == pytest.approx(30.0)


def test_failures_count_zero_and_cost_what_was_read(bench: Workbench, alone: list[Recipe]) -> None:
    believe(bench, alone, [[1, None, 1, 1], [1, 1, 1, 1], [0, 0, 0, 0]])
    contestant = Entrant("R1", "", "", Decode(alone[0])).play(bench.evaluator, bench.items["selection"][:4])
    assert (contestant.scores, contestant.failures, contestant.cost.flops) == ((1, 0, 1, 1), 1, pytest.approx(10.0))


def test_trials_are_ranked_by_accuracy_then_price_then_order(bench: Workbench, alone: list[Recipe]) -> None:
    believe(bench, alone, [[1, 0, 1, 0], [0, 1, 0, 0], [0, 1, 0, 0]])
    trials = Trials(bench.evaluator, bench.items["selection"][:4])
    one, two, three = trials.run([(recipe.lead, Decode(recipe)) for recipe in alone])
    assert [trial.accuracy for trial in (one, two, three)] == pytest.approx([0.25, 0.375, 0.375])
    assert two.by_task == {"sums": 0.0, "spell": 0.5}
    assert best_of([one, two, three]) is two, "as accurate as the third, and cheaper"
    assert best_of([one, three, two]) is two
    assert best_of([one, two, three], "sums") is one
    assert two.entrant("R1", "n", "It").description == "It: 37.5% on selection."


def test_a_mean_cost_is_by_member_whoever_answered(bench: Workbench) -> None:
    """As of a router: a member that an item does without costs nothing there, and two of one name add up."""
    items = bench.items["selection"][:4]
    rows = [
        row("llama-a", 1.0),
        row("llama-b", 1.0),
        replace(row("llama-b", 1.0), cost=Cost((*row("llama-b", 1.0).cost.members, *row("llama-b", 1.0).cost.members))),
        replace(row("neox-e", None), cost=Cost()),
    ]
    even = {item.task: bench.tasks[item.task] for item in items}
    cost = mean_of_costs(items, rows, even)
    paid = [COSTS["llama-a"], COSTS["llama-b"], 2 * COSTS["llama-b"], 0.0]
    expected = sum(w * p for w, p in zip(item_weights(items, even), paid, strict=True))
    assert [member.name for member in cost.members] == ["llama-a", "llama-b"]
    assert cost.flops == pytest.approx(expected)
