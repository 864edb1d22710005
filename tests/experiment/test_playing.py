"""A champion that routes is said to mix where at least two members really speak within one mix that it chose."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.experiment.playing import _mixes
from evoswarm.experiment.workbench import workbench
from evoswarm.genomes.plain import single, uniform
from evoswarm.policies import Recipe, Route
from evoswarm.space import SearchSpace


@pytest.mark.parametrize(("threshold", "speak"), [(0.0, True), (99.0, False)])
def test_a_route_mixes_where_two_members_speak_in_a_mix_that_it_chose(
    micro: Callable[..., SearchSpace], threshold: float, speak: bool
) -> None:
    with workbench(micro("splits.test=2"), ":memory:", splits=("test",)) as bench:
        evaluator, items = bench.evaluator, bench.items["test"]
        alone = [single(bench.space, spec) for spec in bench.pool]
        plain = uniform(bench.space, bench.pool)
        mix = plain.changed(
            members=[
                {**one.model_dump(), "threshold": 0.0 if one.spec.name == plain.lead else threshold}
                for one in plain.members
            ]
        )

        def mixes(evaluator: Evaluator, *policies: Recipe) -> bool:
            return _mixes(evaluator, items, Route(by="task", policies=policies, tasks={"sum": 0, "spell": 1}))

        assert mixes(evaluator, alone[0], mix) is speak
        assert not mixes(evaluator, *alone)
        assert not mixes(evaluator, *alone, mix), "nobody is routed to it"
        assert not _mixes(evaluator, items, mix), "it is a mix, and no route"
