"""From what speakers say to what the fusion rules see, and from what a rule makes of it to a distribution.

Shapes everywhere: speakers first, ``[speakers, streams, symbols]``. A speaker that is silent in a stream is
masked by ``present``; a symbol that is forbidden in a stream is masked by ``allowed`` and comes out as -inf.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from evoswarm.fusion import BETA, GAMMA, AnswerSoFar, FusionRule, Speakers
from evoswarm.fusion.context import AGREEMENT, of_speakers
from evoswarm.fusion.speakers import entropies, pick

FUSED_AT_ONCE = 1 << 18  # numbers that whoever fuses takes on: more would fall out of the caches


def prepare(
    log_probs: Tensor,
    present: Tensor,
    allowed: Tensor,
    *,
    weights: Tensor,
    temperatures: Tensor,
    lead: Tensor,
    parameters: Mapping[str, Tensor],
    place: AnswerSoFar | None = None,
) -> Speakers:
    """Temper, normalise and weigh.

    Args:
        log_probs: ``[speakers, streams, symbols]`` floored, untempered; anything where forbidden.
        present: ``[speakers, streams]``.
        allowed: ``[streams, symbols]``.
        weights: ``[speakers, streams]``, positive where present.
        temperatures: ``[speakers, streams]``, positive.
        lead: ``[streams]``.
        parameters: ``[streams]`` of each parameter of the rule. Weights are multiplied by exp(-beta * entropy).
        place: where the streams are, for parameters that look at it: weights are multiplied by
            exp(gamma * credibility), and see `evoswarm.fusion.context`.
    """
    if not bool(present.all()):
        log_probs = torch.where(present[..., None], log_probs, 0.0)  # who is silent may hold anything, -inf included
    tempered = normalise(log_probs / temperatures[..., None], allowed)
    finite = _masked(tempered, allowed, 0.0)
    raw = weights.log()
    beta = parameters.get(BETA.name)
    if beta is not None and bool(beta.any()):
        raw = raw - beta[None] * entropies(finite)
    if place is not None:
        gamma = parameters.get(GAMMA.name)
        if gamma is not None and bool(gamma.any()):
            raw = raw + gamma[None] * place.credibility
        is_lead = torch.arange(len(present))[:, None] == lead[None]
        for summand in of_speakers(tempered, present, is_lead, place, parameters):
            raw = raw + summand
    return Speakers(
        log_probs=finite,
        present=present,
        log_weights=torch.log_softmax(torch.where(present, raw, -torch.inf), dim=0),
        allowed=allowed,
        lead=lead,
        untempered=log_probs,
        parameters=parameters,
    )


def normalise(scores: Tensor, allowed: Tensor) -> Tensor:
    """Log-softmax over the allowed symbols; the others are -inf."""
    return torch.log_softmax(_masked(scores, allowed, -torch.inf), dim=-1)


def fuse(rule: FusionRule, speakers: Speakers) -> Tensor:
    """Apply a rule; where one member speaks, every rule is that member.

    Returns:
        ``[streams, symbols]`` log-probabilities, -inf where forbidden.
    """
    return _or_alone(speakers, lambda: normalise(rule.fuse(speakers), speakers.allowed))


def fuse_scores(rule: FusionRule, speakers: Speakers) -> Tensor:
    """The same up to a constant per stream: enough for a choice, and cheaper."""
    return _or_alone(speakers, lambda: _masked(rule.fuse(speakers), speakers.allowed, -torch.inf))


def decision_margin(rule: FusionRule, speakers: Speakers, margin: Tensor) -> Tensor:
    """``[streams]`` margins of the choice, those inside the rule and its weights included; see `FusionRule.margin`."""
    inside = rule.margin(speakers, margin)
    agreement = speakers.parameters.get(AGREEMENT.name)
    if agreement is not None and bool(agreement.any()):
        inside = torch.where(agreement == 0, inside, inside.minimum(speakers.least_margin))
    return torch.where(speakers.present.sum(0) == 1, margin, inside)


def _or_alone(speakers: Speakers, fused: Callable[[], Tensor]) -> Tensor:
    """What a rule makes of the speakers, but of a lone one itself; the rule is not asked where all are alone."""
    alone = speakers.present.sum(0) == 1
    if not bool(alone.any()):
        return fused()
    only = _masked(pick(speakers.log_probs, speakers.present.int().argmax(0)), speakers.allowed, -torch.inf)
    return only if bool(alone.all()) else torch.where(alone[:, None], only, fused())


def _masked(values: Tensor, allowed: Tensor, forbidden: float) -> Tensor:
    """``[..., streams, symbols]`` with one value wherever a symbol is forbidden; as given where none is."""
    return values if bool(allowed.all()) else torch.where(allowed, values, forbidden)
