"""Sums are kept beside what they are sums of: the same to the last bit, and never of anything else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from evoswarm.canonical import digest_of
from evoswarm.decoding.swarm import Swarm
from evoswarm.evaluation.cached_summary import CachedSummary, items_digest, summary_digest
from evoswarm.evaluation.evaluation import summarize
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.evaluation.failures import FailedItems
from evoswarm.evaluation.ledger import Ledger
from evoswarm.evaluation.mixes import TransientFailures
from evoswarm.evaluation.row import EvaluationTable, LedgerRow
from evoswarm.failure import Failure
from evoswarm.policies.mix import Recipe
from evoswarm.tasks.reasoning_gym import ReasoningGymTask
from evoswarm.tasks.task import Item
from tests.evaluation.test_evaluation import TASKS
from tests.evaluation.test_row import ITEMS, NAMES, evaluations


@pytest.mark.parametrize("failing", [(), (3,), range(len(ITEMS))])
def test_a_cached_summary_is_read_back_to_the_bit(failing: Sequence[int]) -> None:
    lost = replace(evaluations()[0], score=None, failure=Failure("prompt_too_long", "é", member="b"))
    rows = [lost if place in failing else one for place, one in enumerate(evaluations())]
    digests = [str(place % 20) for place in range(len(rows))]
    cached = CachedSummary.of(EvaluationTable([LedgerRow.of(one) for one in rows], NAMES), digests, ITEMS, TASKS)
    assert CachedSummary.from_json(cached.to_json(), NAMES) == cached
    assert cached.summary == summarize(ITEMS, rows, TASKS)
    assert cached.tokens == pytest.approx(sum(one.cost.tokens for one in rows[5:]))  # of equal items the last counts


def test_sums_that_say_nothing_of_each_member_are_not_read() -> None:
    """Ledgers of before kept them under version 2."""
    assert summary_digest("r", "c", "i") != digest_of(["tally", 2, "r", "c", "i"])


def test_a_cached_summary_needs_no_evaluations(
    swarm: Swarm,
    task: ReasoningGymTask,
    items: list[Item],
    recipes: list[Recipe],
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = Evaluator(swarm, {task.name: task}, ledger)
    expected = first.summaries(recipes, items)
    again = Evaluator(swarm, {task.name: task}, ledger)
    monkeypatch.setattr(Ledger, "read", lambda *_: pytest.fail("evaluations were read"))
    assert again.summaries(recipes, items) == expected
    assert (again.asked, again.tokens, again.flops) == (first.asked, first.tokens, first.flops)


def test_what_was_asked_in_part_is_counted_once(
    swarm: Swarm, task: ReasoningGymTask, items: list[Item], recipes: list[Recipe], ledger: Ledger
) -> None:
    first = Evaluator(swarm, {task.name: task}, ledger)
    first.summaries(recipes, items)
    again = Evaluator(swarm, {task.name: task}, ledger)
    again.summaries(recipes, items[1:])
    again.evaluate(recipes, items[:2])
    again.summaries(recipes, items)
    assert (again.asked, again.tokens, again.flops) == (first.asked, first.tokens, first.flops)


def test_the_summary_of_a_mix_is_kept_under_its_one_context_whatever_the_tasks(
    swarm: Swarm, task: ReasoningGymTask, items: list[Item], recipes: list[Recipe], ledger: Ledger
) -> None:
    """As ledgers that exist have it."""
    tasks = {task.name: task, "again": replace(task, name="again")}
    both = [*items, *(replace(one, task="again") for one in items)]
    evaluator = Evaluator(swarm, tasks, ledger)
    evaluator.summaries(recipes, both)
    digests = [evaluator.item_digest(one, recipes[0].prompt_format) for one in both]
    listed = items_digest(digests, both, tasks)
    keys = [summary_digest(one.digest, digest_of(evaluator.context(one)), listed) for one in recipes]
    assert ledger.facts(keys).keys() == set(keys)


def test_other_weights_of_tasks_are_another_sum(
    swarm: Swarm, task: ReasoningGymTask, items: list[Item], recipes: list[Recipe], ledger: Ledger
) -> None:
    heavy, usual = (
        ReasoningGymTask.verified(name="heavy", family="spell_backward", max_bytes=10, weight=weight)
        for weight in (3.0, 1.0)
    )
    both = [*items[:2], *(replace(one, task="heavy") for one in items[2:])]
    equal = Evaluator(swarm, {task.name: task, "heavy": usual}, ledger)
    unequal = Evaluator(swarm, {task.name: task, "heavy": heavy}, ledger)
    light = equal.summaries(recipes, both)
    weighted = unequal.summaries(recipes, both)
    assert [one.by_task for one in light] == [one.by_task for one in weighted]
    assert [one.cost for one in light] != [one.cost for one in weighted]
    assert weighted == [summarize(both, rows, unequal.tasks) for rows in unequal.evaluate(recipes, both)]


def test_a_moment_is_in_no_cached_summary(
    swarm: Swarm, task: ReasoningGymTask, items: list[Item], recipes: list[Recipe], ledger: Ledger
) -> None:
    slow = Failure("time_out", "slow")
    digest = Evaluator(swarm, {task.name: task}, ledger).item_digest(items[0], recipes[0].prompt_format)

    def failures(**settings: Any) -> list[tuple[FailedItems, ...]]:
        evaluator = Evaluator(swarm, {task.name: task}, ledger, **settings)
        return [summary.failed for summary in evaluator.summaries(recipes, items)]

    transient = TransientFailures({(recipes[0].digest, digest): slow})
    lost = (FailedItems("time_out", "", 1, "slow"),)
    assert failures(transient=transient) == [lost, (), ()]
    assert failures() == [(), (), ()]
    assert failures(transient=transient) == [lost, (), ()]
