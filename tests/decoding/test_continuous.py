"""Requests that come and go answer as each does alone, and leave nothing behind."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from evoswarm.decoding.continuous import ContinuousDecoding
from evoswarm.decoding.memory.contexts import ContextTable
from evoswarm.decoding.memory.parts import in_part
from evoswarm.decoding.request import Completion, DoesNotFit, Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.decoding.views import pool_view
from evoswarm.decoding.views.pool_views import PoolViews
from tests.decoding.integrity import check_integrity
from tests.decoding.recipes import ONE_TOKENIZER, PROMPTS, SURE, recipe

POOL = ("llama-a", "gpt2-c", "llama-b", "mamba-b")
MIXES = (
    recipe("llama-a", "gpt2-c", alphabet="bytes"),
    recipe("gpt2-c", "llama-b", alphabet="common", thresholds=(0.0, 0.3)),
    recipe(*ONE_TOKENIZER, alphabet="tokens"),
    recipe("llama-b", "gpt2-c", alphabet="bytes", sampled=True, sampling_temperature=1.3),
    recipe("gpt2-c", alphabet="common", samples=3, sampling_temperature=0.9),
    recipe("llama-a", "mamba-b", alphabet="tokens", sampled=True, top_k=5),
)


def requests(count: int, seed: int) -> list[Request]:
    rng = random.Random(seed)
    return [
        Request(
            rng.choice(MIXES),
            f"{rng.choice(PROMPTS)[:-1]}{rng.randrange(40)}=",
            key=f"item {number}",
            max_bytes=rng.choice([3, 8, 20]),
            max_symbols=rng.choice([None, None, 4]),
            stop=rng.choice([(), ("2",), ("a", "10")]),
        )
        for number in range(count)
    ]


@pytest.fixture
def pool(zoo: Swarm) -> Any:
    """Makes a swarm of its own over the pool, with limits."""
    members = [member for member in zoo.members if member.spec.name in POOL]
    return lambda *limits: Swarm(members, *limits)


def finish(decoding: ContinuousDecoding) -> dict[int, Completion]:
    done: dict[int, Completion] = {}
    while not decoding.idle:
        done |= decoding.turn()
    return done


def same(one: Completion, alone: Completion) -> bool:
    """Whether both are sure of what they chose, and that it is the same."""
    if min(one.margin, alone.margin) <= SURE:
        return False
    assert (one.samples, one.failure, one.use) == (alone.samples, alone.failure, alone.use)
    assert (one.steps, one.open_steps, one.lead_tokens) == (alone.steps, alone.open_steps, alone.lead_tokens)
    return True


@pytest.mark.parametrize(("seed", "text_bytes"), [(1, None), (2, 300_000)])
def test_whoever_comes_and_goes_answers_are_those_given_alone(pool: Any, seed: int, text_bytes: int | None) -> None:
    """Some leave before they are done; with little memory, texts are forgotten while others stand on them."""
    swarm, asked, rng = pool(None, None, text_bytes), requests(24, seed), random.Random(seed)
    decoding = swarm.continuous()
    done: dict[int, Completion] = {}
    tickets: dict[int, int] = {}
    gone: set[int] = set()
    rest = list(range(len(asked)))
    while rest or not decoding.idle:
        for number in rest[: rng.choice([0, 0, 1, 4])]:
            tickets[decoding.join(asked[number])] = rest.pop(rest.index(number))
        before = {ticket: decoding.written(ticket) for ticket in tickets.keys() - done.keys() - gone}
        done |= decoding.turn()
        assert all(decoding.written(one).startswith(raw) for one, raw in before.items() if one not in done)
        here = sorted(tickets.keys() - done.keys() - gone)
        if here and rng.random() < 0.4:
            gone.add(leaver := rng.choice(here))
            decoding.leave(leaver)
            decoding.leave(leaver)
    check_integrity(swarm)
    assert not any(view.tenants for view in swarm.views)
    assert done.keys() == tickets.keys() - gone
    assert 2 < len(gone) < 14
    alone = pool(None, None, None)
    assert len(done) > 9
    sure = [same(one, alone.decode([asked[tickets[ticket]]])[0]) for ticket, one in done.items()]
    assert sum(sure) > 0.8 * len(sure)


def test_what_does_not_fit_waits_its_turn(pool: Any) -> None:
    asked = requests(12, 3)
    swarm = pool(2_000_000)
    decoding = swarm.continuous()
    tickets = [decoding.join(one) for one in asked]
    decoding.turn()
    assert 0 < decoding.waiting < len(asked) - 1
    done = finish(decoding)
    assert sorted(done) == tickets
    check_integrity(swarm)


def test_a_prompt_takes_its_room_once_however_many_ask_it(pool: Any) -> None:
    prompt = " ".join(map(str, range(60))) + "="
    asked = [Request(MIXES[3], prompt, key=str(number), max_bytes=4) for number in range(8)]
    swarm = pool(2 * len(prompt) * max(member.reader.state_bytes() for member in pool().members))
    decoding = swarm.continuous()
    tickets = [decoding.join(one) for one in asked]
    decoding.turn()
    assert decoding.waiting == 0
    assert sorted(finish(decoding)) == tickets


def test_a_long_prompt_does_not_keep_short_ones_waiting(pool: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attention, and a state that goes on: both read on from where a part of a prompt ended."""
    monkeypatch.setattr(pool_view, "tokens_a_turn", lambda device: 5)
    prompt = "sort " + ",".join(map(str, range(3, 50))) + "="
    long = [Request(mix, prompt, key="long", max_bytes=6) for mix in (MIXES[0], MIXES[5])]
    short = [replace(one, max_bytes=5) for one in requests(6, 8)]
    swarm = pool()
    decoding, done = swarm.continuous(), dict[int, Completion]()
    tickets = [decoding.join(one) for one in (*long, *short)]
    while not decoding.idle:
        done |= decoding.turn()
        if len(done) < len(short):
            assert not any(decoding.written(ticket) for ticket in tickets[:2])
    assert set(list(done)[-2:]) == set(tickets[:2])
    alone = pool()
    sure = [same(done[ticket], alone.decode([one])[0]) for ticket, one in zip(tickets, (*long, *short), strict=True)]
    assert sum(sure) >= len(sure) - 2
    check_integrity(swarm)


