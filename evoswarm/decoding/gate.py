"""Who speaks at a step."""

from __future__ import annotations

import torch
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


def speakers(lead_entropy: Tensor, thresholds: Tensor, lead_abstains: Tensor) -> Tensor:
    """Which members speak.

    Args:
        lead_entropy: ``[streams]`` entropy of the lead's distribution, nats.
        thresholds: ``[members, streams]`` in nats; infinite where a member has no place in the stream's recipe.
        lead_abstains: ``[streams]``; a lead without mass opens every gate that is there.

    Returns:
        ``[members, streams]`` booleans. A lead's own threshold is 0: it always speaks.
    """
    return (lead_entropy[None] >= thresholds) | (lead_abstains[None] & torch.isfinite(thresholds))
