"""Fusion rules as pure functions: what holds for every rule, each rule by its formula, and the corners."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from evoswarm.decoding.step import fusion
from evoswarm.decoding.step.fusion import prepare
from evoswarm.decoding.text.alphabet import FLOOR
from evoswarm.fusion import RULES, AnswerSoFar, parameters_of
from evoswarm.fusion.speakers import argmax_and_margin
from evoswarm.policies.mix import Fusion, Recipe, RecipeMember
from tests import oracle
from tests.decoding.recipes import parameters, spec

Situation = dict[str, Any]

SYMBOLS = 7
few = settings(max_examples=40, deadline=None, derandomize=True)


def rows(*probabilities: Sequence[float]) -> Tensor:
    """``[speakers, 1, symbols]`` floored log-probabilities."""
    return torch.tensor(probabilities, dtype=torch.float32).clamp_min(FLOOR).log()[:, None]


def speak(
    log_probs: Tensor,
    *,
    present: Sequence[bool] | None = None,
    allowed: Sequence[bool] | None = None,
    weights: Sequence[float] | None = None,
    temperatures: Sequence[float] | None = None,
    lead: int = 0,
    **parameters: float,
) -> fusion.Heard:
    """One stream with everything at its default."""
    count, streams, symbols = log_probs.shape
    ones = torch.ones(count, streams)
    values = {name: parameters.pop(name, one.default) for name, one in parameters_of(RULES).items()}
    assert not parameters
    return prepare(
        log_probs,
        torch.ones(count, streams, dtype=torch.bool) if present is None else torch.tensor(present)[:, None],
        fusion.limits_of(
            torch.ones(streams, symbols, dtype=torch.bool) if allowed is None else torch.tensor([allowed])
        ),
        weights=ones if weights is None else torch.tensor(weights)[:, None],
        temperatures=ones if temperatures is None else torch.tensor(temperatures)[:, None],
        lead=torch.full((streams,), lead),
        parameters={name: torch.full((streams,), value) for name, value in values.items()},
        place=AnswerSoFar(torch.zeros(streams), torch.zeros(streams, dtype=torch.int8), torch.zeros(count, streams)),
    )


def fuse(rule: str, speakers: fusion.Heard) -> Tensor:
    return fusion.fuse(RULES[rule], speakers)


def margins(rule: str, speakers: fusion.Heard, margin: Tensor) -> Tensor:
    return fusion.decision_margin(RULES[rule], speakers, margin)


def top_margin(scores: Tensor) -> Tensor:
    return argmax_and_margin(scores)[1]


def fused(rule: str, log_probs: Tensor, **fields: Any) -> list[float]:
    probabilities: list[float] = fuse(rule, speak(log_probs, **fields))[0].exp().tolist()
    return probabilities


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Two to four speakers on seven symbols, some of them forbidden, with every parameter drawn."""
    count = draw(st.integers(2, 4))
    allowed = draw(st.lists(st.booleans(), min_size=SYMBOLS, max_size=SYMBOLS).filter(lambda ok: sum(ok) > 1))
    mass = st.sampled_from([0.0, 1e-9, 0.01, 0.2, 1.0, 5.0])
    raw = draw(
        st.lists(st.lists(mass, min_size=SYMBOLS, max_size=SYMBOLS), min_size=count, max_size=count).filter(
            lambda drawn: all(sum(p for p, ok in zip(row, allowed, strict=True) if ok) > 0 for row in drawn)
        )
    )
    masked = [[p if ok else 0.0 for p, ok in zip(row, allowed, strict=True)] for row in raw]
    return {
        "rows": [[p / sum(row) for p in row] for row in masked],
        "allowed": allowed,
        "weights": draw(st.lists(st.floats(0.1, 3.0), min_size=count, max_size=count)),
        "temperatures": draw(st.lists(st.sampled_from([0.5, 1.0, 2.0]), min_size=count, max_size=count)),
        "lead": draw(st.integers(0, count - 1)),
        "parameters": draw(parameters(parameters_of(RULES))),
    }


def as_tensors(case: Situation) -> tuple[Tensor, dict[str, Any]]:
    log_probs = torch.where(torch.tensor(case["allowed"]), rows(*case["rows"]), -torch.inf)
    given = {k: case[k] for k in ("allowed", "weights", "temperatures", "lead")}
    return log_probs, {**given, **case["parameters"]}


