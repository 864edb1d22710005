"""The fit by gradient: it improves on its start, keeps to ranges, repeats itself, and finds who is right where."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evoswarm.fusion import RULES
from evoswarm.genomes.gene_range import GeneRange
from evoswarm.gold.fit.blend import Blend, fused, margins, smallest
from evoswarm.gold.fit.gradient import Varied, improved, loss
from evoswarm.gold.fit.outcomes import Outcomes
from tests.gold.fit.planted import halves, random_outcomes, specialists

RANGES = {
    "weight": GeneRange(0.02, 1.0, "log"),
    "temperature": GeneRange(0.25, 4.0, "log"),
    "beta": GeneRange(0.0, 4.0),
    "alpha": GeneRange(-4.0, 4.0),
}
FITTED = ("mixture", "product", "power")


def lost(varied: Varied, outcomes: Outcomes, numbers: np.ndarray) -> float:
    blend = varied.blend(torch.from_numpy(numbers))
    return float(loss(fused(RULES[varied.rule], blend, outcomes), outcomes))


@pytest.mark.parametrize("rule", FITTED)
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10**6), absent=st.sampled_from([0.0, 0.5]))
def test_it_improves_within_its_ranges_and_repeats_itself(rule: str, seed: int, absent: float) -> None:
    outcomes = random_outcomes(seed, absent=absent)
    varied = Varied.of(rule, 3, RANGES)
    found = improved(varied, outcomes, varied.start(), steps=25)
    assert np.isfinite(found).all()
    assert lost(varied, outcomes, found) <= lost(varied, outcomes, varied.start()) + 1e-9
    low, high = np.array(varied.bounds).T
    assert ((found >= low) & (found <= high)).all()
    assert np.array_equal(found, improved(varied, outcomes, varied.start(), steps=25))


@pytest.mark.parametrize("rule", FITTED)
def test_it_finds_who_is_right_where(rule: str) -> None:
    outcomes = specialists()

    def accuracy(blend: Blend) -> float:
        scores = fused(RULES[rule], blend, outcomes)
        return float(((smallest(margins(scores, outcomes), outcomes) > 0) * outcomes.weights).sum())

    varied = Varied.of(rule, 2, RANGES)
    assert accuracy(varied.blend(torch.zeros(4 + len(varied.parameters)).double())) == 0.0
    assert accuracy(varied.blend(torch.from_numpy(improved(varied, outcomes, varied.start())))) == 1.0


@pytest.mark.parametrize("lead", [0, 1])
@pytest.mark.parametrize("coefficient", ["lead_position", "lead_number"])
def test_it_finds_who_is_right_at_which_place(coefficient: str, lead: int) -> None:
    outcomes, ranges = halves(), {**RANGES, coefficient: GeneRange(-4.0, 4.0)}

    def accuracy(varied: Varied) -> float:
        scores = fused(
            RULES["mixture"], varied.blend(torch.from_numpy(improved(varied, outcomes, varied.start()))), outcomes
        )
        return float(((smallest(margins(scores, outcomes), outcomes) > 0) * outcomes.weights).sum())

    assert accuracy(Varied.of("mixture", 2, ranges)) == 0.0
    assert accuracy(Varied.of("mixture", 2, ranges, lead)) == 1.0


def test_pinned_ranges_stay_where_they_are() -> None:
    pinned = {**RANGES, "weight": GeneRange(0.5, 0.5), "temperature": GeneRange(1.0, 1.0), "beta": GeneRange(2.0, 2.0)}
    varied = Varied.of("product", 3, pinned)
    found = improved(varied, random_outcomes(3), varied.start())
    assert found.tolist() == [0.0] * 6 + [2.0]


def test_numbers_and_blends_are_the_same_thing() -> None:
    varied = Varied.of("power", 3, RANGES)
    row = np.array([0.4, -0.1, -0.3, 0.0, 0.5, -0.5, 0.7, 1.2])
    assert np.allclose(varied.numbers(varied.blend(torch.from_numpy(row))), row)
