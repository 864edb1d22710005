"""Who speaks at a step."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def entropy(log_probs: Tensor) -> Tensor:
    """Shannon entropy in nats, with 0 log 0 = 0.

    Args:
        log_probs: ``[..., symbols]``, -inf for symbols without mass.

    Returns:
        ``[...]`` entropies.
    """
    probabilities = log_probs.exp()
    return -torch.where(probabilities > 0, probabilities * log_probs, 0.0).sum(-1)


def speakers(
    lead_entropy: NDArray[np.float64], thresholds: NDArray[np.float64], lead_abstains: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Which members speak.

    Args:
        lead_entropy: ``[streams]`` entropy of the lead's distribution, nats.
        thresholds: ``[streams, members]`` in nats; infinite where a member has no place in the stream's recipe.
        lead_abstains: ``[streams]``; a lead without mass opens every gate that is there.

    Returns:
        ``[streams, members]``. A lead's own threshold is 0: it always speaks.
    """
    return (lead_entropy[:, None] >= thresholds) | (lead_abstains[:, None] & np.isfinite(thresholds))
