"""Mixes fitted to gold texts: who takes part, and with which numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from evoswarm.fusion import RULES
from evoswarm.fusion.context import PLACED
from evoswarm.genomes.mix.genes import Genes
from evoswarm.gold.fit.blend import Blend, fused, margins, smallest, speakers
from evoswarm.gold.fit.em import mixture_weights
from evoswarm.gold.fit.gradient import Varied, improved, loss
from evoswarm.gold.fit.outcomes import Outcomes

NEGLIGIBLE = 0.02
"""Members who have a smaller share of the say than this, against the one who has most, are left out."""

WORTH = 0.5
"""Nats, over all items, that a member has to be worth. Two, one for each of its numbers (Akaike 1974), cost accuracy
where a fit knows a dozen items; this silences noise."""

_TRIED = 3  # of those who have least to say, when one of them has to leave


@dataclass(frozen=True)
class Mix:
    """A fitted mix of some members of the pool.

    Attributes:
        rule: name of its rule.
        members: indices in the pool, growing.
        blend: its numbers.
    """

    rule: str
    members: tuple[int, ...]
    blend: Blend

    def margins(self, outcomes: Outcomes) -> Tensor:
        """``[items]`` the smallest lead of a target over any other symbol, nats; ``outcomes`` are the whole pool's.

        It is -inf where nobody has anything to say at some position.
        """
        own = outcomes.of_members(self.members)
        found = smallest(margins(fused(RULES[self.rule], self.blend, own), own), own)
        found[outcomes.item[~outcomes.present[list(self.members)].any(0)]] = -math.inf
        return found

    def among(self, members: tuple[int, ...]) -> Mix:
        """The same numbers for some of its members."""
        places = [self.members.index(one) for one in members]
        blend, lead = self.blend, self.blend.lead
        kept = places.index(lead) if lead in places else None
        return replace(
            self,
            members=members,
            blend=replace(
                blend,
                log_weights=blend.log_weights[places],
                log_temperatures=blend.log_temperatures[places],
                lead=kept,
            ),
        )

    def loss(self, outcomes: Outcomes) -> float:
        """What the gradient makes small, over the positions where somebody has something to say."""
        own = outcomes.of_members(self.members)
        return float(loss(fused(RULES[self.rule], self.blend, own), own))

    def shares(self, outcomes: Outcomes) -> Tensor:
        """``[members]`` of its own members, how much of the say each has along the texts, sharpening included."""
        own = outcomes.of_members(self.members)
        counts = own.weights[own.item]
        return speakers(self.blend, own).weights @ (counts / counts.sum())


class Fit(Protocol):
    """From what all members of the pool say, and who may take part, to a mix of these."""

    def __call__(self, outcomes: Outcomes, members: tuple[int, ...], start: Mix | None = None, /) -> Mix:
        """Fit.

        Args:
            outcomes: of the whole pool.
            members: who takes part.
            start: of the same members, to begin at; None is the plainest mix.
        """
        ...


def by_likelihood(outcomes: Outcomes, members: tuple[int, ...], start: Mix | None = None) -> Mix:
    """A mixture with the weights under which the texts are likeliest, by EM; always from equal ones."""
    own = outcomes.of_members(members)
    fitted = mixture_weights(own.target(own.log_probs), own.present, own.weights[own.item])
    weights = fitted.weights.clamp_min(1e-12).log()
    return Mix("mixture", members, Blend(weights, torch.zeros_like(weights), {}))


def by_gradient(
    rule: str,
    genes: Genes,
    outcomes: Outcomes,
    members: tuple[int, ...],
    start: Mix | None = None,
    lead: int | None = None,
) -> Mix:
    """Weights, temperatures and parameters of a rule by gradient; see `evoswarm.gold.fit.gradient`.

    With a lead, a place in ``members``, also by how much the place in the answer tells for or against it.
    """
    varied = Varied.of(rule, len(members), genes.ranges, lead)
    first = varied.start() if start is None else varied.numbers(start.blend)
    numbers = improved(varied, outcomes.of_members(members), first)
    return Mix(rule, members, varied.blend(torch.from_numpy(numbers)))


def by_place(rule: str, genes: Genes, outcomes: Outcomes, members: tuple[int, ...], start: Mix | None = None) -> Mix:
    """The same, and by how much the place tells for or against the lead; who may lead is tried in turn."""
    if start is None or start.blend.lead is None:
        leads = [place for place, one in enumerate(members) if one in genes.leads]
    else:
        leads = [start.blend.lead]
    tried = [by_gradient(rule, genes, outcomes, members, start, lead) for lead in leads]
    return min(tried, key=lambda one: one.loss(outcomes))


def shares_members(fit: Fit) -> bool:
    """Whether who takes part may be found out once for this and the others of which it is true."""
    return isinstance(fit, partial) and fit.func is by_gradient


def fits(genes: Genes) -> dict[str, Fit]:
    """The fits that a space has a use for, by the names of what they give."""
    found: dict[str, Fit] = {"mixture": by_likelihood} if "mixture" in genes.rules else {}
    tuned = {"product": "product", "sharpened mixture": "mixture", "power": "power"}
    used = {name: rule for name, rule in tuned.items() if rule in genes.rules}
    found |= {name: partial(by_gradient, rule, genes) for name, rule in used.items()}
    if any(one.name in genes.parameters for one in PLACED):
        found |= {f"{name} by place": partial(by_place, rule, genes) for name, rule in used.items()}
    return found


def pruned(fit: Fit, outcomes: Outcomes, members: Sequence[int], genes: Genes) -> Mix:
    """The fit over those members that are worth having, and no more of them than the space allows.

    Who leads stays: of those who may, the member with the largest share of the say. Where a limit asks for fewer
    members, it is tried without each of those that have least to say, and the one that is missed least leaves. In the
    end whoever is missed least leaves, leads among them, as long as that is hardly worse: in a product, noise has a say
    and no effect.

    Args:
        fit: of some members.
        outcomes: of the whole pool.
        members: who may take part; somebody who may lead is among them.
        genes: of the space.
    """
    mix = fit(outcomes, tuple(members))
    while len(mix.members) > 1:
        lead = leader(mix, outcomes, genes)
        shares = mix.shares(outcomes)
        ordered = [mix.members[place] for place in shares.argsort().tolist() if mix.members[place] != lead]
        least = float(shares.max()) * NEGLIGIBLE
        slight = [one for one in ordered if float(shares[mix.members.index(one)]) < least]
        if slight:
            mix = fit(outcomes, tuple(one for one in mix.members if one not in slight))
        elif genes.limits.allow(mix.members):
            fewer = _without_the_least(fit, mix, genes, outcomes)
            if fewer is None:
                break
            mix = fewer
        else:
            tried = [tuple(one for one in mix.members if one != gone) for gone in ordered[:_TRIED]]
            mix = min((fit(outcomes, some) for some in tried), key=lambda one: one.loss(outcomes))
    return mix


def _without_the_least(fit: Fit, mix: Mix, genes: Genes, outcomes: Outcomes) -> Mix | None:
    """The fit without the member that is missed least; None where that one is worth having.

    Only who leaves somebody to lead, and somebody to speak everywhere, is looked at.
    """
    heard = outcomes.present[list(mix.members)].any(0)
    rest = [tuple(one for one in mix.members if one != gone) for gone in mix.members]
    rest = [some for some in rest if set(some) & set(genes.leads)]
    rest = [some for some in rest if torch.equal(outcomes.present[list(some)].any(0), heard)]
    if not rest:
        return None
    fewer = fit(outcomes, min(rest, key=lambda some: mix.among(some).loss(outcomes)))
    return fewer if fewer.loss(outcomes) <= mix.loss(outcomes) + WORTH / len(outcomes.weights) else None


def leader(mix: Mix, outcomes: Outcomes, genes: Genes) -> int:
    """The member that the fit leads by, or the one with most to say of those who may, as an index in the pool."""
    if mix.blend.lead is not None:
        return mix.members[mix.blend.lead]
    shares = dict(zip(mix.members, mix.shares(outcomes).tolist(), strict=True))
    return max((one for one in mix.members if one in genes.leads), key=lambda one: shares[one])
