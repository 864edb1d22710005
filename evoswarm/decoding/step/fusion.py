"""Fusion rules: several speakers' log-probabilities become one distribution. Pure functions on tensors.

Shapes everywhere: speakers first, ``[speakers, streams, symbols]``. A speaker that is silent in a stream is
masked by ``present``; a symbol that is forbidden in a stream is masked by ``allowed`` and comes out as -inf.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from evoswarm.decoding.text.alphabet import FLOOR
from evoswarm.policies.mix import RuleName

NEARLY_PRODUCT = 1e-3  # |alpha| below which the power mean is its limit, the product
WEIGHT_TIE = 1e-6
PLAUSIBLE = 0.1  # contrast keeps symbols with at least this share of the lead's best (Li et al. 2023)


@dataclass(frozen=True)
class Speakers:
    """What a fusion rule sees.

    Attributes:
        log_probs: ``[speakers, streams, symbols]`` tempered and normalised; 0 where forbidden.
        present: ``[speakers, streams]`` who speaks.
        log_weights: ``[speakers, streams]`` normalised over those present (sharpened if asked for), else -inf.
        allowed: ``[streams, symbols]``.
        lead: ``[streams]`` index of the lead among the speakers.
        untempered: ``[speakers, streams, symbols]`` as the members said it; anything where forbidden.
        alpha: ``[streams]`` exponent of the power mean.
        contrast: ``[streams]`` the lambda of contrast.
    """

    log_probs: Tensor
    present: Tensor
    log_weights: Tensor
    allowed: Tensor
    lead: Tensor
    untempered: Tensor
    alpha: Tensor
    contrast: Tensor

    @cached_property
    def entropies(self) -> Tensor:
        """``[speakers, streams]`` of the tempered distributions, nats."""
        return _entropies(self.log_probs)

    @cached_property
    def lead_log_probs(self) -> Tensor:
        """``[streams, symbols]`` the lead's untempered log-probabilities; 0 where forbidden."""
        return torch.where(self.allowed, pick(self.untempered, self.lead), 0.0)


def prepare(
    log_probs: Tensor,
    present: Tensor,
    allowed: Tensor,
    *,
    weights: Tensor,
    temperatures: Tensor,
    lead: Tensor,
    alpha: Tensor,
    beta: Tensor,
    contrast: Tensor,
) -> Speakers:
    """Temper, normalise and weigh.

    Args:
        log_probs: ``[speakers, streams, symbols]`` floored, untempered; anything where forbidden.
        present: ``[speakers, streams]``.
        allowed: ``[streams, symbols]``.
        weights: ``[speakers, streams]``, positive where present.
        temperatures: ``[speakers, streams]``, positive.
        lead: ``[streams]``.
        alpha: ``[streams]``, may be infinite.
        beta: ``[streams]`` confidence sharpening: weights times exp(-beta * entropy).
        contrast: ``[streams]``.
    """
    if not bool(present.all()):
        log_probs = torch.where(present[..., None], log_probs, 0.0)  # who is silent may hold anything, -inf included
    tempered = normalise(log_probs / temperatures[..., None], allowed)
    finite = torch.where(allowed[None], tempered, 0.0)
    raw = weights.log()
    if bool(beta.any()):
        raw = raw - beta[None] * _entropies(finite)
    return Speakers(
        log_probs=finite,
        present=present,
        log_weights=torch.log_softmax(torch.where(present, raw, -torch.inf), dim=0),
        allowed=allowed,
        lead=lead,
        untempered=log_probs,
        alpha=alpha,
        contrast=contrast,
    )


def _entropies(log_probs: Tensor) -> Tensor:
    """``[speakers, streams]`` nats, of log-probabilities that are 0 where forbidden (and so add nothing)."""
    return -(log_probs.exp() * log_probs).sum(-1)


def normalise(scores: Tensor, allowed: Tensor) -> Tensor:
    """Log-softmax over the allowed symbols; the others are -inf."""
    return torch.log_softmax(torch.where(allowed, scores, -torch.inf), dim=-1)


def mixture(speakers: Speakers) -> Tensor:
    """The weighted mean of the probabilities: log sum_i w_i p_i."""
    return torch.logsumexp(speakers.log_weights[..., None] + speakers.log_probs, dim=0)


