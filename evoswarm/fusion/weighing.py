"""What moves weights from step to step, under every rule that has weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from evoswarm.fusion.context import CONTEXT, words
from evoswarm.fusion.credibility import DECAY, GAMMA
from evoswarm.fusion.parameter import Parameter
from evoswarm.fusion.sharpening import BETA

WEIGHING: tuple[Parameter, ...] = (BETA, GAMMA, DECAY, *CONTEXT)
"""The parameters of rules that say nothing of their own."""


def moved_by(parameters: tuple[Parameter, ...], values: Mapping[str, float]) -> Iterator[str]:
    """In words, what moves the weights of a rule with these parameters, each as part of a sentence."""
    beta, gamma = (values.get(one.name, 0.0) if one in parameters else 0.0 for one in (BETA, GAMMA))
    if beta:
        yield f"weights sharpened by confidence (beta {beta:.2g})"
    if gamma:
        decay = values.get(DECAY.name, DECAY.default) if DECAY in parameters else DECAY.default
        yield f"weights by credibility (gamma {gamma:.2g}{'' if decay == 1 else f', decay {decay:.3g}'})"
    yield from words(parameters, values)