@pytest.mark.parametrize("rule", RULES)
@few
@given(case=situations())
def test_a_fused_distribution_sums_to_one_on_the_allowed_symbols(rule: str, case: Situation) -> None:
    log_probs, fields = as_tensors(case)
    out = fuse(rule, speak(log_probs, **fields))[0]
    assert not out.isnan().any()
    assert out.exp().sum().item() == pytest.approx(1.0, abs=1e-5)
    assert (out.isneginf() | torch.tensor(case["allowed"])).all()
    if rule != "contrast":
        assert (out.isfinite() == torch.tensor(case["allowed"])).all()


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_agrees_with_the_oracle(rule: str) -> None:
    agrees_with_the_oracle(rule)


def agrees_with_the_oracle(rule: str) -> None:
    """In all cases that no rounding can turn; more than a quarter are (many draws tie)."""
    sure: list[bool] = []

    @few
    @given(case=situations())
    def compare(case: Situation) -> None:
        got, want, margin = by_both(rule, case)
        sure.append(margin > 1e-4)
        assert margin <= 1e-4 or (got.exp() - want.exp()).abs().max() < 1e-5

    compare()
    assert sum(sure) > len(sure) / 4


def by_both(rule: str, case: Situation) -> tuple[Tensor, Tensor, float]:
    """A case by the rule and by the oracle, and the rule's margin."""
    log_probs, fields = as_tensors(case)
    members = tuple(
        RecipeMember(spec=spec(f"m{number}"), weight=weight, temperature=temperature)
        for number, (weight, temperature) in enumerate(zip(case["weights"], case["temperatures"], strict=True))
    )
    shape = Fusion(rule=rule, **case["parameters"])
    recipe = Recipe(members=members, lead=f"m{case['lead']}", fusion=shape)
    spoken = {number: row[0].double().tolist() for number, row in enumerate(log_probs)}
    want = torch.tensor(oracle.fuse(recipe, spoken, case["lead"], case["allowed"]), dtype=torch.float64)
    fields |= recipe.fusion.parameters
    fields["weights"] = [member.weight for member in recipe.members]
    fields["temperatures"] = [member.temperature for member in recipe.members]
    got = fuse(rule, speak(log_probs, **fields))[0].double()
    margin = margins(rule, speak(log_probs, **fields), top_margin(got[None])).item()
    return got, want, margin


@pytest.mark.parametrize("rule", RULES)
@few
@given(case=situations(), data=st.data())
def test_a_speaker_who_is_absent_changes_nothing(rule: str, case: Situation, data: st.DataObject) -> None:
    """Whatever its row holds: it may be padding that forbids what is allowed here."""
    log_probs, fields = as_tensors(case)
    junk = data.draw(st.sampled_from([-math.inf, 0.0, -50.0]))
    before = fuse(rule, speak(log_probs, **fields))
    more = torch.cat([log_probs, torch.full_like(log_probs[:1], junk)])
    widened = {**fields, "weights": [*case["weights"], 1.0], "temperatures": [*case["temperatures"], 1.0]}
    speakers = speak(more, present=[*[True] * len(case["rows"]), False], **widened)
    assert torch.equal(fuse(rule, speakers), before)
    assert not margins(rule, speakers, top_margin(before)).isnan().any()


@pytest.mark.parametrize("alpha", [-1e30, -1e9, 1e9, 1e30])
def test_what_overflows_where_nothing_may_follow_is_not_chosen(alpha: float) -> None:
    log_probs = rows((0.7, 0.1, 0.2), (0.2, 0.1, 0.7), (0.3, 0.4, 0.3))
    speakers = speak(log_probs, present=[True, True, False], allowed=[True, False, True], alpha=alpha)
    for scores in (fusion.fuse_scores(RULES["power"], speakers), fuse("power", speakers)):
        assert scores[0].isneginf().tolist() == [False, True, False]
        assert not scores.isnan().any()


@pytest.mark.parametrize("rule", RULES)
@few
@given(case=situations())
def test_one_speaker_is_that_speaker(rule: str, case: Situation) -> None:
    log_probs, fields = as_tensors(case)
    present = [number == case["lead"] for number in range(len(case["rows"]))]
    tempered = log_probs[case["lead"]] / case["temperatures"][case["lead"]]
    got = fuse(rule, speak(log_probs, present=present, **fields))
    assert torch.allclose(got.exp(), torch.softmax(tempered, -1), atol=1e-6)


@pytest.mark.parametrize("rule", RULES)
def test_the_order_of_speakers_does_not_matter(rule: str) -> None:
    compared: list[bool] = []
    few(given(case=situations(), data=st.data())(lambda case, data: compared.append(in_any_order(rule, case, data))))()
    assert sum(compared) >= 0.25 * len(compared) > 0  # speakers of few symbols often tie


