"""A blend of members as a function that can be differentiated: the rules are those of the engine."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from evoswarm.fusion import BETA, FusionRule, Speakers
from evoswarm.fusion.context import PLACED
from evoswarm.gold.fit.outcomes import Outcomes


@dataclass(frozen=True)
class Blend:
    """The numbers of a recipe in which everybody always speaks.

    Attributes:
        log_weights: ``[members]`` up to a constant.
        log_temperatures: ``[members]``.
        parameters: of the rule, by name; scalars.
        lead: place of the member that the place tells for or against; None where the place tells nothing.
    """

    log_weights: Tensor
    log_temperatures: Tensor
    parameters: Mapping[str, Tensor]
    lead: int | None = None


def speakers(blend: Blend, outcomes: Outcomes) -> Speakers:
    """What a rule sees; `evoswarm.decoding.step.fusion.prepare` with outcomes that stand for several symbols."""
    exists = outcomes.log_counts > -math.inf
    scaled = outcomes.log_probs / blend.log_temperatures.exp()[:, None, None]
    tempered = scaled - (scaled + outcomes.log_counts).logsumexp(-1, keepdim=True)
    said = torch.where(exists, tempered, 0.0)
    raw = blend.log_weights[:, None].expand(outcomes.present.shape)
    beta = blend.parameters.get(BETA.name)
    if beta is not None:
        raw = raw + beta * ((said + outcomes.log_counts).exp() * said).sum(-1)
    if blend.lead is not None:
        moved = [
            blend.parameters[one.name] * place
            for one, place in zip(PLACED, outcomes.places, strict=True)
            if one.name in blend.parameters
        ]
        is_lead = torch.arange(len(raw)) == blend.lead
        raw = raw + is_lead[:, None] * torch.stack(moved).sum(0)
    positions = said.shape[1]
    return Speakers(
        log_probs=said,
        present=outcomes.present,
        log_weights=torch.log_softmax(torch.where(outcomes.present, raw, -math.inf), 0),
        limits=torch.where(exists, math.inf, -math.inf),
        lead=torch.zeros(positions, dtype=torch.int64),
        untempered=outcomes.log_probs,
        parameters={name: value.expand(positions) for name, value in blend.parameters.items()},
    )


def fused(rule: FusionRule, blend: Blend, outcomes: Outcomes) -> Tensor:
    """``[positions, outcomes]`` log-probability of one symbol of each outcome, -inf where there is none.

    For rules that give a lone speaker back as it is.
    """
    seen = speakers(blend, outcomes)
    scores = torch.where(seen.limits > 0, rule.fuse(seen), -math.inf)
    return scores - (scores + outcomes.log_counts).logsumexp(-1, keepdim=True)


def margins(scores: Tensor, outcomes: Outcomes) -> Tensor:
    """``[positions]`` how far the target is above the best other symbol (below, where negative), nats."""
    others = scores.scatter(1, outcomes.targets[:, None], -math.inf)
    return outcomes.target(scores) - others.amax(-1)


def smallest(values: Tensor, outcomes: Outcomes) -> Tensor:
    """``[items]`` the smallest of some values per position; infinite for an item without one."""
    start = torch.full((len(outcomes.weights),), math.inf, dtype=values.dtype)
    return start.scatter_reduce(0, outcomes.item, values, "amin")
