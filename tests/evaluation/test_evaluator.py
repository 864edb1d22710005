"""The evaluator with real members: ledger first, one decoding, votes, failures."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from evoswarm.canonical import digest_of
from evoswarm.decoding.request import Completion, DoesNotFit, Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.errors import RecipeError, RunError
from evoswarm.evaluation import mixes as module
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.evaluation.ledger import Ledger
from evoswarm.evaluation.mixes import Stopped, TransientFailures
from evoswarm.failure import Failure
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe, RecipeMember
from evoswarm.tasks.reasoning_gym import ReasoningGymTask
from evoswarm.tasks.task import Item


def spied(swarm: Swarm, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Notes how many requests every decoding has."""
    calls: list[int] = []
    decode = swarm.decode

    def counting(requests: Sequence[Request], **settings: Any) -> list[Completion]:
        calls.append(len(requests))
        return decode(requests, **settings)

    monkeypatch.setattr(swarm, "decode", counting)
    return calls


def crowded(decode: Callable[..., list[Completion]], item: Item) -> Callable[..., list[Completion]]:
    """A decoding that has no room for one item."""

    def without_room(requests: Sequence[Request], **settings: Any) -> list[Completion]:
        if any(request.prompt == item.prompt for request in requests):
            raise DoesNotFit("no room on the device")
        return decode(requests, **settings)

    return without_room


