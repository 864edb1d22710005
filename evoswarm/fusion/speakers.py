"""What a fusion rule sees, and the few tensor functions that rules have in common.

Shapes everywhere: speakers first, ``[speakers, streams, symbols]``. Only methods of tensors are called, so that rules
can be read, listed and checked without torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor as Tensor
else:
    Tensor = Any  # a word in signatures: torch is not imported

BLOCK, LONG_ROW = 64, 1 << 12
NEVER = -1e30  # a log-probability of what is forbidden that can be multiplied and added up


@dataclass(frozen=True)
class Speakers:
    """The members that speak at one step of some streams, side by side.

    Attributes:
        log_probs: ``[speakers, streams, symbols]`` tempered and normalised; where forbidden a number that adds nothing
            to ``entropies`` (NEVER, in decoding).
        present: ``[speakers, streams]`` who speaks.
        log_weights: ``[speakers, streams]`` normalised over those present (sharpened if asked for), else -inf.
        limits: ``[streams, symbols]`` infinite where a symbol may come next, else minus infinity: the lesser of it and
            of a score is that of what may be chosen. Comparing numbers takes a fraction of what looking at flags does.
        lead: ``[streams]`` index of the lead among the speakers.
        untempered: ``[speakers, streams, symbols]`` as the members said it; anything where forbidden.
        parameters: ``[streams]`` of each parameter of the rule, by its name.
    """

    log_probs: Tensor
    present: Tensor
    log_weights: Tensor
    limits: Tensor
    lead: Tensor
    untempered: Tensor
    parameters: Mapping[str, Tensor]

    @cached_property
    def weights(self) -> Tensor:
        """``[speakers, streams]`` summing to 1 over those present; 0 for the others."""
        return self.log_weights.exp()

    @cached_property
    def entropies(self) -> Tensor:
        """``[speakers, streams]`` of the tempered distributions, nats."""
        return entropies(self.log_probs)

    @cached_property
    def hidden(self) -> Tensor:
        """``[speakers, streams, symbols]`` tempered log-probabilities with -inf where forbidden."""
        return self.log_probs.minimum(self.limits)

    @cached_property
    def least_margin(self) -> Tensor:
        """``[streams]`` how far any speaker's likeliest symbol is ahead of its second, at least."""
        return argmax_and_margin(self.hidden)[1].where(self.present, math.inf).amin(0)

    @cached_property
    def is_lead(self) -> Tensor:
        """``[speakers, streams]`` whether the speaker is the stream's lead."""
        count = self.lead.new_ones(len(self.present)).cumsum(0) - 1
        return count[:, None] == self.lead[None]

    @cached_property
    def lead_log_probs(self) -> Tensor:
        """``[streams, symbols]`` the lead's untempered log-probabilities; -inf where forbidden."""
        return pick(self.untempered, self.lead).minimum(self.limits)


def entropies(log_probs: Tensor) -> Tensor:
    """``[speakers, streams]`` nats, of log-probabilities that add nothing where forbidden: 0, or those of NEVER."""
    return -(log_probs.exp() * log_probs).sum(-1)


def pick(log_probs: Tensor, speaker: Tensor) -> Tensor:
    """Rows of one speaker per stream: ``[speakers, streams, symbols]``, ``[streams]`` -> ``[streams, symbols]``."""
    return log_probs.gather(0, speaker[None, :, None].expand(1, -1, log_probs.shape[-1]))[0]


def argmax_and_margin(scores: Tensor) -> tuple[Tensor, Tensor]:
    """The greatest of the last axis, ties to the lowest index, and how far the second is below it.

    ``[..., n]`` -> ``[...]`` indices and ``[...]`` margins, infinite where there is no second. Long rows are looked at
    by blocks, the greatest of each first: finding where a number stands takes ten times as long as finding it.
    """
    width = scores.shape[-1]
    if width < LONG_ROW:
        best, index = scores.max(-1)
        return index, _above(best, _but_one(scores, index))
    whole = width // BLOCK
    tops = scores.new_full((*scores.shape[:-1], whole + 1), -math.inf)
    tops[..., :whole] = scores[..., : whole * BLOCK].reshape(*scores.shape[:-1], whole, BLOCK).amax(-1)
    if width % BLOCK:
        tops[..., whole] = scores[..., whole * BLOCK :].amax(-1)
    block = tops.argmax(-1)
    start = (block * BLOCK).clamp_max(width - BLOCK)
    inside = (block.new_ones(BLOCK).cumsum(0) - 1) + start[..., None]
    within = scores.gather(-1, inside)
    best, place = within.max(-1)
    return start + place, _above(best, _but_one(within, place).maximum(_but_one(tops, block)))


def _but_one(scores: Tensor, index: Tensor) -> Tensor:
    """``[...]`` the greatest of the last axis without the one at an index."""
    return scores.scatter(-1, index[..., None], -math.inf).amax(-1)


def _above(best: Tensor, second: Tensor) -> Tensor:
    return (best - second).nan_to_num(nan=math.inf, posinf=math.inf)
