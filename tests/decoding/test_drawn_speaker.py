"""A sampled mixture: who speaks is drawn by weight, then the symbol from that member alone, for one member's work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import chisquare

from evoswarm.decoding.request import Request
from evoswarm.decoding.step.noise import gumbel, gumbel_of_speakers
from evoswarm.decoding.step.speaker import draw_speakers
from evoswarm.decoding.swarm import Swarm
from evoswarm.policies.mix import Fusion
from tests import oracle as judge
from tests.decoding.recipes import PROMPTS, SURE, recipe
from tests.oracle_member import OracleMember

WEIGHTS = np.array([0.5, 0.05, 0.3, 0.15], dtype=np.float32)
ROWS = np.array([[0.7, 0.1, 0.1, 0.1, 0.0], [0.0, 0.0, 0.0, 0.0, 1.0], [0.2] * 5, [0.05, 0.8, 0.1, 0.04, 0.01]])


def drawn(may_speak: Any, abstains: Any, draws: int) -> Any:
    """How often each symbol comes out of so many draws, and how many members each of them asks."""
    keys = np.arange(draws, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    shape, positions = (draws, len(WEIGHTS)), np.full(draws, 3)
    every = [np.broadcast_to(np.array(one), shape) for one in (WEIGHTS, may_speak, abstains)]
    asked = draw_speakers(every[0], gumbel_of_speakers(keys, positions, len(WEIGHTS)), *every[1:])
    speaker = (asked & ~np.array(abstains)).argmax(1)
    with np.errstate(divide="ignore"):
        symbols = (np.log(ROWS)[speaker] + gumbel(keys, positions, ROWS.shape[1]).numpy()).argmax(1)
    return np.bincount(symbols, minlength=ROWS.shape[1]), asked.sum(1)


@pytest.mark.parametrize(
    ("may_speak", "abstains", "draws"),
    [
        ([True] * 4, [False] * 4, 1_000_000),
        ([True, False, True, True], [False] * 4, 100_000),
        ([True] * 4, [True, False, False, False], 100_000),
    ],
    ids=["all", "a closed gate", "one with nothing to say"],
)
def test_a_million_draws_are_the_mixtures(may_speak: Any, abstains: Any, draws: int) -> None:
    counts, asked = drawn(may_speak, abstains, draws)
    weights = np.where(np.array(may_speak) & ~np.array(abstains), WEIGHTS.astype(float), 0)
    assert chisquare(counts, draws * (weights / weights.sum()) @ ROWS).pvalue > 0.001
    assert asked.mean() == pytest.approx(1 + (0.5 if any(abstains) else 0), abs=0.005), "who is not drawn is not asked"


def test_speakers_and_symbols_have_noise_of_their_own() -> None:
    keys = np.arange(50_000, dtype=np.uint64) << np.uint64(20)
    positions = np.zeros(len(keys), dtype=np.int64)
    both = np.hstack([gumbel_of_speakers(keys, positions, 3), gumbel(keys, positions, 3).numpy()])
    assert np.abs(np.corrcoef(both.T) - np.eye(6)).max() < 0.02


def test_it_decodes_as_the_oracle_says(zoo: Swarm, oracle: Callable[[str], OracleMember]) -> None:
    compared = 0
    for alphabet, thresholds in (("bytes", (0.0, 0.0, 0.0)), ("bytes", (0.0, 0.4, 1.0)), ("common", (0.0, 0.0, 0.3))):
        names = ("mamba-b", "gpt2-c", "mistral-h")
        one = recipe(*names, weights=(1, 2, 3), thresholds=thresholds, samples=3, alphabet=alphabet)
        assert one.draws_speaker
        for prompt in PROMPTS[:3]:
            done = zoo.decode([Request(one, prompt, "an item", 6)])[0]
            said = [judge.decode(one, [oracle(n) for n in names], prompt, "an item", 6, sample) for sample in range(3)]
            if min(done.margin, *(answer.margin for answer in said)) > SURE:
                compared += 1
                assert [sample.text for sample in done.samples] == [answer.text for answer in said]
                assert done.entropy == pytest.approx(
                    np.mean([h for one in said for h in one.entropies] or [0]), abs=1e-4
                )
    assert compared >= 6


def test_the_first_symbol_is_distributed_as_in_the_whole_mixture(zoo: Swarm) -> None:
    mixed = recipe("llama-a", "opt-g", "gpt2-c", weights=(3, 1, 2), temperatures=(1.5, 2.0, 1.0))
    whole = mixed.changed(sampled=True, sampling_temperature=1.0, top_p=0.999999)  # cuts want the whole distribution
    assert not whole.draws_speaker
    some = mixed.changed(samples=1000)
    asked = [Request(one, "47+85=", f"{n}", max_symbols=1) for one in (some,) for n in range(5)]
    texts = [sample.text for completion in zoo.decode(asked) for sample in completion.samples]
    trace = zoo.decode([Request(whole, "47+85=", "", max_symbols=1, trace=True)])[0].trace[0]
    likely = {chr(symbol): share for symbol, share in trace.candidates if share * len(texts) > 20}
    counts = [texts.count(symbol) for symbol in likely]
    rest = 1 - sum(likely.values())
    assert len(likely) >= 3
    expected = np.array([*likely.values(), rest]) * len(texts)
    assert chisquare([*counts, len(texts) - sum(counts)], expected).pvalue > 0.001


def test_one_member_a_step_is_asked_and_paid_for(zoo: Swarm) -> None:
    mixed = recipe("llama-a", "opt-g", "gpt2-c", samples=4)
    fused = mixed.changed(fusion={"rule": "product"})
    for prompt in PROMPTS[:3]:
        one, all_of_them = zoo.decode([Request(each, prompt, "an item", 8) for each in (mixed, fused)])
        assert sum(use.steps for use in one.use) == one.steps, "each step asked one"
        assert [use.steps for use in all_of_them.use] == [all_of_them.steps] * 3
        assert sum(use.rows for use in one.use) < sum(use.rows for use in all_of_them.use)
        assert 0 < one.open_steps == sum(use.steps for use in one.use[1:]) < one.steps
        follower = one.use[1]  # its tokens are bytes: one pass a step, whatever it has missed until then
        assert follower.passes <= follower.steps


def test_a_lead_that_opens_gates_is_asked_too(zoo: Swarm) -> None:
    gated = recipe("llama-a", "opt-g", thresholds=(0.0, 0.2), samples=4)
    done = zoo.decode([Request(gated, "rev tiger=", "an item", 8)])[0]
    lead, follower = done.use
    assert lead.steps == done.steps
    assert 0 < follower.steps == done.open_steps < done.steps


def test_what_was_read_for_others_changes_nothing(zoo: Swarm) -> None:
    members = [member for member in zoo.members if member.spec.name in ("llama-a", "opt-g", "gpt2-c")]
    mixed = recipe("llama-a", "opt-g", "gpt2-c", samples=4)
    fused = mixed.changed(fusion={"rule": "product"})
    asked = [Request(mixed, prompt, "an item", 8, trace=True) for prompt in PROMPTS[:3]]
    alone = Swarm(members).decode(asked)
    swarm = Swarm(members)
    swarm.decode([Request(fused, prompt, "an item", 8) for prompt in PROMPTS[:3]])
    for one, other in zip(swarm.decode(asked), alone, strict=True):
        if min(one.margin, other.margin) > SURE:
            assert (one.samples, one.use, one.open_steps) == (other.samples, other.use, other.open_steps)
            assert one.entropy == pytest.approx(other.entropy, abs=1e-4)


def test_only_where_nobody_has_to_be_heard_for_the_weights() -> None:
    mixed = recipe("llama-a", "opt-g", samples=3)
    assert mixed.draws_speaker
    assert any("draws one by weight" in line for line in mixed.words())
    others: list[dict[str, Any]] = [
        {"samples": 1},
        {"sampling_temperature": 0.7},
        {"top_k": 5},
        {"top_p": 0.9},
        {"min_p": 0.1},
        {"fusion": Fusion(rule="mixture", beta=1.0).model_dump(by_alias=True)},
        {"fusion": {"rule": "product"}},
    ]
    for other in others:
        assert not mixed.changed(**other).draws_speaker, other
    assert not recipe("llama-a", samples=3).draws_speaker