def test_parts_of_long_prompts_leave_nobody_behind() -> None:
    chains = [np.full(size, number) for number, size in enumerate((300, 3, 70, 64, 500))]
    assert [(part[0], len(part)) for part in in_part(chains, 100)] == [(1, 3), (3, 64), (0, 50), (2, 50)]
    assert [(part[0], len(part)) for part in in_part(chains, 0)] == [(1, 3), (3, 64)]
    assert [part.tolist() for part in in_part(chains[:1], 200)] == [[0] * 200]
    assert in_part([], 7) == []


@pytest.mark.parametrize("count", [1, 6])
def test_without_room_for_all_fewer_begin_anew(pool: Any, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    asked, swarm = requests(12, 4), pool()
    want = [one.samples for one in pool().decode(asked)]
    decoding, read, at_work = swarm.continuous(), PoolViews.read, list[int]()

    def crowded(views: PoolViews) -> None:
        at_work.append(len(decoding._at_work))
        if at_work[-1] > count:
            raise DoesNotFit("none left")
        read(views)

    monkeypatch.setattr(PoolViews, "read", crowded)
    tickets = [decoding.join(one) for one in asked]
    done = finish(decoding)
    assert [done[ticket].samples for ticket in tickets] == want
    assert max(at_work) == len(asked)
    assert min(at_work) <= count
    check_integrity(swarm)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("none left"), MemoryError("none left")])
def test_without_memory_requests_fail_and_the_next_ones_do_not(
    pool: Any, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    asked, swarm = requests(4, 5), pool()
    decoding = swarm.continuous()

    def full(*arguments: Any, **more: Any) -> Any:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(ContextTable, "settle", full)
        tickets = [decoding.join(one) for one in asked]
        done = finish(decoding)
        assert sorted(done) == tickets
        assert {one.failure.kind for one in done.values() if one.failure} == {"out_of_memory"}
        assert all(one.failure for one in done.values())
    tickets = [decoding.join(one) for one in asked]
    done = finish(decoding)
    assert [done[one].samples for one in tickets] == [one.samples for one in pool().decode(asked)]


def test_memory_stays_flat(pool: Any) -> None:
    """Prompts are long, answers short: nodes are what grows; then answers, whose texts are."""
    swarm = pool(400_000, None, 60_000)
    decoding, kept = swarm.continuous(), list[tuple[int, int]]()
    words = ("gcd", "lcm", "sort", "spell")
    for number in range(100):
        prompt = " ".join(f"{words[digit % 4]} {number * 7 + digit}" for digit in range(12)) + "="
        decoding.join(Request(MIXES[number % 2], prompt, max_bytes=4 + number % 8))
        decoding.turn()
        kept.append(
            (sum(memory.nodes.alive for memory in swarm.views.memories), sum(len(v.contexts) for v in swarm.views))
        )
    finish(decoding)
    check_integrity(swarm)
    early, late = kept[30:60], kept[60:]
    assert max(late)[0] <= 1.4 * max(early)[0]
    assert max(contexts for _, contexts in late) <= 1.4 * max(contexts for _, contexts in early)


def test_decodings_of_all_kinds_share_a_memory(pool: Any) -> None:
    """Others decode, tidy up and forget while requests stand at contexts."""
    swarm, asked, rng = pool(), requests(10, 6), random.Random(6)
    want = [one.samples for one in pool().decode(asked)]
    decoding = swarm.continuous()
    tickets = [decoding.join(one) for one in asked]
    done: dict[int, Completion] = {}
    while not decoding.idle:
        done |= decoding.turn()
        if rng.random() < 0.3:
            rng.choice([swarm.forget, swarm.views.tidy, lambda: swarm.decode(asked[:3])])()
    assert [done[one].samples for one in tickets] == want
    assert [one.samples for one in swarm.decode(asked)] == want