def in_any_order(rule: str, case: Situation, data: st.DataObject) -> bool:
    """Whether the choice is sure; then the distribution is the same in another order."""
    log_probs, fields = as_tensors(case)
    order = data.draw(st.permutations(range(len(case["rows"]))))
    moved = {**fields, "lead": order.index(case["lead"])}
    moved["weights"], moved["temperatures"] = (
        [case[name][number] for number in order] for name in ("weights", "temperatures")
    )
    speakers = speak(log_probs, **fields)
    one, other = fuse(rule, speakers), fuse(rule, speak(log_probs[list(order)], **moved))
    sure = margins(rule, speakers, top_margin(one)).item() > 1e-4
    assert not sure or (one.exp() - other.exp()).abs().max() < 1e-5
    return sure


def test_streams_of_one_batch_do_not_touch_each_other() -> None:
    torch.manual_seed(0)
    log_probs = torch.log_softmax(2 * torch.randn(3, 5, SYMBOLS), -1)
    together = {rule: fuse(rule, speak(log_probs, alpha=2.0, beta=0.5, contrast=0.4)) for rule in RULES}
    for stream in range(5):
        for rule in RULES:
            alone = fuse(rule, speak(log_probs[:, [stream]], alpha=2.0, beta=0.5, contrast=0.4))
            assert torch.equal(alone[0], together[rule][stream])


A, B = (0.7, 0.2, 0.1), (0.1, 0.3, 0.6)


def test_mixture_by_hand() -> None:
    assert fused("mixture", rows(A, B), weights=[3.0, 1.0]) == pytest.approx([0.55, 0.225, 0.225], abs=1e-6)


def test_product_by_hand() -> None:
    raw = [a**0.75 * b**0.25 for a, b in zip(A, B, strict=True)]
    want = [value / sum(raw) for value in raw]
    assert fused("product", rows(A, B), weights=[3.0, 1.0]) == pytest.approx(want, abs=1e-6)


@pytest.mark.parametrize("alpha", [-2.0, -0.5, 0.5, 2.0, 8.0])
def test_power_by_hand(alpha: float) -> None:
    raw = [(0.75 * a**alpha + 0.25 * b**alpha) ** (1 / alpha) for a, b in zip(A, B, strict=True)]
    want = [value / sum(raw) for value in raw]
    assert fused("power", rows(A, B), weights=[3.0, 1.0], alpha=alpha) == pytest.approx(want, abs=1e-5)


def test_power_contains_mixture_product_and_the_extremes() -> None:
    spoken, weights = rows(A, B), [3.0, 1.0]
    assert fused("power", spoken, weights=weights, alpha=1.0) == fused("mixture", spoken, weights=weights)
    for nearly in (0.0, 9e-4, -9e-4):
        assert fused("power", spoken, weights=weights, alpha=nearly) == fused("product", spoken, weights=weights)
    assert fused("power", spoken, weights=weights, alpha=1.1e-3) == pytest.approx(
        fused("product", spoken, weights=weights), abs=1e-3
    )
    highest, lowest = [0.7, 0.3, 0.6], [0.1, 0.2, 0.1]
    assert fused("power", spoken, alpha=math.inf) == pytest.approx([p / 1.6 for p in highest], abs=1e-6)
    assert fused("power", spoken, alpha=-math.inf) == pytest.approx([p / 0.4 for p in lowest], abs=1e-6)
    assert fused("power", spoken, alpha=60.0) == pytest.approx([p / 1.6 for p in highest], abs=0.02)


@pytest.mark.parametrize("rule", ["mixture", "product", "power", "vote"])
def test_a_weight_near_zero_is_nearly_absence(rule: str) -> None:
    assert fused(rule, rows(A, B), weights=[1.0, 1e-9], alpha=0.7) == pytest.approx(
        fused(rule, rows(A, B), present=[True, False], alpha=0.7) if rule != "vote" else [1.0, 0.0, 0.0], abs=1e-5
    )


def test_most_confident_takes_the_least_entropy_then_the_lead_then_the_pool() -> None:
    sure, unsure = (0.9, 0.05, 0.05), (0.4, 0.3, 0.3)
    mirrored = (0.05, 0.05, 0.9)
    assert fused("most_confident", rows(unsure, sure)) == pytest.approx(sure, abs=1e-6)
    assert fused("most_confident", rows(unsure, sure, mirrored), lead=2) == pytest.approx(mirrored, abs=1e-6)
    assert fused("most_confident", rows(unsure, sure, mirrored), lead=0) == pytest.approx(sure, abs=1e-6)
    assert fused("most_confident", rows(A, sure), temperatures=[0.1, 1.0])[0] > 0.99, "tempered entropy decides"