def product(speakers: Speakers) -> Tensor:
    """The weighted geometric mean, a product of experts (Hinton 2002): sum_i w_i l_i."""
    weights = speakers.log_weights.exp()
    return (weights[..., None] * speakers.log_probs).sum(0)


def power(speakers: Speakers) -> Tensor:
    """The weighted power mean: (1/alpha) log sum_i w_i p_i^alpha; its limits at 0 and at the infinities."""
    alpha = speakers.alpha
    ordinary = torch.isfinite(alpha) & (alpha.abs() >= NEARLY_PRODUCT)
    exponent = torch.where(ordinary, alpha, 1.0)[:, None]
    mean = torch.logsumexp(speakers.log_weights[..., None] + exponent * speakers.log_probs, dim=0) / exponent
    here = speakers.present[..., None]
    greatest = torch.where(here, speakers.log_probs, -torch.inf).amax(0)
    least = torch.where(here, speakers.log_probs, torch.inf).amin(0)
    mean = torch.where((alpha.abs() < NEARLY_PRODUCT)[:, None], product(speakers), mean)
    mean = torch.where((alpha == torch.inf)[:, None], greatest, mean)
    return torch.where((alpha == -torch.inf)[:, None], least, mean)


def most_confident(speakers: Speakers) -> Tensor:
    """The speaker of least entropy; ties go to the lead, then to pool order."""
    return pick(speakers.log_probs, _most_confident_index(speakers))


def vote(speakers: Speakers) -> Tensor:
    """Each symbol gets the summed weight of the speakers whose favourite it is; a tie goes to the lead's liking."""
    totals = _vote_totals(speakers)
    tied = totals >= totals.amax(-1, keepdim=True) - WEIGHT_TIE
    liking = torch.where(tied, speakers.lead_log_probs, -torch.inf)
    chosen = first_argmax(liking)
    totals = totals.scatter_add(-1, chosen[:, None], torch.full_like(totals[:, :1], 2 * WEIGHT_TIE))
    return totals.clamp_min(FLOOR).log()


def contrast(speakers: Speakers) -> Tensor:
    """The lead against the others (contrastive decoding, Li et al. 2023): (1+lambda) l_lead - lambda sum w_i l_i.

    Without a lead that has any mass it is the mixture of the others.
    """
    is_lead = torch.arange(len(speakers.present), device=speakers.lead.device)[:, None] == speakers.lead[None]
    others = torch.where(is_lead, -torch.inf, speakers.log_weights)
    weights = torch.nan_to_num(torch.softmax(others, dim=0))
    lead = pick(speakers.log_probs, speakers.lead)
    strength = speakers.contrast[:, None]
    scores = (1 + strength) * lead - strength * (weights[..., None] * speakers.log_probs).sum(0)
    scores = torch.where(_plausible_gap(speakers, lead) >= 0, scores, -torch.inf)
    lead_speaks = speakers.present.gather(0, speakers.lead[None])[0]
    return torch.where(lead_speaks[:, None], scores, mixture(speakers))


RULES: dict[RuleName, Callable[[Speakers], Tensor]] = {
    "mixture": mixture,
    "product": product,
    "power": power,
    "most_confident": most_confident,
    "vote": vote,
    "contrast": contrast,
}


def fuse(rule: RuleName, speakers: Speakers) -> Tensor:
    """Apply a rule; where one member speaks, every rule is that member.

    Returns:
        ``[streams, symbols]`` log-probabilities, -inf where forbidden.
    """
    return _where_alone(speakers, normalise(RULES[rule](speakers), speakers.allowed))


def fuse_scores(rule: RuleName, speakers: Speakers) -> Tensor:
    """The same up to a constant per stream: enough for a choice, and cheaper."""
    return _where_alone(speakers, torch.where(speakers.allowed, RULES[rule](speakers), -torch.inf))


def _where_alone(speakers: Speakers, fused: Tensor) -> Tensor:
    alone = speakers.present.sum(0) == 1
    if not bool(alone.any()):
        return fused
    only = pick(speakers.log_probs, speakers.present.int().argmax(0))
    return torch.where(alone[:, None], torch.where(speakers.allowed, only, -torch.inf), fused)


