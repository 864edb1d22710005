"""Recipes that must decode alike: copies, permutations, silence, gates at their ends."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evoswarm.decoding.member import load_member
from evoswarm.decoding.request import Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.fusion import RULES
from evoswarm.policies.mix import Fusion, Recipe, RecipeMember
from evoswarm.zoo.catalogue import member_path
from tests.decoding.recipes import PROMPTS, SURE, fusions, recipe, recipes, spec

few = settings(max_examples=15, deadline=None, derandomize=True)
POOL = ("llama-a", "mamba-b", "mistral-h", "gemma3-f")
COPIES = ("one", "two")


@pytest.fixture(scope="module")
def copies(zoo: Swarm) -> Any:
    """A swarm with two members that are one model."""
    path = str(member_path("llama-a"))
    return Swarm([load_member(spec(name, path=path), 4096) for name in COPIES])


def decoded(swarm: Any, *recipes: Any, prompts: Any = PROMPTS, max_bytes: Any = 10) -> Any:
    """Completions per recipe."""
    done = swarm.decode([Request(one, prompt, f"key of {prompt}", max_bytes) for one in recipes for prompt in prompts])
    assert all(one.failure is None for one in done)
    return [done[start : start + len(prompts)] for start in range(0, len(done), len(prompts))]


def assert_same(ours: Any, theirs: Any, least: Any = 3, sure_of: Any = SURE) -> Any:
    """Texts are equal wherever no decision hangs on rounding, nearly everywhere; gives the pairs that were compared."""
    sure = [(a, b) for a, b in zip(ours, theirs, strict=True) if min(a.margin, b.margin) >= sure_of]
    assert len(sure) >= least
    for one, other in sure:
        assert [sample.text for sample in one.samples] == [sample.text for sample in other.samples]
    return sure


def of_copies(names: Any, temperature: Any, **fields: Any) -> Any:
    path = str(member_path("llama-a"))
    weights = fields.pop("weights", (1.0,) * len(names))
    members = tuple(
        RecipeMember(spec=spec(name, path=path), weight=weight, temperature=temperature)
        for name, weight in zip(names, weights, strict=True)
    )
    return Recipe(members=members, lead=names[0], **fields)


@few
@given(
    fusion=fusions(),
    weights=st.tuples(st.floats(0.01, 9.0), st.floats(0.01, 9.0)),
    temperature=st.sampled_from([0.5, 1.0, 2.0]),
)
def test_two_copies_are_the_member_itself(copies: Any, fusion: Any, weights: Any, temperature: float) -> None:
    """Greedily by every rule: contrast and vote too keep the favourite, though not the distribution around it."""
    both = of_copies(COPIES, temperature, weights=weights, fusion=fusion)
    inner_ties = fusion.rule == "most_confident"  # copies tie in entropy: the margin says so, the text must not
    assert_same(*decoded(copies, both, of_copies(("one",), temperature)), sure_of=0.0 if inner_ties else SURE)  # type: ignore[misc]


@few
@given(
    fusion=fusions([rule for rule in RULES if rule not in ("vote", "contrast")]),
    weights=st.tuples(st.floats(0.01, 9.0), st.floats(0.01, 9.0)),
    temperature=st.sampled_from([0.5, 1.0, 2.0]),
)
def test_two_copies_are_the_member_itself_when_sampled(
    copies: Any, fusion: Any, weights: Any, temperature: float
) -> None:
    sampled = {"samples": 3, "sampling_temperature": 1.3}
    both = of_copies(COPIES, temperature, weights=weights, fusion=fusion, **sampled)
    ours, theirs = decoded(copies, both, of_copies(("one",), temperature, **sampled))
    inner_ties = fusion.rule == "most_confident"
    for one, other in assert_same(ours, theirs, sure_of=0.0 if inner_ties else SURE):
        inside = fusion.parameters["agreement"] != 0  # whom members agree with is a decision, too
        assert inner_ties or one.margin <= other.margin + 1e-3
        assert inner_ties or inside or one.margin == pytest.approx(other.margin, abs=1e-3)


@few
@given(one=recipes(POOL), data=st.data())
def test_the_order_of_members_does_not_matter(zoo: Swarm, one: Any, data: Any) -> None:
    order = data.draw(st.permutations(range(len(one.members))))
    other = one.model_copy(update={"members": tuple(one.members[index] for index in order)})
    ours, theirs = decoded(zoo, one, other, prompts=PROMPTS[:3])
    for a, b in assert_same(ours, theirs, least=1):
        assert {use.name: use for use in a.use} == {use.name: use for use in b.use}


@few
@given(one=recipes(POOL[:3], gates=["entropy"]), threshold=st.sampled_from([20.0, 1e6]))
def test_a_silent_member_is_absent(zoo: Swarm, one: Any, threshold: Any) -> None:
    """No entropy over 257 symbols reaches 6 nats."""
    silent = RecipeMember(spec=spec("gemma3-f"), weight=2.0, temperature=0.7, threshold=threshold)
    with_it = one.model_copy(update={"members": (*one.members, silent)})
    ours, theirs = decoded(zoo, with_it, one, prompts=PROMPTS[:3])
    for a, b in zip(ours, theirs, strict=True):
        assert (a.use[-1].tokens, a.use[-1].passes, a.use[-1].steps) == (0, 0, 0)
        assert a.use[:-1] == b.use
    assert all(a.samples == b.samples for a, b in assert_same(ours, theirs, least=1))


@pytest.mark.parametrize("rule", RULES)
def test_a_gate_that_never_opens_is_the_lead_alone(zoo: Swarm, rule: str) -> None:
    fusion = Fusion(rule=rule, alpha=math.inf, contrast=0.5)
    gated = recipe("mamba-b", "llama-a", "opt-g", thresholds=(0, 99, 99), fusion=fusion)
    ours, theirs = decoded(zoo, gated, recipe("mamba-b"))
    assert [one.samples for one in ours] == [one.samples for one in theirs]
    assert all(one.open_steps == 0 and one.open_share == 0.0 for one in ours)


@pytest.mark.parametrize("rule", RULES)
def test_threshold_zero_is_always_on(zoo: Swarm, rule: str) -> None:
    fusion = Fusion(rule=rule, alpha=2.0, contrast=0.5)
    always = recipe("mamba-b", "llama-a", "opt-g", fusion=fusion)
    nearly = recipe("mamba-b", "llama-a", "opt-g", thresholds=(0, 1e-30, 1e-30), fusion=fusion)
    ours, theirs = decoded(zoo, always, nearly)
    assert [one.samples for one in ours] == [one.samples for one in theirs]
    for one in ours:
        assert one.open_steps == one.steps
        assert [use.steps for use in one.use] == [one.steps] * 3


def test_a_gate_in_between_opens_at_some_steps(zoo: Swarm) -> None:
    halves = [recipe("mamba-b", "llama-a", thresholds=(0, nats)) for nats in (0.2, 1.0, 2.0)]
    shares = [sum(one.open_steps for one in done) for done in decoded(zoo, *halves)]
    assert shares[0] >= shares[1] >= shares[2]
    steps = sum(one.steps for one in decoded(zoo, halves[0])[0])
    assert 0 < shares[0] < steps, "or the gate would never have had to decide"


def test_a_follower_counts_only_where_the_lead_is_unsure(zoo: Swarm) -> None:
    traced = recipe("mamba-b", "gemma3-f", thresholds=(0, 0.4))
    for done in zoo.decode([Request(traced, prompt, max_bytes=8, trace=True) for prompt in PROMPTS]):
        for step in done.trace:
            assert step.speakers == (("mamba-b", "gemma3-f") if step.entropy >= 0.4 else ("mamba-b",))
            assert math.fsum(share for _, share in step.candidates) <= 1.0 + 1e-5
