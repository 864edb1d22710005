"""Memory changes cost, never results: limits on states, rows and texts, one by one and together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evoswarm.decoding.memory.contexts import ContextTable
from evoswarm.decoding.request import Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.decoding.text.alphabet import ByteAlphabet
from tests.decoding.integrity import check_integrity
from tests.decoding.recipes import ONE_TOKENIZER, PROMPTS, SURE, recipe

POOLS = {"bytes": ("gpt2-c", "mamba-b", "qwen3-d"), "tokens": ONE_TOKENIZER}


def asked(alphabet: Any) -> Any:
    names = POOLS[alphabet]
    mixes = [
        recipe(*names, alphabet=alphabet, weights=(1.0, weight, 0.5), thresholds=(0.0, threshold, 0.0))
        for weight, threshold in ((0.5, 0.0), (2.0, 0.3), (1.0, 1.5))
    ]
    mixes.append(recipe(*names[:2], alphabet=alphabet, samples=3, sampling_temperature=2.0))
    return [[Request(mix, prompt, prompt, 10) for prompt in PROMPTS] for mix in mixes]


def members(zoo: Any, alphabet: Any) -> Any:
    return [member for member in zoo.members if member.spec.name in POOLS[alphabet]]


@pytest.mark.parametrize("alphabet", POOLS)
@pytest.mark.parametrize(
    "limits",
    [
        {"row_memory_bytes": 1},
        {"text_memory_bytes": 2_000},
        {"state_memory_bytes": 30_000, "row_memory_bytes": 100_000, "text_memory_bytes": 100_000},
    ],
    ids=["rows", "texts", "all"],
)
def test_tight_limits_change_no_answer(zoo: Swarm, alphabet: str, limits: Any) -> None:
    roomy, tight = Swarm(members(zoo, alphabet)), Swarm(members(zoo, alphabet), **limits)
    batches = asked(alphabet)
    compared = 0
    for batch in [*batches, *batches[::-1]]:
        for one, other in zip(roomy.decode(batch), tight.decode(batch), strict=True):
            if min(one.margin, other.margin) > SURE:
                compared += 1
                assert (one.samples, one.use) == (other.samples, other.use)
                assert (one.steps, one.open_steps) == (other.steps, other.open_steps)
    assert compared > len(batches) * len(PROMPTS)
    assert tight.counters.text_found > roomy.counters.text_found or tight.counters.rows_reforwarded > 0
    assert roomy.counters.rows_reforwarded == 0


@pytest.mark.parametrize("alphabet", POOLS)
def test_places_long_unused_are_forgotten_with_all_that_hangs_on_them(zoo: Swarm, alphabet: str) -> None:
    limit = 50_000
    swarm = Swarm(members(zoo, alphabet), text_memory_bytes=limit, state_memory_bytes=limit)
    mix = recipe(*POOLS[alphabet], alphabet=alphabet)
    sizes = []
    for number in range(24):
        batch = [Request(mix, f"{number}+{other}=", max_bytes=10) for other in range(6)]
        swarm.decode(batch)
        view = next(iter(swarm.views))
        nodes = sum(1 + one.memory.nodes.alive for one in view.views.values())
        sizes.append((len(view.contexts), nodes, len(view.contexts.read_nodes)))
    assert len(view.contexts) * view.contexts.bytes_each <= 3 * limit
    late, early = sizes[-8:], sizes[8:16]
    for kind in range(3):
        assert max(size[kind] for size in late) <= 1.3 * max(size[kind] for size in early), "memory grows for ever"
    again = swarm.decode(batch)
    fresh = Swarm(members(zoo, alphabet)).decode(batch)
    sure = [(one, other) for one, other in zip(again, fresh, strict=True) if min(one.margin, other.margin) > SURE]
    assert len(sure) >= 0.8 * len(batch)
    assert all((one.samples, one.use) == (other.samples, other.use) for one, other in sure)


def test_every_completion_says_what_the_engine_did(zoo: Swarm) -> None:
    swarm = Swarm(members(zoo, "bytes"))
    first, second = (swarm.decode(batch) for batch in asked("bytes")[:2])
    for done in (first, second):
        assert {id(one.work) for one in done} == {id(done[0].work)}
        assert 0 <= done[0].work.forward_seconds < done[0].work.seconds
        assert done[0].work.text_lookups >= done[0].work.text_found
    assert first[0].work.forward_seconds > 0
    assert 0 < first[0].work.batch_fill <= 1
    assert first[0].work.text_found > 0
    for figure in ("rows_forwarded", "forwards", "symbols", "text_lookups"):
        assert getattr(first[0].work, figure) + getattr(second[0].work, figure) == getattr(swarm.counters, figure)
    sharing = swarm.counters.sharing_by_depth()
    assert sharing["0"] >= sharing["4-7"] >= 1


def test_peaks_stay_near_the_limits(zoo: Swarm) -> None:
    limits = {"state_memory_bytes": 4_000_000, "row_memory_bytes": 2_000_000}
    swarm = Swarm(members(zoo, "bytes"), **limits)
    for batch in asked("bytes"):
        swarm.decode(batch)
    assert 0 < swarm.counters.peak_state_bytes <= 1.1 * limits["state_memory_bytes"]
    assert 0 < swarm.counters.peak_row_bytes <= 1.1 * limits["row_memory_bytes"]


@pytest.mark.parametrize("alphabet", POOLS)
def test_what_was_read_can_be_forgotten_and_read_again(zoo: Swarm, alphabet: str) -> None:
    swarm = Swarm(members(zoo, alphabet))
    swarm.forget()  # before anything was read
    batch = asked(alphabet)[1]
    before, read = swarm.decode(batch), swarm.counters.rows_forwarded
    swarm.forget()
    check_integrity(swarm)
    for view in swarm.views:
        assert not len(view.contexts)
        assert not view.contexts.distributions.slots.in_use
    for memory in swarm.views.memories:
        assert (memory.tree.state_bytes, memory.row_bytes_in_use, memory.nodes.alive) == (0, 0, 0)
    again = swarm.decode(batch)
    assert swarm.counters.rows_forwarded == 2 * read, "the same once more"
    sure = [(one, other) for one, other in zip(before, again, strict=True) if min(one.margin, other.margin) > SURE]
    assert len(sure) >= 0.8 * len(batch)
    assert all((one.samples, one.use) == (other.samples, other.use) for one, other in sure)


def test_a_long_text_takes_its_length_and_not_the_square_of_it() -> None:
    table = ContextTable(ByteAlphabet(), 1, 1 << 20)
    text = b"".join(b"%d " % number for number in range(1000))
    at = [table.root("p")]
    for symbol in text:
        at.append(int(table.children(np.array(at[-1:]), np.array([symbol]))[0]))
    wholes = [text[:end] for end in range(len(text) + 1)]
    assert [table.raw(context) for context in at] == wholes
    assert table.text_bytes < len(text) ** 2 / 50
    beside = int(table.children(np.array([at[777]]), np.array([ord("x")]))[0])
    assert table.raw(beside) == text[:777] + b"x"
    before = table.text_bytes
    table.use(np.array(at[-1:]), 5)
    numbers = table.keep_used_since(5)
    assert numbers[beside] == -1
    assert [table.raw(int(numbers[context])) for context in at] == wholes
    assert table.text_bytes == before - 778
