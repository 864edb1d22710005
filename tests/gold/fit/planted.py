"""Members that are made up, whose best mix is known."""

from __future__ import annotations

import torch
from torch import Tensor

from evoswarm.gold.fit.outcomes import Outcomes

SYMBOLS = 8


def made(
    log_probs: Tensor, targets: Tensor, item: Tensor, present: Tensor | None = None, places: Tensor | None = None
) -> Outcomes:
    """Outcomes of which each is one symbol: ``[members, positions, symbols]``, ``[positions]``, ``[positions]``."""
    count = int(item.max()) + 1
    return Outcomes(
        log_probs=log_probs.double().log_softmax(-1),
        log_counts=torch.zeros(log_probs.shape[1:], dtype=torch.float64),
        present=torch.ones(log_probs.shape[:2], dtype=torch.bool) if present is None else present,
        entropies=torch.zeros(log_probs.shape[:2], dtype=torch.float64),
        places=torch.zeros((2, log_probs.shape[1]), dtype=torch.float64) if places is None else places,
        targets=targets,
        item=item,
        weights=torch.full((count,), 1 / count, dtype=torch.float64),
    )


def random_outcomes(seed: int, members: int = 3, items: int = 12, length: int = 4, absent: float = 0.0) -> Outcomes:
    """Any members; at every position at least the first has something to say."""
    rng = torch.Generator().manual_seed(seed)
    positions = items * length
    present = torch.rand((members, positions), generator=rng) >= absent
    present[0] = True
    return made(
        3 * torch.randn((members, positions, SYMBOLS), generator=rng),
        torch.randint(SYMBOLS, (positions,), generator=rng),
        torch.arange(items).repeat_interleave(length),
        present,
    )


def specialists(items: int = 40, length: int = 3) -> Outcomes:
    """Two members, each an expert on every other item: it says 0, or 1, and is right; elsewhere it leans to 1, not sure
    of anything, and is wrong. No weights are right everywhere: whoever is sure has to count more.
    """
    item = torch.arange(items).repeat_interleave(length)
    probs = torch.full((2, len(item), SYMBOLS), 0.01 / 6)
    for member in range(2):
        expert = item % 2 == member
        probs[member, expert, 0], probs[member, expert, 1] = 0.8, 0.19
        probs[member, ~expert] = 0.25 / 7
        probs[member, ~expert, 1] = 0.75
    return made(probs.log(), torch.zeros(len(item), dtype=torch.int64), item)


def halves(items: int = 20, length: int = 4) -> Outcomes:
    """Two members, sure everywhere: the first rightly in the first half of every answer, the other in the second,
    where a number begins.
    """
    item = torch.arange(items).repeat_interleave(length)
    late = torch.arange(length).repeat(items) >= length // 2
    probs = torch.full((2, len(item), SYMBOLS), 0.01 / 6)
    for member, wrong in enumerate((late, ~late)):
        probs[member, ~wrong, 0], probs[member, ~wrong, 1] = 0.9, 0.09
        probs[member, wrong, 0], probs[member, wrong, 1] = 0.09, 0.9
    places = torch.stack([torch.arange(length).repeat(items).double().log1p(), 2.0 * late.double() - 1])
    return made(probs.log(), torch.zeros(len(item), dtype=torch.int64), item, places=places)
