"""What a recipe costs deployed alone: recounted by hand from what was decoded."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from evoswarm.decoding.request import Request
from evoswarm.decoding.swarm import Swarm
from tests.decoding.recipes import PROMPTS, recipe
from tests.oracle_member import OracleMember
from tests.oracle_symbols import view_of

BYTES = "opt-g"  # its tokens are bytes, so that nodes can be counted from texts


def use_of(completion: Any, name: Any) -> Any:
    return next(use for use in completion.use if use.name == name)


def up_to(n: Any) -> Any:
    """Positions that n tokens attend to, themselves included."""
    return n * (n + 1) // 2


def test_a_member_alone_in_tokens(zoo: Swarm) -> None:
    alone = recipe("llama-a", alphabet="tokens")
    swarm = Swarm([member for member in zoo.members if member.spec.name == "llama-a"])
    for prompt in PROMPTS:
        done = swarm.decode([Request(alone, prompt, max_symbols=5, trace=True)])[0]
        use, prompt_tokens = done.use[0], len(swarm.members[0].render(prompt))
        read = done.steps - 1  # neither END nor the token at which a limit falls is read
        assert (use.prompt_tokens, use.tokens) == (prompt_tokens, prompt_tokens + read)
        assert (use.passes, use.rows, use.steps) == (done.steps, done.steps, done.steps)
        assert use.context == up_to(prompt_tokens + read)


def test_a_follower_catches_up_in_one_pass(zoo: Swarm, any_oracle: Callable[[str], OracleMember]) -> None:
    gated = recipe("llama-a", BYTES, thresholds=(0.0, 0.8))
    seen = set()
    for prompt in PROMPTS:
        done = zoo.decode([Request(gated, prompt, max_bytes=12, trace=True)])[0]
        spoke = [at for at, step in enumerate(done.trace) if BYTES in step.speakers]
        use, prompt_tokens = use_of(done, BYTES), len(any_oracle(BYTES).prompt(prompt))
        seen.add(len(spoke))
        if not spoke:
            assert (use.prompt_tokens, use.tokens, use.passes, use.rows, use.context) == (0, 0, 0, 0, 0)
            continue
        assert use.tokens == prompt_tokens + spoke[-1]
        assert use.context == up_to(use.tokens)
        assert (use.passes, use.rows, use.steps) == (len(spoke),) * 3
        assert done.open_steps == len(spoke)
    assert len(seen) > 1


def test_samples_share_the_prompt_and_what_they_agree_on(zoo: Swarm, any_oracle: Callable[[str], OracleMember]) -> None:
    sampled = recipe(BYTES, samples=8, sampling_temperature=0.7)
    for prompt in PROMPTS[:3]:
        done = zoo.decode([Request(sampled, prompt, "k", max_bytes=5)])[0]
        stood_at = set()
        for sample in done.samples:
            raw = sample.text.encode()
            stood_at |= {raw[:length] for length in range(sample.steps)}
            if len(raw) < sample.steps - (sample.finish == "end"):
                pytest.fail("the limit fell inside a character: choose another key")
        use, prompt_tokens = done.use[0], len(any_oracle(BYTES).prompt(prompt))
        assert use.tokens == prompt_tokens + len(stood_at - {b""})
        assert use.passes == use.rows == len(stood_at)
        assert use.steps == done.steps == sum(sample.steps for sample in done.samples)
        assert use.context == up_to(prompt_tokens) + sum(prompt_tokens + len(text) for text in stood_at - {b""})


def test_tokens_and_rows_in_bytes_are_those_of_the_heads(zoo: Swarm, any_oracle: Callable[[str], OracleMember]) -> None:
    for names in (("gpt2-c", "mistral-h"), ("qwen3-d", "mamba-b")):
        both = recipe(*names)
        for prompt in PROMPTS[:2]:
            done = zoo.decode([Request(both, prompt, max_bytes=7, trace=True)])[0]
            raw = bytes(step.symbol for step in done.trace if step.symbol < 256)
            for name in names:
                judge = any_oracle(name)
                asked = judge.prompt(prompt)
                rows = set()
                for length in range(done.steps):
                    rows |= view_of(judge).read(asked, raw[:length], both.epsilon)[1]
                nodes = {path[:depth] for path in rows for depth in range(1, len(path) + 1)}
                use = use_of(done, name)
                assert (use.tokens, use.rows) == (len(asked) + len(nodes), len(rows))
                assert use.passes <= use.rows


def test_a_crowd_a_warm_memory_and_a_cold_one_make_no_difference(zoo: Swarm) -> None:
    """Nor does the order in which samples happened to be decoded."""
    pool = ("llama-a", "gpt2-c", "mistral-h", "mamba-b")
    members = [member for member in zoo.members if member.spec.name in pool]
    chance = random.Random(1)
    for number in range(12):
        names = chance.sample(pool, 3)
        gated = recipe(
            *names,
            thresholds=(0.0, chance.choice([0.3, 0.8, 1.2]), chance.choice([0.5, 1.5])),
            samples=6,
            sampling_temperature=chance.choice([1.0, 2.0, 3.0]),
        )
        asked = Request(gated, chance.choice(PROMPTS), f"k{number}", 10)
        crowd = [
            Request(recipe(*names, samples=2), asked.prompt, asked.key, 10),
            Request(recipe(names[1]), asked.prompt),
        ]
        swarm = Swarm(members)
        cold = swarm.decode([asked])[0]
        warm = swarm.decode([asked])[0]
        crowded = Swarm(members).decode([*crowd, asked])[-1]
        assert cold.use == warm.use == crowded.use


def test_open_tokens_of_the_lead(zoo: Swarm) -> None:
    """Open at one byte of a token is open at the token."""
    gated = recipe("gpt2-c", BYTES, thresholds=(0.0, 1.0))
    lead = next(member for member in zoo.members if member.spec.name == "gpt2-c")
    for prompt in PROMPTS:
        done = zoo.decode([Request(gated, prompt, max_bytes=12, trace=True)])[0]
        raw = bytes(step.symbol for step in done.trace if step.symbol < 256)
        opened = {at for at, step in enumerate(done.trace) if len(step.speakers) > 1}
        start, touched, tokens = 0, 0, lead.codec.encode(raw)
        for token in tokens:
            stop = start + len(lead.codec.token_bytes[token])  # type: ignore[arg-type]
            touched += bool(opened & set(range(start, stop)))
            start = stop
        assert (done.lead_tokens, done.lead_tokens_touched) == (len(tokens), touched)  # type: ignore[arg-type]
