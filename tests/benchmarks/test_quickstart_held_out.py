"""The figures of held-out champions are told of every kind of policy."""

from __future__ import annotations

from evoswarm.member_spec import MemberSpec
from evoswarm.policies import Policy, Recipe, Route
from evoswarm.policies.mix import RecipeMember
from tests.benchmarks.quickstart_held_out import told


def test_a_route_is_told_as_a_mix_is() -> None:
    mixes = [Recipe(members=(RecipeMember(spec=MemberSpec(name=name, path="zoo:m")),), lead=name) for name in "ab"]
    route = Route(by="task", policies=tuple(mixes), tasks={"sums": 1})
    policies: list[Policy] = [mixes[0], route]
    assert [told(one) for one in policies] == [
        {"members": ["a"], "rule": mixes[0].fusion.rule},
        {"members": ["a", "b"], "rule": "route"},
    ]
