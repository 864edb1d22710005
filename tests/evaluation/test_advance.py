"""How far a decoding has come, and what is kept of it meanwhile."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from evoswarm.decoding.decoder import OnDone
from evoswarm.decoding.member import Member
from evoswarm.decoding.pool import Pool
from evoswarm.decoding.request import Completion, Counters, DoesNotFit, Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.evaluation.advance import EVERY, Advance, Pace
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.evaluation.ledger import Ledger
from evoswarm.policies import Recipe
from evoswarm.tasks.reasoning_gym import ReasoningGymTask
from evoswarm.tasks.task import Item

STATES = 1 << 20  # bytes: room for the states of few streams
CLOCK = "evoswarm.evaluation.advance.time.monotonic"


@pytest.fixture
def narrow(swarm: Swarm) -> Swarm:
    """The two members with room for few streams at once."""
    return Swarm(swarm.members, state_memory_bytes=STATES)


def votes(recipes: Sequence[Recipe]) -> list[Recipe]:
    return [recipe.changed(samples=64, sampling_temperature=1.0) for recipe in recipes]


def test_members_are_loaded_before_the_clock_of_a_decoding_begins(
    swarm: Swarm, task: ReasoningGymTask, items: list[Item], recipes: list[Recipe], ledger: Ledger
) -> None:
    told: list[str] = []

    def load() -> Sequence[Member]:
        told.append("loaded")
        return swarm.members

    lazy = Swarm(Pool(swarm.facts, load))
    evaluator = Evaluator(lazy, {task.name: task}, ledger, tell=lambda advance: told.append("advance"))
    evaluator.evaluate(recipes[:1], items[:2])
    assert told[:2] == ["loaded", "advance"]
    waited = evaluator.waited
    assert waited > 0
    again = Evaluator(Swarm(Pool(swarm.facts, load)), {task.name: task}, ledger)
    again.evaluate(recipes[:1], items[:2])
    assert (told.count("loaded"), again.waited) == (1, 0.0), "nobody waits where nothing has to be decoded"


def test_every_wave_is_in_the_ledger_before_the_next_begins(
    narrow: Swarm, task: ReasoningGymTask, items: list[Item], recipes: list[Recipe], ledger: Ledger
) -> None:
    seen: list[int] = []

    def count() -> bool:
        with sqlite3.connect(Path(ledger.path)) as database:
            seen.append(database.execute("SELECT COUNT(*) FROM evaluations").fetchone()[0])
        return False

    evaluator = Evaluator(narrow, {task.name: task}, ledger, stop=count)
    rows = evaluator.evaluate(votes(recipes), items)
    assert len(set(seen)) > 2, "seen from another connection while later waves are at work"
    assert seen == sorted(seen)
    with Ledger(":memory:") as other:
        assert Evaluator(narrow, {task.name: task}, other).evaluate(votes(recipes), items) == rows


def test_what_was_decoded_before_room_ran_out_is_not_decoded_again(
    narrow: Swarm,
    task: ReasoningGymTask,
    items: list[Item],
    recipes: list[Recipe],
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first call is out of memory in its second wave."""
    calls: list[int] = []
    decode = narrow.decode

    def crowded(requests: Sequence[Request], *, on_done: OnDone, **settings: Any) -> list[Completion]:
        calls.append(len(requests))
        told: list[int] = []

        def pass_on(numbers: Sequence[int], completions: Sequence[Completion]) -> None:
            if len(calls) == 1 and told:
                raise DoesNotFit("no room")
            told.extend(numbers)
            on_done(numbers, completions)

        return decode(requests, on_done=pass_on, **settings)

    monkeypatch.setattr(narrow, "decode", crowded)
    asked = votes(recipes)
    rows = Evaluator(narrow, {task.name: task}, ledger).evaluate(asked, items)
    assert len(calls) == 3, "all, and the two halves of the rest"
    assert 0 < calls[1] + calls[2] < calls[0]
    assert all(one.failure is None for row in rows for one in row)
    assert ledger.count() == len(asked) * len(items)


def test_a_decoder_that_cannot_tell_is_believed_in_the_end(
    swarm: Swarm,
    task: ReasoningGymTask,
    items: list[Item],
    recipes: list[Recipe],
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decode = swarm.decode
    monkeypatch.setattr(swarm, "decode", lambda requests, *, stop_after, on_done: decode(requests))
    rows = Evaluator(swarm, {task.name: task}, ledger).evaluate(recipes, items)
    assert ledger.count() == len(recipes) * len(items)
    assert all(one.failure is None for row in rows for one in row)


def test_how_far_it_is_is_told_every_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, told, counters = [100.0], list[Advance](), Counters(answers=7)
    monkeypatch.setattr(CLOCK, lambda: clock[0])
    pace = Pace(20, counters, told.append)
    clock[0] += EVERY / 2
    pace.look()
    assert told == [Advance(0, 20, 0.0)], "a short one says that it begins, and nothing more"
    told.clear()
    clock[0] += EVERY / 2
    pace.look()
    assert told == [Advance(0, 20, EVERY)]
    assert told[0].seconds_left is None
    counters.answers += 3  # a wave of five, three of which have ended
    clock[0] += EVERY
    pace.look()
    assert told[1] == Advance(3, 20, 2 * EVERY)
    counters.answers += 1  # one has failed
    clock[0] += EVERY
    pace.done(5)
    assert told[2] == Advance(5, 20, 3 * EVERY)
    assert told[2].seconds_left == pytest.approx(9 * EVERY)
    pace.look()
    assert len(told) == 3


def test_an_evaluator_tells_while_a_wave_is_at_work(
    swarm: Swarm,
    task: ReasoningGymTask,
    items: list[Item],
    recipes: list[Recipe],
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A clock on which every look is late."""
    clock, told = [0.0], list[Advance]()

    def later() -> float:
        clock[0] += EVERY
        return clock[0]

    monkeypatch.setattr(CLOCK, later)
    evaluator = Evaluator(swarm, {task.name: task}, ledger, tell=told.append)
    asked = [recipe.changed(samples=5, sampling_temperature=1.0) for recipe in recipes]
    evaluator.evaluate(asked, items)
    wanted = 5 * len(recipes) * len(items)
    assert {one.wanted for one in told} == {wanted}
    done = [one.done for one in told]
    assert done == sorted(done)
    assert done[-1] < wanted, "who has all need not be told"
    assert len(set(done)) > 2, "between the beginning and the end of the only wave"
    evaluator.evaluate(asked, items)
    assert len(told) == len(done), "what the ledger knows is not decoded"
    other = [recipe.changed(noise_seed=1) for recipe in asked]
    evaluator.over(swarm).evaluate(other, items)
    assert len(told) > len(done), "over another decoder it tells the same"
