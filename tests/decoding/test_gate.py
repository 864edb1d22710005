"""Entropy and who speaks."""

from __future__ import annotations

import math

import pytest
import torch

from evoswarm.decoding.gate import entropy, speakers


def test_entropy_in_nats_with_zero_log_zero():
    rows = torch.tensor([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3]]).log()
    assert entropy(rows).tolist() == pytest.approx([math.log(2), 0.0, math.log(3)], abs=1e-6)


def test_members_speak_from_their_threshold_on_and_the_lead_always():
    nats = torch.tensor([0.0, 0.7, 0.7, 2.0], dtype=torch.float64)
    thresholds = torch.tensor([[0.0] * 4, [0.7, 0.7, 0.70001, 0.7], [math.inf] * 4], dtype=torch.float64)
    opened = speakers(nats, thresholds, torch.zeros(4, dtype=torch.bool))
    assert opened.tolist() == [[True] * 4, [False, True, False, True], [False] * 4]


def test_a_lead_without_mass_opens_every_gate_that_is_there():
    thresholds = torch.tensor([[0.0], [9.0], [math.inf]])
    assert speakers(torch.tensor([0.0]), thresholds, torch.tensor([True])).tolist() == [[True], [True], [False]]
