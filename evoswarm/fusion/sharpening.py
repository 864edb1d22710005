"""Confidence sharpening: a parameter that all rules with weights share."""

from __future__ import annotations

from evoswarm.fusion.parameter import Parameter

BETA = Parameter(
    "beta",
    "confidence sharpening: weights are multiplied by exp(-beta * entropy); 0 is none",
    default=0.0,
    searched=(0.0, 4.0),
    at_least=0.0,
    atoms=((0.0, 0.5),),
    everywhere=True,
)
"""The entropy is that of the member's tempered distribution, in nats."""
