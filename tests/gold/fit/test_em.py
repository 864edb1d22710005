"""EM: no step lowers the likelihood, and it ends at the weights that texts were drawn with."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from evoswarm.gold.fit.em import mixture_weights
from tests.gold.fit.planted import random_outcomes


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), members=st.integers(1, 6), absent=st.sampled_from([0.0, 0.3, 0.8]))
def test_no_step_lowers_the_likelihood(seed: int, members: int, absent: float) -> None:
    outcomes = random_outcomes(seed, members, absent=absent)
    counts = outcomes.weights[outcomes.item]
    fitted = mixture_weights(outcomes.target(outcomes.log_probs), outcomes.present, counts, steps=60)
    assert all(after >= before - 1e-12 for before, after in pairwise(fitted.likelihoods))
    assert float(fitted.weights.sum()) == pytest.approx(1.0)
    assert (fitted.weights >= 0).all()


@pytest.mark.parametrize("absent", [0.0, 0.4])
def test_it_ends_at_the_greatest_likelihood(absent: float) -> None:
    outcomes = random_outcomes(7, absent=absent)
    counts = outcomes.weights[outcomes.item]
    own = outcomes.target(outcomes.log_probs)
    fitted = mixture_weights(own, outcomes.present, counts, steps=5000)
    probs = torch.where(outcomes.present, own.exp(), 0.0).numpy()
    here = outcomes.present.double().numpy()

    def unlikelihood(numbers: np.ndarray) -> float:
        weights = np.exp(numbers)
        return -float((np.log(weights @ probs) - np.log(weights @ here)) @ counts.numpy())

    best = -minimize(unlikelihood, np.zeros(len(probs)), method="Nelder-Mead", options={"maxiter": 4000}).fun
    assert fitted.likelihoods[-1] == pytest.approx(best, abs=1e-5)


def test_planted_weights_are_found_again() -> None:
    rng = torch.Generator().manual_seed(1)
    planted = torch.tensor([0.6, 0.3, 0.1], dtype=torch.float64)
    log_probs = (2 * torch.randn((3, 20_000, 5), generator=rng)).double().log_softmax(-1)
    mixed = (planted[:, None, None] * log_probs.exp()).sum(0)
    targets = torch.multinomial(mixed, 1, generator=rng)
    own = log_probs.gather(2, targets.expand(3, -1, 1))[..., 0]
    everybody = torch.ones(own.shape, dtype=torch.bool)
    fitted = mixture_weights(own, everybody, torch.full((len(targets),), 1 / len(targets)).double())
    assert torch.allclose(fitted.weights, planted, atol=0.02)


def test_items_count_as_they_are_weighted() -> None:
    own = torch.tensor([[0.9, 0.1], [0.1, 0.9]]).log()
    everybody = torch.ones(own.shape, dtype=torch.bool)
    fitted = mixture_weights(own, everybody, torch.tensor([0.99, 0.01]).double())
    assert fitted.weights[0] > 0.95
    assert math.isclose(float(mixture_weights(own, everybody, torch.tensor([0.5, 0.5]).double()).weights[0]), 0.5)
