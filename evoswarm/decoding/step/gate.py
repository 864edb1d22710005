"""Who speaks at a step."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evoswarm.decoding.step.plan import Plans
from evoswarm.fusion.context import BETWEEN, GATING


def signals(
    entropy: NDArray[np.float64],
    margin: NDArray[np.float32],
    inside: NDArray[np.int8],
    plans: Plans,
    plan: NDArray[np.int64],
) -> NDArray[np.float64]:
    """``[streams]`` what gates compare with thresholds: the lead's entropy, and what a recipe adds for the place.

    Args:
        entropy: ``[streams]`` of the lead's distribution, nats.
        margin: ``[streams]`` by how much its likeliest symbol leads the second, nats.
        inside: ``[streams]`` BETWEEN, WORD or NUMBER.
        plans: the recipes.
        plan: ``[streams]`` which is whose.
    """
    of_margin, of_inside = (plans.parameters[one.name][plan].astype(np.float64) for one in GATING)
    near = np.exp(-margin.astype(np.float64))
    signal: NDArray[np.float64] = entropy + of_margin * near + of_inside * (inside != BETWEEN)
    return signal


def speakers(
    signal: NDArray[np.float64],
    thresholds: NDArray[np.float64],
    low: NDArray[np.bool_],
    lead_abstains: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Which members speak: those whose threshold the signal reaches.

    Args:
        signal: ``[streams]`` of `signals`, or a draw where the gate is random.
        thresholds: ``[streams, members]``; infinite where a member has no place in the stream's recipe.
        low: ``[streams]`` members speak where the signal is at most their threshold, instead of at least.
        lead_abstains: ``[streams]``; a lead without mass opens every gate that is there.

    Returns:
        ``[streams, members]``. A threshold of 0 is always, and a lead's own is 0.
    """
    reached = signal[:, None] >= thresholds
    if low.any():
        reached = np.where(low[:, None], signal[:, None] <= thresholds, reached)
    return (reached | (thresholds <= 0) | lead_abstains[:, None]) & np.isfinite(thresholds)