def test_vote_counts_weights_and_leaves_a_tie_to_the_lead() -> None:
    first, second, third = (0.6, 0.3, 0.1), (0.1, 0.8, 0.1), (0.2, 0.1, 0.7)
    assert fused("vote", rows(first, second, third), weights=[1.0, 1.0, 2.5])[2] == pytest.approx(2.5 / 4.5, abs=1e-4)
    tie = fused("vote", rows(first, second), weights=[1.0, 1.0], lead=0)
    assert tie.index(max(tie)) == 0
    tie = fused("vote", rows(first, second), weights=[1.0, 1.0], lead=1)
    assert tie.index(max(tie)) == 1
    between = fused("vote", rows(first, second, third), weights=[1.0, 1.0, 1.0 - 1e-7], lead=2)
    assert between.index(max(between)) == 2, "weights within 1e-6 tie"
    clear = fused("vote", rows(first, second, third), weights=[1.0, 1.01, 1.0], lead=0)
    assert clear.index(max(clear)) == 1
    ranked = fused("vote", rows((0.1, 0.2, 0.7, 0.0), (*second, 0.0), (0.9, 0.1, 0.0, 0.0)), weights=[0.2, 0.4, 0.4])
    assert ranked.index(max(ranked)) == 1, "the lead gives more to the second of the tied"


def test_contrast_by_hand_on_plausible_symbols_only() -> None:
    lead, other, third = (0.5, 0.45, 0.05 - 1e-3, 1e-3), (0.6, 0.1, 0.2, 0.1), (0.2, 0.2, 0.3, 0.3)
    out = fused("contrast", rows(lead, other, third), weights=[9.0, 3.0, 1.0], contrast=0.5)
    scores = [1.5 * math.log(lead[s]) - 0.5 * (0.75 * math.log(other[s]) + 0.25 * math.log(third[s])) for s in range(2)]
    total = sum(map(math.exp, scores))
    assert out == pytest.approx([math.exp(scores[0]) / total, math.exp(scores[1]) / total, 0.0, 0.0], abs=1e-5)


def test_contrast_without_a_lead_is_the_mixture_of_the_others() -> None:
    spoken = rows((1 / 3,) * 3, A, B)
    others = fused("mixture", rows(A, B), weights=[3.0, 1.0])
    assert fused(
        "contrast", spoken, weights=[5.0, 3.0, 1.0], present=[False, True, True], contrast=0.5
    ) == pytest.approx(others, abs=1e-6)


def test_sharpening_weighs_by_tempered_entropy() -> None:
    sure, unsure = (0.98, 0.01, 0.01), (0.3, 0.4, 0.3)
    nats = [-sum(p * math.log(p) for p in row) for row in (sure, unsure)]
    raw = [math.exp(-2.0 * h) for h in nats]
    share = raw[0] / sum(raw)
    want = [share * a + (1 - share) * b for a, b in zip(sure, unsure, strict=True)]
    assert fused("mixture", rows(sure, unsure), beta=2.0) == pytest.approx(want, abs=1e-6)


def test_zero_mass_is_floored_not_infinite() -> None:
    certain, opposite = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)
    for rule in RULES:
        out = fused(rule, rows(certain, opposite), alpha=-1.0, contrast=1.0)
        assert all(math.isfinite(p) for p in out)
        assert sum(out) == pytest.approx(1.0, abs=1e-5)
    assert fused("product", rows(certain, opposite)) == pytest.approx([0.5, 0.5, 0.0], abs=1e-5)


def test_margins_see_what_is_chosen_inside_a_rule() -> None:
    near = rows((0.6, 0.4 - 1e-7, 1e-7), (0.4 - 1e-7, 0.6, 1e-7))
    speakers = speak(near)
    assert margins("most_confident", speakers, top_margin(torch.tensor([[0.0, -5.0, -9.0]]))).item() < 1e-5
    speakers = speak(rows((0.50001, 0.49999), (0.9, 0.1)))
    assert margins("vote", speakers, top_margin(torch.tensor([[0.0, -5.0]]))).item() < 1e-4
    speakers = speak(rows((0.9, 0.0900001, 0.0099999), (0.2, 0.4, 0.4)), contrast=0.3)
    assert margins("contrast", speakers, top_margin(torch.tensor([[0.0, -5.0, -9.0]]))).item() < 1e-4
    speakers = speak(rows(A, B))
    assert margins("mixture", speakers, top_margin(torch.tensor([[0.0, -1.5, -9.0]]))).item() == pytest.approx(1.5)


def test_ties_go_to_the_lowest_symbol() -> None:
    scores = torch.tensor([[0.1, 0.4, 0.4], [0.2, 0.2, 0.2], [-math.inf, -1.0, -1.0]])
    assert argmax_and_margin(scores)[0].tolist() == scores.argmax(-1).tolist() == [1, 0, 1]
