"""Rows of the ledger: what is kept of an evaluation, and the sums over many of them."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from evoswarm.evaluation.cost import Cost, CostTable, MemberCost
from evoswarm.evaluation.evaluation import Evaluation, summarize, summary_of
from evoswarm.evaluation.row import EvaluationTable, LedgerRow
from evoswarm.failure import Failure
from evoswarm.tasks.task import Item
from tests.evaluation.test_evaluation import TASKS

NAMES = ("a", "b")
ITEMS = [Item(str(number), "xy"[number % 2], "", "") for number in range(25)]


def evaluations(seed: int = 0) -> list[Evaluation]:
    """One per item, with costs whose sums depend on the order of adding."""
    rng = Random(seed)
    costs = [Cost(tuple(MemberCost(name, *(rng.uniform(0, 1e9) for _ in range(5))) for name in NAMES)) for _ in ITEMS]
    return [
        Evaluation(rng.random(), "é", ("é", "\u2028"), cost, rng.choice([1e-5, 1.0]), 7, 3, 6, 2, 0.1, 0.2)
        for cost in costs
    ]


def test_a_row_keeps_all_but_the_members_names() -> None:
    failed = replace(evaluations()[0], score=None, failure=Failure("prompt_too_long", "", member="b"))
    for evaluation in [*evaluations(), failed]:
        row = LedgerRow.of(evaluation)
        assert row.evaluation(NAMES) == evaluation
        assert row.failure(NAMES) == evaluation.failure
    assert LedgerRow.of(failed).failure(["c", "d"]) == Failure("prompt_too_long", "", member="d")
    assert LedgerRow.of(evaluations()[0]).evaluation(["c", "d"]).cost.names == ("c", "d")


def test_sums_over_rows_are_those_over_evaluations_to_the_bit() -> None:
    whole = evaluations()
    lost = Evaluation(None, failure=Failure("time_out", "slow"))
    for these in (whole, [lost, *whole[1:]], [*whole[:9], lost, *whole[10:]], [lost] * len(ITEMS)):
        table = EvaluationTable([LedgerRow.of(evaluation) for evaluation in these], NAMES)
        assert table.evaluations() == these
        assert summary_of(ITEMS, table.columns, table.costs, TASKS) == summarize(ITEMS, these, TASKS)
    assert summarize(ITEMS, [lost] * len(ITEMS), TASKS).cost == Cost()


def test_a_mean_adds_item_after_item() -> None:
    rows = [LedgerRow.of(evaluation) for evaluation in evaluations()]
    weights = [Random(number).random() for number in range(len(rows))]
    expected = 0.0
    for row, weight in zip(evaluations(), weights, strict=True):
        expected += weight * row.cost.members[1].flops
    assert EvaluationTable(rows, NAMES).costs.mean(weights).members[1].flops == expected


def test_a_total_is_over_members_and_some_items() -> None:
    table = CostTable.parse(
        ["[[1, 2, 3, 4, 5], [10, 20, 30, 40, 50]]", "[]", "[[6, 0, 0, 7, 0], [0, 0.0, 0, 8e0, 0]]"], NAMES
    )
    assert (table.total("tokens", [0, 1, 2]), table.total("tokens", [0])) == (17, 11)
    assert (table.total("flops", [2, 1]), table.total("flops", [])) == (15, 0)
