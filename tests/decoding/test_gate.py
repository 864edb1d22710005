"""Who speaks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from evoswarm.decoding.request import Request
from evoswarm.decoding.step.gate import speakers
from evoswarm.decoding.step.noise import noise_key, uniform
from evoswarm.decoding.swarm import Swarm
from tests.decoding.recipes import PROMPTS, recipe

NO = np.zeros(1, dtype=bool)
YES = ~NO


def test_members_speak_from_their_threshold_on_and_the_lead_always() -> None:
    nats = np.array([0.0, 0.7, 0.7, 2.0])
    thresholds = np.array([[0.0] * 4, [0.7, 0.7, 0.70001, 0.7], [math.inf] * 4]).T
    opened = speakers(nats, thresholds, NO.repeat(4), NO.repeat(4))
    assert opened.T.tolist() == [[True] * 4, [False, True, False, True], [False] * 4]


def test_low_gates_are_open_up_to_their_threshold_and_zero_is_always() -> None:
    nats = np.array([0.0, 0.7, 0.7, 2.0])
    thresholds = np.array([[0.0] * 4, [0.7, 0.7, 0.69999, 0.7], [math.inf] * 4]).T
    opened = speakers(nats, thresholds, YES.repeat(4), NO.repeat(4))
    assert opened.T.tolist() == [[True] * 4, [True, True, False, False], [False] * 4]
    mixed = speakers(nats, thresholds, np.array([True, False, True, False]), NO.repeat(4))
    assert mixed.T.tolist() == [[True] * 4, [True, True, False, True], [False] * 4]


def test_zero_is_always_also_where_context_takes_more_than_there_is() -> None:
    assert speakers(np.array([-1.0]), np.array([[0.0, 0.5]]), NO, NO).tolist() == [[True, False]]


@pytest.mark.parametrize("low", [NO, YES])
def test_a_lead_without_mass_opens_every_gate_that_is_there(low: Any) -> None:
    thresholds = np.array([[0.0, 9.0, math.inf]])
    assert speakers(np.array([10.0 * low[0]]), thresholds, low, YES).tolist() == [[True, True, False]]


def opened(zoo: Any, one: Any, samples: Any = 1) -> Any:
    """Per step of the first sample whether the follower spoke; completions as well."""
    asked = [Request(one, prompt, f"key {number}", 12, trace=True) for number in range(30) for prompt in PROMPTS]
    done = zoo.decode(asked)
    return done, [(step.entropy, len(step.speakers) == 2) for completion in done for step in completion.trace]


def test_the_low_gate_opens_exactly_where_the_other_one_is_shut(zoo: Swarm) -> None:
    """The follower weighs next to nothing, so that both decode the same text."""
    pair = {"lead": "mamba-b", "weights": (1.0, 1e-6), "thresholds": (0.0, 0.4)}
    _, high = opened(zoo, recipe("mamba-b", "llama-a", **pair))  # type: ignore[arg-type]
    _, low = opened(zoo, recipe("mamba-b", "llama-a", **pair, gate="low_entropy"))  # type: ignore[arg-type]
    assert [nats for nats, _ in high] == [nats for nats, _ in low]
    assert [is_open for _, is_open in low] == [not is_open for _, is_open in high]
    assert [is_open for _, is_open in low] == [nats < 0.4 for nats, _ in low]
    assert 0.1 < sum(is_open for _, is_open in low) / len(low) < 0.9


@pytest.mark.parametrize("alphabet", ["bytes", "tokens"])
@pytest.mark.parametrize("share", [0.0, 0.25, 0.7, 1.0])
def test_a_random_gate_opens_at_its_share(zoo: Swarm, share: float, alphabet: str) -> None:
    lent = type(zoo)([one for one in zoo.members if one.spec.name in ("llama-a", "mamba-b")])
    one = recipe("llama-a", "mamba-b", thresholds=(0.0, 1 - share), gate="random", alphabet=alphabet)
    done, steps = opened(lent, one)
    realised = sum(is_open for _, is_open in steps) / len(steps)
    assert realised == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / len(steps)))
    assert sum(completion.open_steps for completion in done) == sum(is_open for _, is_open in steps)


def test_one_draw_opens_for_all_followers_and_belongs_to_item_and_step(zoo: Swarm) -> None:
    both = recipe("llama-a", "mamba-b", "opt-g", thresholds=(0.0, 0.6, 0.8), gate="random")
    done = zoo.decode([Request(both, prompt, key, 12, trace=True) for key in ("a", "b", "a") for prompt in PROMPTS])
    third = len(PROMPTS)
    assert done[:third] == done[2 * third :]
    patterns = [[step.speakers for step in one.trace] for one in done]
    assert patterns[:third] != patterns[third : 2 * third]
    everyone = {names for pattern in patterns for names in pattern}
    assert everyone == {("llama-a",), ("llama-a", "mamba-b"), ("llama-a", "mamba-b", "opt-g")}, "never opt-g without"


def test_the_margin_of_a_random_gate_is_that_of_the_draw(zoo: Swarm) -> None:
    """A gate that never opens leaves the lead alone with its margin, and adds how far the draws were from 1."""
    shut = recipe("llama-a", "mamba-b", thresholds=(0.0, 1.0), gate="random")
    for prompt in PROMPTS:
        one, alone = (zoo.decode([Request(r, prompt, "k", 12)])[0] for r in (shut, recipe("llama-a")))
        assert one.samples == alone.samples
        draws = uniform(np.full(one.steps, noise_key(0, "k", 0), np.uint64), np.arange(one.steps))
        assert one.margin == pytest.approx(min(alone.margin, 1 - draws.max()))
