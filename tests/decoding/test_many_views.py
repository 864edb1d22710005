"""Recipes of many subsets of tokenizers, each in symbols of its own: one memory, and limits that hold for all."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from evoswarm.decoding.request import Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.decoding.views.text_view import TextView
from evoswarm.policies.mix import Recipe
from tests.decoding.recipes import PROMPTS, recipe

POOL = ("llama-a", "mistral-h", "gpt2-c", "neox-e", "qwen3-d")
PAIRS = list(combinations(POOL, 2))


def swarm_of(zoo: Swarm, **limits: int) -> Swarm:
    return Swarm([member for member in zoo.members if member.spec.name in POOL], **limits)


def asked(names: tuple[str, ...]) -> Iterator[Request]:
    mix = recipe(*names, alphabet="common", samples=5)
    yield from (Request(mix, prompt, prompt, max_bytes=12) for prompt in PROMPTS)


def test_views_share_one_limit_on_contexts_and_one_alphabet_at_a_time_keeps_sums(zoo: Swarm) -> None:
    tight, roomy = swarm_of(zoo, text_memory_bytes=1 << 16, row_memory_bytes=1 << 20), swarm_of(zoo)
    for names in PAIRS:
        requests = list(asked(names))
        answers = [[one.samples for one in swarm.decode(requests)] for swarm in (tight, roomy)]
        assert answers[0] == answers[1], "memory changes cost, never results"
    views = list(tight.views)
    assert len(views) == len(PAIRS)
    kept = sum(len(view.contexts) * view.contexts.bytes_each for view in views)
    assert kept <= sum(limits.text_bytes // 2 for limits in tight.limits)
    assert sum(len(view.contexts) * view.contexts.bytes_each for view in roomy.views) > kept
    for memory in tight.views.memories:
        own = [view for pool in views for view in pool.views.values() if view.memory is memory]
        assert sum(len(view.sums.made) > 0 for view in own if isinstance(view, TextView)) <= 1


def test_a_member_that_catches_up_makes_no_more_rows_than_there_is_room_for(zoo: Swarm) -> None:
    """It reads all that it has missed in one chunk, and every token of that makes a row."""
    row = max(memory.rows.row_bytes for memory in swarm_of(zoo).views.memories)
    swarm = swarm_of(zoo, row_memory_bytes=60 * row)
    seldom = recipe("llama-a", "neox-e", alphabet="common", thresholds=(0.0, 0.9), gate="random")
    text = "one and two make three, " * 2
    requests = [
        Request(seldom, prompt, f"{prompt}{n}", max_bytes=99, forced=text) for n in range(9) for prompt in PROMPTS
    ]
    done = swarm.decode(requests)
    assert all(one.failure is None for one in done)
    assert 0 < sum(one.open_steps for one in done) < sum(one.steps for one in done) / 4
    longest = max(one.tokens for each in done for one in each.use)
    assert swarm.counters.peak_row_bytes <= (60 + longest) * row


def test_one_tree_serves_all_alphabets(zoo: Swarm) -> None:
    swarm = swarm_of(zoo)
    alone = Recipe(members=(recipe("llama-a").members[0],), lead="llama-a", alphabet="common")
    swarm.decode([Request(alone, prompt, max_bytes=12) for prompt in PROMPTS])
    before = swarm.counters.copy()
    swarm.decode([Request(alone.changed(alphabet="tokens"), prompt, max_bytes=12) for prompt in PROMPTS])
    assert swarm.counters.since(before).rows_forwarded == 0, "it is the same alphabet"
    swarm.decode([Request(alone.changed(alphabet="bytes"), prompt, max_bytes=12) for prompt in PROMPTS])
    again = swarm.counters.since(before)
    assert again.prompt_tokens == 0, "the prompts had been read"
    assert again.rows_reforwarded == 0
