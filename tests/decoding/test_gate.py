"""Entropy and who speaks."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from evoswarm.decoding.step.gate import entropy, speakers


def test_entropy_in_nats_with_zero_log_zero():
    rows = torch.tensor([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3]]).log()
    assert entropy(rows).tolist() == pytest.approx([math.log(2), 0.0, math.log(3)], abs=1e-6)


def test_members_speak_from_their_threshold_on_and_the_lead_always():
    nats = np.array([0.0, 0.7, 0.7, 2.0])
    thresholds = np.array([[0.0] * 4, [0.7, 0.7, 0.70001, 0.7], [math.inf] * 4]).T
    opened = speakers(nats, thresholds, np.zeros(4, dtype=bool))
    assert opened.T.tolist() == [[True] * 4, [False, True, False, True], [False] * 4]


def test_a_lead_without_mass_opens_every_gate_that_is_there():
    thresholds = np.array([[0.0, 9.0, math.inf]])
    assert speakers(np.array([0.0]), thresholds, np.array([True])).tolist() == [[True, True, False]]
