"""Many recipes together decode as each alone, and as the oracle decodes them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evoswarm.decoding.request import Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.fusion import RULES
from evoswarm.policies.mix import Fusion
from tests import oracle as judge
from tests.decoding.recipes import ONE_TOKENIZER, PROMPTS, SURE, recipe, recipes
from tests.oracle_member import OracleMember

CONTEXT = {"own_margin": 0.8, "agreement": -0.6, "lead_position": 0.4, "lead_number": -1.2, "gate_margin": 0.5}
CONTEXT |= {"gate_inside": -0.3}
POOL = ("llama-a", "gpt2-c", "mamba-b", "mistral-h", "qwen3-d", "opt-g")
few = settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def requests(population: Any, prompts: Any, max_bytes: Any = 8) -> Any:
    return [Request(one, prompt, f"item {prompt}", max_bytes) for one in population for prompt in prompts]


def sure(*completions: Any) -> Any:
    return min(one.margin for one in completions) > SURE


@pytest.mark.parametrize(("pool", "alphabet"), [(POOL, "bytes"), (POOL, "common"), (ONE_TOKENIZER, "tokens")])
@few
@given(data=st.data())
def test_a_population_decodes_as_each_recipe_alone(zoo: Swarm, pool: Any, alphabet: str, data: Any) -> None:
    population = data.draw(st.lists(recipes(pool, alphabet), min_size=4, max_size=6))
    members = [member for member in zoo.members if member.spec.name in pool]
    asked = requests(population, PROMPTS[:2])
    together = Swarm(members).decode(asked)
    compared = 0
    for request, one in zip(asked, together, strict=True):
        alone = Swarm(members).decode([request])[0]
        assert one.failure is None
        if sure(one, alone):
            compared += 1
            assert one.samples == alone.samples
            assert one.use == alone.use
            assert (one.steps, one.open_steps, one.lead_tokens) == (alone.steps, alone.open_steps, alone.lead_tokens)
            assert one.margin == pytest.approx(alone.margin, abs=1e-3)
            assert one.left_out == pytest.approx(alone.left_out, abs=1e-4)
            assert one.entropy == pytest.approx(alone.entropy, abs=1e-4)
    assert compared >= len(asked) // 2


@few
@given(population=st.lists(recipes(POOL), min_size=3, max_size=5), seed=st.integers(0, 99))
def test_order_and_repetition_do_not_matter(zoo: Swarm, population: Any, seed: int) -> None:
    members = [member for member in zoo.members if member.spec.name in POOL]
    asked = requests(population, PROMPTS[2:4])
    swarm = Swarm(members)
    first = swarm.decode(asked)
    before = swarm.counters.rows_forwarded
    assert swarm.decode(asked) == first, "from memory: the same to the last bit"
    assert swarm.counters.rows_forwarded == before
    order = random.Random(seed).sample(range(len(asked)), len(asked))
    shuffled = Swarm(members).decode([asked[index] for index in order])
    compared = 0
    for index, other in zip(order, shuffled, strict=True):
        if sure(first[index], other):
            compared += 1
            assert (first[index].samples, first[index].use) == (other.samples, other.use)
    assert compared >= len(asked) // 2


@pytest.mark.parametrize(("pool", "alphabet"), [(POOL, "bytes"), (POOL, "common"), (ONE_TOKENIZER, "tokens")])
def test_random_recipes_decode_as_the_oracle_says(
    zoo: Swarm, oracle: Callable[[str], OracleMember], pool: Any, alphabet: Any
) -> None:
    compared = []
    swarm = Swarm([member for member in zoo.members if member.spec.name in pool])

    @settings(few, max_examples=25)
    @given(one=recipes(pool, alphabet), prompt=st.sampled_from(PROMPTS))
    def agrees(one: Any, prompt: Any) -> None:
        compared.append(agrees_with_the_oracle(swarm, oracle, one, prompt))

    agrees()
    assert sum(compared) >= 0.8 * len(compared) >= 20


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("samples", "alphabet"), [(1, "bytes"), (2, "bytes"), (1, "common"), (2, "common")])
def test_every_rule_decodes_as_the_oracle_says(
    zoo: Swarm, oracle: Callable[[str], OracleMember], rule: str, samples: int, alphabet: Any
) -> None:
    one = recipe(
        *("mamba-b", "gpt2-c", "mistral-h"),
        weights=(1.0, 2.0, 0.7),
        temperatures=(0.8, 1.4, 1.0),
        thresholds=(0.0, 0.1, 0.6),
        fusion=Fusion(rule=rule, alpha=-0.7, beta=0.6, contrast=0.4, gamma=0.7, decay=0.9, **CONTEXT),
        samples=samples,
        sampling_temperature=0.9,
        alphabet=alphabet,
    )
    compared = [agrees_with_the_oracle(zoo, oracle, one, prompt) for prompt in PROMPTS[:3]]
    assert any(compared)


@pytest.mark.parametrize("gate", ["low_entropy", "random"])
@pytest.mark.parametrize("samples", [1, 3])
def test_every_gate_decodes_as_the_oracle_says(
    zoo: Swarm, oracle: Callable[[str], OracleMember], gate: Any, samples: int
) -> None:
    thresholds = (0.0, 0.3, 0.7)
    one = recipe("mamba-b", "gpt2-c", "mistral-h", thresholds=thresholds, gate=gate, samples=samples, noise_seed=4)
    compared = [agrees_with_the_oracle(zoo, oracle, one, prompt) for prompt in PROMPTS[:4]]
    assert any(compared)


def agrees_with_the_oracle(zoo: Any, oracle: Any, one: Any, prompt: Any, max_bytes: Any = 6) -> bool:
    done = zoo.decode([Request(one, prompt, "an item", max_bytes)])[0]
    members = [oracle(member.spec.name) for member in one.members]
    said = [judge.decode(one, members, prompt, "an item", max_bytes, sample) for sample in range(one.samples)]
    margin = min(answer.margin for answer in said)
    if min(margin, done.margin) <= SURE:
        return False
    assert [sample.text for sample in done.samples] == [answer.text for answer in said]
    entropies = [nats for answer in said for nats in answer.entropies]
    assert done.entropy == pytest.approx(math.fsum(entropies) / max(1, len(entropies)), abs=1e-4)
    return True


def test_a_key_decides_the_noise_and_samples_differ(zoo: Swarm) -> None:
    loud = recipe("llama-a", "opt-g", samples=6, sampling_temperature=3.0)
    one, same, other = zoo.decode([Request(loud, "47+85=", key, 6) for key in ("a", "a", "b")])
    assert one == same
    assert [s.text for s in one.samples] != [s.text for s in other.samples]
    assert len({sample.text for sample in one.samples}) > 1


def test_recipes_that_agree_stay_together(zoo: Swarm) -> None:
    """The same noise for the same item: nearly equal recipes draw the same answers."""
    pairs = [recipe("llama-a", "opt-g", weights=(1.0, w), samples=8, sampling_temperature=1.5) for w in (0.2, 0.2001)]
    one, other = zoo.decode([Request(pair, "47+85=", "k", 4) for pair in pairs])
    assert sum(a.text == b.text for a, b in zip(one.samples, other.samples, strict=True)) >= 7


def test_unfinished_requests_time_out_when_told_to_stop(zoo: Swarm) -> None:
    turns = iter([False, True])
    asked = requests([recipe("llama-a", "neox-e")], ["47+85= and on", "13+2= and on"], max_bytes=30)
    done = Swarm(zoo.members).decode(asked, stop_after=lambda: next(turns))
    assert [one.failure.kind for one in done] == ["time_out"] * 2
