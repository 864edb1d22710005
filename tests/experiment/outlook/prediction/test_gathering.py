"""What a plan gathers of real members: their own answers, those of mixes, and what right answers are worth to them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from evoswarm.evaluation.evaluation import scores_of
from evoswarm.experiment.outlook.prediction.evidence import PilotScores
from evoswarm.experiment.outlook.prediction.gathering import FITS, gather
from evoswarm.experiment.workbench import workbench
from evoswarm.genomes.plain import single, uniform
from evoswarm.space import SearchSpace

Micro = Callable[..., SearchSpace]


def gathered(space: SearchSpace) -> tuple[PilotScores | None, np.ndarray]:
    with workbench(space, ":memory:") as bench:
        items = bench.items["search"]
        recipes = [*(single(bench.space, spec) for spec in bench.pool), uniform(bench.space, bench.pool)]
        found = gather(bench, items)
        return found, np.array([scores_of(row) for row in bench.evaluator.evaluate(recipes, items)])


def test_leads_along_right_answers_tell_who_is_right(micro: Micro) -> None:
    found, decoded = gathered(micro("splits.search=16"))
    assert found is not None
    assert found.alone_lead is not None
    assert found.mixed_lead is not None
    assert np.array_equal(found.alone, decoded[:-1])
    assert np.array_equal(found.mixed[0], decoded[-1])
    assert np.array_equal(found.alone_lead > 0, found.alone == 1)
    assert np.array_equal(found.mixed_lead > 0, found.mixed == 1)
    assert found.mixed.shape == (1 + len(FITS), 16)
    assert found.weights.sum() == pytest.approx(1)


def test_where_several_texts_are_right_answers_alone_are_seen(micro: Micro) -> None:
    found, decoded = gathered(micro("tasks.1.scorer={kind: numeric}"))
    assert found is not None
    assert (found.alone_lead, found.mixed_lead) == (None, None)
    assert np.array_equal(found.mixed, decoded[-1:])


def test_one_member_has_nothing_to_mix(micro: Micro) -> None:
    found, _ = gathered(micro("pool=[{name: llama-a, path: 'zoo:llama-a'}]"))
    assert found is None