def margins(rule: RuleName, speakers: Speakers, gap: Tensor) -> Tensor:
    """How far a choice is from another one, in nats: what rounding may turn is below 1e-4.

    Args:
        rule: the rule.
        speakers: what it saw.
        gap: ``[streams]`` of the first two symbols, by what the choice maximises (noise included).

    Returns:
        ``[streams]``: that gap, and of any choice made inside the rule.
    """
    inner = gap
    if rule == "most_confident":
        entropies = torch.where(speakers.present, speakers.entropies, torch.inf)
        inner = torch.minimum(gap, _gap(-entropies, 0))
    elif rule == "vote":
        favourites = torch.where(speakers.present, top_gap(_hidden(speakers)), torch.inf).amin(0)
        totals = _vote_totals(speakers)
        tied = totals >= totals.amax(-1, keepdim=True) - WEIGHT_TIE
        liking = top_gap(torch.where(tied, speakers.lead_log_probs, -torch.inf))
        inner = torch.minimum(favourites, torch.where(tied.sum(-1) > 1, liking, torch.inf))
    elif rule == "contrast":
        distance = _plausible_gap(speakers, pick(speakers.log_probs, speakers.lead)).abs()
        inner = torch.minimum(gap, torch.where(speakers.allowed, distance, torch.inf).amin(-1))
    alone = speakers.present.sum(0) == 1
    return torch.where(alone, gap, inner)


def best_two(scores: Tensor) -> tuple[Tensor, Tensor]:
    """The greatest of the last axis, ties to the lowest index, and its lead over the second (inf where there is none).

    ``[..., n]`` -> ``[...]`` indices and ``[...]`` gaps.
    """
    best, index = scores.max(-1)
    second = scores.scatter(-1, index[..., None], -torch.inf).amax(-1)
    return index, torch.nan_to_num(best - second, nan=torch.inf, posinf=torch.inf)


def first_argmax(scores: Tensor) -> Tensor:
    """Index of the greatest score, ties to the lowest index. ``[..., n]`` -> ``[...]``."""
    index = torch.arange(scores.shape[-1], device=scores.device)
    best = scores == scores.amax(-1, keepdim=True)
    return torch.where(best, index, scores.shape[-1] - 1).amin(-1)


def top_gap(scores: Tensor) -> Tensor:
    """Gap between the greatest and the second score along the last axis; inf where there is no second."""
    return best_two(scores)[1]


def pick(log_probs: Tensor, speaker: Tensor) -> Tensor:
    """Rows of one speaker per stream: ``[speakers, streams, symbols]``, ``[streams]`` -> ``[streams, symbols]``."""
    return log_probs.gather(0, speaker[None, :, None].expand(1, -1, log_probs.shape[-1]))[0]


def _gap(scores: Tensor, axis: int) -> Tensor:
    if scores.shape[axis] < 2:
        return torch.full_like(scores.select(axis, 0), torch.inf)
    best = scores.topk(2, dim=axis).values
    return torch.nan_to_num(best.select(axis, 0) - best.select(axis, 1), nan=torch.inf, posinf=torch.inf)


def _hidden(speakers: Speakers) -> Tensor:
    """Speakers' log-probabilities with forbidden symbols at -inf again."""
    return torch.where(speakers.allowed[None], speakers.log_probs, -torch.inf)


def _vote_totals(speakers: Speakers) -> Tensor:
    favourites = first_argmax(_hidden(speakers))
    weights = speakers.log_weights.exp()
    totals = torch.zeros_like(speakers.lead_log_probs)
    for favourite, weight in zip(favourites, weights, strict=True):  # few speakers: a loop adds in a fixed order
        totals = totals.scatter_add(-1, favourite[:, None], weight[:, None])
    return totals


def _most_confident_index(speakers: Speakers) -> Tensor:
    entropies = torch.where(speakers.present, speakers.entropies, torch.inf)
    tied = entropies <= entropies.amin(0, keepdim=True) + WEIGHT_TIE
    rank = torch.arange(len(entropies), device=entropies.device)[:, None]
    rank = torch.where(rank == speakers.lead[None], -1, rank.expand_as(tied))
    return torch.where(tied, rank, len(entropies)).argmin(0)


def _plausible_gap(speakers: Speakers, lead: Tensor) -> Tensor:
    """Distance of the lead's log-probabilities above contrast's plausibility limit."""
    best = torch.where(speakers.allowed, lead, -torch.inf).amax(-1, keepdim=True)
    return lead - (best + torch.log(torch.tensor(PLAUSIBLE, device=lead.device)))
