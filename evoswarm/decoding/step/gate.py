"""Who speaks at a step."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def speakers(
    signal: NDArray[np.float64],
    thresholds: NDArray[np.float64],
    low: NDArray[np.bool_],
    lead_abstains: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Which members speak: those whose threshold the signal reaches.

    Args:
        signal: ``[streams]`` entropy of the lead's distribution, nats, or a draw where the gate is random.
        thresholds: ``[streams, members]``; infinite where a member has no place in the stream's recipe.
        low: ``[streams]`` members speak where the signal is at most their threshold, instead of at least.
        lead_abstains: ``[streams]``; a lead without mass opens every gate that is there.

    Returns:
        ``[streams, members]``. A threshold of 0 is always, and a lead's own is 0.
    """
    reached = signal[:, None] >= thresholds
    if low.any():
        reached = np.where(low[:, None], (signal[:, None] <= thresholds) | (thresholds <= 0), reached)
    return (reached | lead_abstains[:, None]) & np.isfinite(thresholds)
