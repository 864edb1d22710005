"""The cost vector, by hand."""

from __future__ import annotations

import pytest

from evoswarm.decoding.request import MemberShape, MemberUse
from evoswarm.evaluation.cost import Cost, CostTable, MemberCost, cost_of, flops

SHAPE = MemberShape(
    active_parameters=1000, output_parameters=300, parameters=1500, parameter_bytes=6000, attention_width=64
)
USE = MemberUse("a", prompt_tokens=3, tokens=5, passes=2, rows=3, context=15, steps=4)


def test_flops_count_layers_per_token_attention_by_context_and_output_rows_only_where_needed() -> None:
    assert flops(USE, SHAPE) == 2 * 1000 * 5 + 4 * 64 * 15 + 2 * 300 * 3


def test_input_embeddings_cost_nothing() -> None:
    assert flops(MemberUse("a"), SHAPE) == 0


def test_cost_is_summed_over_members() -> None:
    cost = cost_of([USE, MemberUse("b", tokens=7, passes=4, rows=4, context=28, steps=4)], {"a": SHAPE, "b": SHAPE})
    assert cost.tokens == 12
    assert cost.passes == 6
    assert cost.weight_reads == 6 * 6000
    assert cost.flops == sum(member.flops for member in cost.members)
    assert [member.name for member in cost.members] == ["a", "b"]


def test_a_silent_member_costs_nothing() -> None:
    cost = cost_of([USE, MemberUse("b")], {"a": SHAPE, "b": SHAPE})
    assert cost.members[1] == MemberCost("b", 0, 0, 0, 0, 0)


def test_json_round_trip_takes_the_readers_names() -> None:
    cost = cost_of([USE], {"a": SHAPE})
    assert Cost.from_json(cost.to_json(), ["a"]) == cost
    assert Cost.from_json(cost.to_json(), ["other"]).members[0].name == "other"
    with pytest.raises(ValueError, match="zip"):
        Cost.from_json(cost.to_json(), ["a", "b"])


def test_mean_is_weighted() -> None:
    light, heavy = Cost((MemberCost("a", 1, 1, 1, 10, 1),)), Cost((MemberCost("a", 3, 1, 1, 30, 1),))
    assert CostTable.of([light, heavy]).mean([0.75, 0.25]).flops == pytest.approx(15)
