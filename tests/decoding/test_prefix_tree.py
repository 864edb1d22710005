"""Every (member, prefix) is read once, for all recipes: recounted from what was decoded."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from evoswarm.decoding.request import Request
from evoswarm.decoding.swarm import Swarm
from tests.decoding.recipes import ONE_TOKENIZER, PROMPTS, SURE, recipe
from tests.oracle_member import OracleMember
from tests.oracle_symbols import view_of


def members_of(zoo: Any, names: Any) -> Any:
    return [member for member in zoo.members if member.spec.name in names]


def population(names: Any, alphabet: Any, seed: Any = 0) -> Any:
    """Recipes in which everybody speaks at every step, so that who read what can be told from the answers."""
    chance = random.Random(seed)
    found = []
    for _ in range(8):
        chosen = chance.sample(names, chance.randint(1, len(names)))
        weights = [chance.uniform(0.2, 3.0) for _ in chosen]
        found.append(recipe(*chosen, weights=weights, alphabet=alphabet))
    return found


def test_tokens_rows_forwarded_are_the_distinct_prefixes(zoo: Swarm, any_oracle: Callable[[str], OracleMember]) -> None:
    swarm = Swarm(members_of(zoo, ONE_TOKENIZER))
    asked = [
        Request(one, prompt, max_symbols=6, trace=True)
        for one in population(ONE_TOKENIZER, "tokens")
        for prompt in PROMPTS
    ]
    needed = set()
    for request, done in zip(asked, swarm.decode(asked), strict=True):
        for member in request.recipe.members:
            ids = any_oracle(member.spec.name).prompt(request.prompt)
            ids += tuple(step.symbol for step in done.trace)[: done.steps - 1]
            needed |= {(member.spec.name, ids[:length]) for length in range(1, len(ids) + 1)}
    assert swarm.counters.rows_forwarded == len(needed)
    assert swarm.counters.rows_reforwarded == 0
    alone = sum(use.tokens for done in swarm.decode(asked) for use in done.use)
    assert alone > 3 * len(needed), "the population shares most of what it reads"


def test_bytes_rows_forwarded_are_the_heads_that_count(zoo: Swarm, any_oracle: Callable[[str], OracleMember]) -> None:
    names = ("gpt2-c", "llama-a", "mistral-h")
    swarm = Swarm(members_of(zoo, names))
    asked = [Request(one, p, max_bytes=6, trace=True) for one in population(names, "bytes", 1) for p in PROMPTS[:3]]
    needed = set()
    for request, done in zip(asked, swarm.decode(asked), strict=True):
        raw = bytes(step.symbol for step in done.trace if step.symbol < 256)
        for member in request.recipe.members:
            judge = any_oracle(member.spec.name)
            prompt = judge.prompt(request.prompt)
            for length in range(done.steps):
                for path in view_of(judge).read(prompt, raw[:length], request.recipe.epsilon)[1]:
                    whole = prompt + path
                    needed |= {(member.spec.name, whole[:depth]) for depth in range(1, len(whole) + 1)}
    assert swarm.counters.rows_forwarded == len(needed)
    assert swarm.counters.rows_reforwarded == 0


@pytest.mark.parametrize(("names", "alphabet"), [(("gpt2-c", "mamba-b", "opt-g"), "bytes"), (ONE_TOKENIZER, "tokens")])
def test_a_second_time_nothing_is_read(zoo: Swarm, names: Any, alphabet: str) -> None:
    swarm = Swarm(members_of(zoo, names))
    asked = [Request(one, prompt, max_bytes=8) for one in population(names, alphabet) for prompt in PROMPTS]
    first = swarm.decode(asked)
    counted = (swarm.counters.rows_forwarded, swarm.counters.forwards, swarm.counters.padded_tokens)
    found, lookups = swarm.counters.text_found, swarm.counters.text_lookups
    assert swarm.decode(asked) == first
    assert (swarm.counters.rows_forwarded, swarm.counters.forwards, swarm.counters.padded_tokens) == counted
    assert swarm.counters.text_found == found
    assert swarm.counters.text_lookups == 2 * lookups > 0


@pytest.mark.parametrize("limit", [0, 20_000])
@pytest.mark.parametrize("name", ["llama-a", "mamba-b", "gemma3-f"])
def test_a_small_memory_changes_cost_but_no_answer(zoo: Swarm, name: str, limit: int) -> None:
    members = members_of(zoo, (name, "opt-g"))
    loud: dict[str, Any] = {"samples": 3, "sampling_temperature": 2.0}
    mixes = [recipe(name, "opt-g", weights=(2.0, w), noise_seed=seed, **loud) for seed, w in enumerate((0.1, 1.9))]
    asked = [[Request(mix, prompt, max_bytes=8) for prompt in PROMPTS] for mix in mixes]
    roomy, tight = Swarm(members), Swarm(members, state_memory_bytes=limit)
    compared = 0
    for batch in [*asked, *asked[::-1]]:
        want, got = roomy.decode(batch), tight.decode(batch)
        for one, other in zip(want, got, strict=True):
            if min(one.margin, other.margin) > SURE:
                compared += 1
                assert (one.samples, one.use) == (other.samples, other.use)
        for memory in tight.views.memories:
            assert memory.tree.state_bytes <= limit
    assert compared >= 2 * len(asked) * len(PROMPTS) * 0.8
    assert tight.counters.rows_forwarded == roomy.counters.rows_forwarded
    assert roomy.counters.rows_reforwarded == 0
    assert tight.counters.rows_reforwarded > 0


@pytest.mark.parametrize("backwards", [False, True])
def test_an_answer_may_walk_along_another_prompt(
    zoo: Swarm, any_oracle: Callable[[str], OracleMember], backwards: Any
) -> None:
    """Along a prompt that begins with its own one everything is there, rows included."""
    prompts = ["sort 3,1", "sort 3,1,2="]
    one = recipe("llama-a", "opt-g")
    swarm = Swarm(members_of(zoo, ("llama-a", "opt-g")))
    asked = [Request(one, prompts[0], forced=",2=1"), Request(one, prompts[1], forced="1,2,3")]
    swarm.decode(asked[::-1] if backwards else asked)
    assert swarm.counters.rows_reforwarded == 0
    ids = {name: [any_oracle(name).prompt(prompt) for prompt in prompts] for name in ("llama-a", "opt-g")}
    assert all(longer[: len(shorter)] == shorter for shorter, longer in ids.values())


def test_prompts_that_begin_alike_are_read_once(zoo: Swarm, any_oracle: Callable[[str], OracleMember]) -> None:
    swarm = Swarm(members_of(zoo, ("opt-g",)))
    prompts = ["sort 3,1", "sort 3,1,2=", "sort 4,1,2=", "sort 3"]
    swarm.decode([Request(recipe("opt-g"), prompt, max_bytes=1) for prompt in prompts])
    ids = [any_oracle("opt-g").prompt(prompt) for prompt in prompts]
    assert swarm.counters.rows_forwarded == len({one[:n] for one in ids for n in range(1, len(one) + 1)})
    assert swarm.counters.rows_reforwarded == 0