def test_all_that_is_missing_is_decoded_at_once_and_only_once(
    swarm: Swarm,
    task: ReasoningGymTask,
    items: list[Item],
    recipes: list[Recipe],
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = spied(swarm, monkeypatch)
    evaluator = Evaluator(swarm, {task.name: task}, ledger)
    first = evaluator.evaluate([*recipes[:2], recipes[0]], items)
    assert calls == [8]  # two distinct recipes, four items
    assert first[0] == first[2]
    second = evaluator.evaluate(recipes, items)
    assert calls == [8, 4]
    assert second[:2] == first[:2]
    assert evaluator.asked == 12
    assert evaluator.decoded == 12
    costs = [row.cost for rows in second for row in rows]
    assert (evaluator.tokens, evaluator.flops) == (sum(c.tokens for c in costs), sum(c.flops for c in costs))
    fresh = Evaluator(swarm, {task.name: task}, ledger)
    assert fresh.evaluate(recipes, items) == second
    assert (fresh.asked, fresh.decoded, calls) == (12, 0, [8, 4])
    assert (fresh.tokens, fresh.flops) == (evaluator.tokens, evaluator.flops)


def test_the_digest_of_a_recipe_is_no_matter_of_items(
    swarm: Swarm,
    task: ReasoningGymTask,
    items: list[Item],
    recipes: list[Recipe],
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It takes time to work out, and thousands of items are asked."""
    asked: list[Any] = []

    def counted(decides: Any) -> str:
        asked.append(decides)
        return digest_of(decides)

    monkeypatch.setattr("evoswarm.policies.mix.digest_of", counted)
    counts = []
    for some in (items[:1], items[1:]):
        asked.clear()
        Evaluator(swarm, {task.name: task}, ledger).evaluate(recipes, some)
        counts.append(len(asked))
    assert counts[0] == counts[1] > 0


def test_a_ledger_that_does_not_give_back_what_was_written_is_damaged(
    swarm: Swarm, task: ReasoningGymTask, items: list[Item], recipes: list[Recipe], tmp_path: Path
) -> None:
    file = tmp_path / "ledger.sqlite"
    with Ledger(file) as ledger:
        with closing(sqlite3.connect(file)) as other:  # as if the pages that say where rows lie were out of order
            other.execute("CREATE TRIGGER lost BEFORE INSERT ON evaluations BEGIN SELECT RAISE(IGNORE); END")
        with pytest.raises(RunError, match=r"ledger.sqlite: expected the evaluations .*none of those just written"):
            Evaluator(swarm, {task.name: task}, ledger).evaluate(recipes[:1], items)


def test_scores_and_costs_are_those_of_the_answers(
    swarm: Swarm, task: ReasoningGymTask, items: list[Item], recipes: list[Recipe], ledger: Ledger
) -> None:
    evaluator = Evaluator(swarm, {task.name: task}, ledger)
    for recipe, rows in zip(recipes, evaluator.evaluate(recipes, items), strict=True):
        for item, row in zip(items, rows, strict=True):
            alone = swarm.decode([Request(recipe, item.prompt, item.key, task.max_bytes, None, task.stop)])[0]
            assert row.answers == (alone.samples[0].text,)
            assert row.score == task.score(item, row.answer)
            assert [member.name for member in row.cost.members] == [m.spec.name for m in recipe.members]
            assert [member.tokens for member in row.cost.members] == [use.tokens for use in alone.use]
            assert row.cost.flops > 0


def test_a_vote_is_scored_by_its_winner(
    swarm: Swarm, task: ReasoningGymTask, items: list[Item], recipes: list[Recipe], ledger: Ledger
) -> None:
    data = {**recipes[0].model_dump(by_alias=True), "samples": 5, "sampling_temperature": 1.5}
    rows = Evaluator(swarm, {task.name: task}, ledger).evaluate([Recipe.model_validate(data)], items)[0]
    for row in rows:
        assert len(row.answers) == 5
        counts = [row.answers.count(text) for text in row.answers]
        assert row.answer == row.answers[counts.index(max(counts))]


def test_the_context_keeps_what_differs_apart(
    swarm: Swarm, task: ReasoningGymTask, items: list[Item], recipes: list[Recipe], ledger: Ledger
) -> None:
    evaluator = Evaluator(swarm, {task.name: task}, ledger)
    context = evaluator.context(recipes[0])
    assert context["members"] == [[swarm.specs[0].fingerprint, False, "float32"]]
    assert context["device"] == "cpu"
    other = Recipe.model_validate({**recipes[0].model_dump(by_alias=True), "noise_seed": 1})
    assert evaluator.context(other) != context
    item = items[0]
    changed = [
        Item(item.key, item.task, item.prompt + "!", item.gold),
        Item("another key", item.task, item.prompt, item.gold),
        Item(item.key, item.task, item.prompt, "another gold"),
    ]
    digests = {evaluator.item_digest(one, "{prompt}") for one in [item, *changed]}
    assert len(digests | {evaluator.item_digest(item, "Q: {prompt}")}) == 5


def test_a_scorer_that_raises_is_a_failure_that_is_kept_without_a_score(
    swarm: Swarm, task: ReasoningGymTask, items: list[Item], recipes: list[Recipe], ledger: Ledger
) -> None:
    class Broken:
        name, weight, max_bytes, stop, scorer_id = "spell", 1.0, 10, (), "broken"

        def extract(self, text: str) -> str:
            return text

        def score(self, item: Item, text: str) -> float:
            return float("nan")

    rows = Evaluator(swarm, {"spell": Broken()}, ledger).evaluate(recipes[:1], items)[0]  # type: ignore[dict-item]
    assert {row.failure.kind for row in rows if row.failure} == {"scorer_error"}
    assert all(row.score is None for row in rows)
    assert ledger.count() == len(items)
    again = Evaluator(swarm, {"spell": Broken()}, ledger)  # type: ignore[dict-item]
    assert again.evaluate(recipes[:1], items)[0] == rows
    assert again.decoded == 0


def test_failures_of_the_moment_are_noted_before_they_act_and_replayed(
    swarm: Swarm,
    task: ReasoningGymTask,
    items: list[Item],
    recipes: list[Recipe],
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decode = swarm.decode
    monkeypatch.setattr(swarm, "decode", crowded(decode, items[2]))
    noted: list[tuple[str, str, Failure]] = []
    transient = TransientFailures(note=lambda recipe, item, failure: noted.append((recipe, item, failure)))
    rows = Evaluator(swarm, {task.name: task}, ledger, transient=transient).evaluate(recipes[:1], items)[0]
    assert [row.failure is None for row in rows] == [True, True, False, True]
    assert ledger.count() == 3
    assert [(recipe, failure.kind) for recipe, _, failure in noted] == [(recipes[0].digest, "out_of_memory")]
    monkeypatch.setattr(swarm, "decode", decode)  # the moment has passed, but this run has to repeat itself
    again = Evaluator(swarm, {task.name: task}, ledger, transient=TransientFailures({noted[0][:2]: noted[0][2]}))
    assert again.evaluate(recipes[:1], items)[0] == rows
    assert again.decoded == 0


def test_a_stop_keeps_what_is_done(
    swarm: Swarm, task: ReasoningGymTask, items: list[Item], recipes: list[Recipe], ledger: Ledger
) -> None:
    known = Evaluator(swarm, {task.name: task}, ledger).evaluate(recipes, items[:1])
    new = [Item(f"new {word}", task.name, f"rev {word}=", word[::-1]) for word in ("zebra", "quilt")]
    turns = iter([False, False])  # asked before the batch, then between turns
    evaluator = Evaluator(swarm, {task.name: task}, ledger, stop=lambda: next(turns, True))
    with pytest.raises(Stopped):
        evaluator.evaluate(recipes, [items[0], *new])
    assert 3 <= ledger.count() < 9
    rows = Evaluator(swarm, {task.name: task}, ledger).evaluate(recipes, [items[0], *new])
    assert [row[0] for row in rows] == [row[0] for row in known]
    assert all(evaluation.failure is None for row in rows for evaluation in row)


def test_batches_are_cut_between_items(
    swarm: Swarm,
    task: ReasoningGymTask,
    items: list[Item],
    recipes: list[Recipe],
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PAIRS_PER_BATCH", 7)
    calls = spied(swarm, monkeypatch)
    Evaluator(swarm, {task.name: task}, ledger).evaluate(recipes, items)
    assert calls == [6, 6]


def test_a_recipe_of_other_members_is_refused(
    swarm: Swarm, task: ReasoningGymTask, items: list[Item], ledger: Ledger
) -> None:
    stranger = Recipe(members=(RecipeMember(spec=MemberSpec(name="stranger", path="zoo:opt-g")),), lead="stranger")
    with pytest.raises(RecipeError, match="stranger"):
        Evaluator(swarm, {task.name: task}, ledger).evaluate([stranger], items)


def test_entropies_of_leads_are_decoded_once(
    swarm: Swarm,
    task: ReasoningGymTask,
    items: list[Item],
    recipes: list[Recipe],
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = spied(swarm, monkeypatch)
    evaluator = Evaluator(swarm, {task.name: task}, ledger)
    first = evaluator.entropies(recipes[:2], items)
    assert calls == [8]
    assert [len(row) for row in first] == [4, 4]
    assert first[0] != first[1]
    means = [[evaluation.entropy for evaluation in row] for row in evaluator.evaluate(recipes[:2], items)]
    assert [[sum(steps) / len(steps) for steps in row] for row in first] == [pytest.approx(row) for row in means]
    assert Evaluator(swarm, {task.name: task}, ledger).entropies(recipes[1::-1], items) == first[::-1]
    evaluator.entropies(recipes[:1], items[:2])
    assert calls == [8, 8, 2], "other items are another fact"


def test_entropies_of_an_unlucky_moment_are_not_kept(
    swarm: Swarm,
    task: ReasoningGymTask,
    items: list[Item],
    recipes: list[Recipe],
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decode = swarm.decode
    monkeypatch.setattr(swarm, "decode", crowded(decode, items[2]))
    evaluator = Evaluator(swarm, {task.name: task}, ledger)
    unlucky = evaluator.entropies(recipes[:1], items)[0]
    assert [bool(row) for row in unlucky] == [True, True, False, True]
    monkeypatch.setattr(swarm, "decode", decode)
    assert all(evaluator.entropies(recipes[:1], items)[0])
