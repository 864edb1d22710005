"""The weights of a mixture by expectation maximisation: they maximise the likelihood of the gold texts.

Every position of a text is one draw from sum_m w_m p_m(symbol | text so far). A member that abstains at a position
leaves its weight to the others there, so that its likelihood is sum_m w_m p_m / sum_m w_m over who is there. The update
below minorises that too (Hunter & Lange 2004): it is that of Dempster, Laird & Rubin (1977) where nobody ever abstains,
and in every case no step lowers the likelihood.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

STEPS = 500
_ENOUGH = 1e-9  # nats an item gained by a step


@dataclass(frozen=True)
class Fitted:
    """Weights, and how the likelihood grew.

    Attributes:
        weights: ``[members]`` that sum to 1.
        likelihoods: before every step and after the last: mean log-likelihood of a text, nats.
    """

    weights: Tensor
    likelihoods: tuple[float, ...]


def mixture_weights(log_probs: Tensor, present: Tensor, counts: Tensor, steps: int = STEPS) -> Fitted:
    """Maximum-likelihood weights, from equal ones.

    Args:
        log_probs: ``[members, positions]`` of the symbol that the text goes on with, finite where present.
        present: ``[members, positions]`` who has something to say; somebody everywhere.
        counts: ``[positions]`` what each counts: the weight of its item.
        steps: at most.
    """
    probs = torch.where(present, log_probs, -math.inf).double().exp()
    here = present.double()
    weights = torch.full((len(probs),), 1 / len(probs), dtype=torch.float64)
    trace = [_likelihood(probs, here, counts, weights)]
    for _ in range(steps):
        share = weights[:, None] * probs
        shares = (share / share.sum(0) * counts).sum(1)
        chances = (here / (weights @ here) * counts).sum(1)
        weights = torch.where(chances > 0, shares / chances.clamp_min(1e-300), 0.0)
        weights = weights / weights.sum()
        trace.append(_likelihood(probs, here, counts, weights))
        if trace[-1] - trace[-2] < _ENOUGH:
            break
    return Fitted(weights, tuple(trace))


def _likelihood(probs: Tensor, here: Tensor, counts: Tensor, weights: Tensor) -> float:
    return float(((weights @ probs).log() - (weights @ here).log()) @ counts)
