"""What is left out of a draw: top-k, top-p and min-p, in this order, as ``generate`` of transformers does them.

Nucleus sampling (top-p): Holtzman et al. 2020, arXiv:1904.09751. Min-p: Nguyen et al. 2024, arXiv:2407.01082.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Kept(NamedTuple):
    """What may be drawn, the likeliest first; of equals the lowest symbol.

    Attributes:
        symbols: ``[streams, width]`` their numbers.
        scores: ``[streams, width]`` as given; -inf at places where a stream has fewer symbols than another.
    """

    symbols: Tensor
    scores: Tensor


def truncate(scores: Tensor, top_k: Tensor, top_p: Tensor, min_p: Tensor) -> Kept:
    """Keep what may be drawn; at least the likeliest symbol of every stream.

    - Top-k keeps what is not below the k-th likeliest, equals included.
    - Top-p keeps a symbol where all that are likelier come to less than it. Symbols that are equally likely count in
      the order of their numbers, so that the outcome is one.
    - Min-p keeps what is at least so many times as likely as the likeliest.

    Args:
        scores: ``[streams, symbols]`` log-probabilities up to a constant per stream, tempered; -inf where forbidden.
        top_k: ``[streams]`` integers, on the host; 0 is all.
        top_p: ``[streams]`` in (0, 1]; 1 is all.
        min_p: ``[streams]`` in [0, 1]; 0 is all.
    """
    symbols = scores.shape[1]
    left = scores.masked_fill(scores < _kth(scores, top_k), -torch.inf)
    top_p, min_p = (limit.to(scores.device)[:, None] for limit in (top_p, min_p))
    shares = torch.softmax(left, 1)
    best = left.amax(1, keepdim=True)
    # Min-p cuts from below, so it may come first. And what is below the other bound comes to less than 1 - top_p with
    # all that is below it: top-p cuts it, and it need not be sorted.
    may = (left > -torch.inf) & (left >= best + min_p.log()) & (shares * symbols >= 1 - top_p)
    may.scatter_(1, left.argmax(1, keepdim=True), True)  # whatever rounding says
    kept = _sorted(left.masked_fill(~may, -torch.inf), int(may.sum(1).max()))
    shares = shares.gather(1, kept.symbols)
    before = shares.cumsum(1) - shares
    out = (top_p < 1) & (before >= top_p)
    return Kept(kept.symbols, kept.scores.masked_fill(out, -torch.inf))


def _kth(scores: Tensor, top_k: Tensor) -> Tensor:
    """``[streams, 1]`` the score of the k-th likeliest symbol; -inf where nothing is cut."""
    most = min(int(top_k.max()), scores.shape[1])
    if not most:
        return scores.new_full((len(scores), 1), -torch.inf)
    best = scores.topk(most, 1).values
    places = top_k.to(scores.device)[:, None]
    kth = best.gather(1, places.clamp(1, most) - 1)
    return kth.masked_fill(places == 0, -torch.inf)


def _sorted(scores: Tensor, width: int) -> Kept:
    """The ``width`` likeliest, of equals the lowest symbol first."""
    symbols = scores.topk(width, 1).indices.sort(1).values
    best = scores.gather(1, symbols).sort(stable=True, dim=1, descending=True)
    return Kept(symbols.gather(1, best.indices), best.values)
