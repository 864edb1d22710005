"""From what speakers say to what the fusion rules see, and from what a rule makes of it to a distribution.

Shapes everywhere: speakers first, ``[speakers, streams, symbols]``. A speaker that is silent in a stream is
masked by ``present``; a symbol that is forbidden in a stream is kept out by ``limits`` and comes out as -inf.

Rows lie where the members are, and everything about them is worked out there. What decides which operations there are
(who is alone, which coefficients move anything) is asked of small arrays on the host, so nothing waits for a device.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from evoswarm.fusion import BETA, GAMMA, AnswerSoFar, FusionRule, Speakers
from evoswarm.fusion.context import AGREEMENT, CONTEXT, of_speakers
from evoswarm.fusion.speakers import NEVER, entropies, pick

FUSED_AT_ONCE = 1 << 18  # numbers that whoever fuses takes on: more would fall out of the caches
ON_DEVICE = 1 << 26  # the same where rows lie on a device: a handful of tensors of so many numbers are 1.3 GB
_MOVERS = {one.name for one in (BETA, GAMMA, *CONTEXT)}


@dataclass(frozen=True)
class Heard(Speakers):
    """The speakers, and where one of them is alone.

    Attributes:
        lone: ``[streams]`` whether one member speaks.
        lone_count: in how many streams.
    """

    lone: Tensor
    lone_count: int


def fused_at_once(device: torch.device) -> int:
    """Numbers that whoever fuses takes on at once."""
    return FUSED_AT_ONCE if device.type == "cpu" else ON_DEVICE


def limits_of(allowed: Tensor) -> Tensor:
    """``[..., symbols]`` infinite where a symbol may come next, else minus infinity; see ``Speakers.limits``."""
    return torch.where(allowed, math.inf, -math.inf)


def prepare(
    log_probs: Tensor,
    present: Tensor,
    limits: Tensor,
    *,
    weights: Tensor,
    temperatures: Tensor,
    lead: Tensor,
    parameters: Mapping[str, Tensor],
    place: AnswerSoFar | None = None,
) -> Heard:
    """Temper, normalise and weigh.

    Args:
        log_probs: ``[speakers, streams, symbols]`` floored, untempered; anything where forbidden. What is there of
            who is silent is set to 0.
        present: ``[speakers, streams]``.
        limits: ``[streams, symbols]`` where the log-probabilities are, see ``Speakers.limits``.
        weights: ``[speakers, streams]``, positive where present.
        temperatures: ``[speakers, streams]``, positive.
        lead: ``[streams]``.
        parameters: ``[streams]`` of each parameter of the rule. Weights are multiplied by exp(-beta * entropy).
        place: where the streams are, for parameters that look at it: weights are multiplied by
            exp(gamma * credibility), and see `evoswarm.fusion.context`.

    All but log-probabilities and limits lie on the host.
    """
    device = log_probs.device
    lone, silent, raw = present.sum(0) == 1, torch.nonzero(~present), weights.log().to(device)
    if len(silent):  # its rows may hold anything, -inf included
        log_probs[silent[:, 0].to(device), silent[:, 1].to(device)] = 0.0
    said = {name: value.to(device) for name, value in parameters.items() if name not in _MOVERS or bool(value.any())}
    here, whose = present.to(device), lead.to(device)
    tempered = log_probs / temperatures.to(device)[..., None]
    torch.minimum(tempered, limits, out=tempered)
    torch.log_softmax(tempered, -1, out=tempered)
    tempered.clamp_(min=NEVER)
    if BETA.name in said:
        raw = raw - said[BETA.name][None] * entropies(tempered)
    if place is not None:
        if GAMMA.name in said:
            raw = raw + said[GAMMA.name][None] * place.credibility.to(device)
        is_lead = (torch.arange(len(present))[:, None] == lead[None]).to(device)
        at = AnswerSoFar(place.length.to(device), place.inside.to(device), place.credibility)
        for summand in of_speakers(tempered, here, is_lead, at, said):
            raw = raw + summand
    return Heard(
        log_probs=tempered,
        present=here,
        log_weights=torch.log_softmax(torch.where(here, raw, -torch.inf), dim=0),
        limits=limits,
        lead=whose,
        untempered=log_probs,
        parameters=said,
        lone=lone.to(device),
        lone_count=int(lone.sum()),
    )


def normalise(scores: Tensor, limits: Tensor) -> Tensor:
    """Log-softmax over the allowed symbols; the others are -inf."""
    return torch.log_softmax(_within(scores, limits), dim=-1)


def fuse(rule: FusionRule, speakers: Heard) -> Tensor:
    """Apply a rule; where one member speaks, every rule is that member.

    Returns:
        ``[streams, symbols]`` log-probabilities, -inf where forbidden.
    """
    return _or_alone(speakers, lambda: normalise(rule.fuse(speakers), speakers.limits))


def fuse_scores(rule: FusionRule, speakers: Heard) -> Tensor:
    """The same up to a constant per stream: enough for a choice, and cheaper."""
    return _or_alone(speakers, lambda: _within(rule.fuse(speakers), speakers.limits))


def decision_margin(rule: FusionRule, speakers: Heard, margin: Tensor) -> Tensor:
    """``[streams]`` margins of the choice, those inside the rule and its weights included; see `FusionRule.margin`."""
    inside = rule.margin(speakers, margin)
    agreement = speakers.parameters.get(AGREEMENT.name)
    if agreement is not None:
        inside = torch.where(agreement == 0, inside, inside.minimum(speakers.least_margin))
    return torch.where(speakers.lone, margin, inside)


def _within(scores: Tensor, limits: Tensor) -> Tensor:
    """Scores with -inf where forbidden, whatever a rule has there: the lesser of nan and -inf would be nan."""
    return torch.minimum(scores.nan_to_num(nan=math.inf, posinf=math.inf, neginf=-math.inf), limits)


def _or_alone(speakers: Heard, fused: Callable[[], Tensor]) -> Tensor:
    """What a rule makes of the speakers, but of a lone one itself; the rule is not asked where all are alone."""
    if not speakers.lone_count:
        return fused()
    only = torch.minimum(pick(speakers.log_probs, speakers.present.int().argmax(0)), speakers.limits)
    if speakers.lone_count == len(speakers.lone):
        return only
    return torch.where(speakers.lone[:, None], only, fused())
