"""Thresholds by sweep: how seldom the followers of a mix may speak before accuracy falls.

Shares are turned into nats as a search does, by the calibration's quantiles. Every lead is tried with every share.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from evoswarm.decoding.waves import ViewKey
from evoswarm.genomes.mix.thresholds import Calibration
from evoswarm.gold.rows import GoldRows
from evoswarm.gold.scores import scores_along
from evoswarm.policies.mix import Recipe

SHARES = (0.8, 0.6, 0.45, 0.35, 0.25, 0.18, 0.12, 0.08, 0.05)
"""Of the lead's steps at which the followers speak."""


@dataclass(frozen=True)
class Gated:
    """A mix whose followers speak at some steps only.

    Attributes:
        recipe: the mix.
        accuracy: along the gold texts.
        share: of the positions along them at which the followers speak.
    """

    recipe: Recipe
    accuracy: float
    share: float


def gated(
    recipe: Recipe, leads: Sequence[str], rows: GoldRows, weights: Tensor, calibration: Calibration
) -> Gated | None:
    """The most accurate gated version of a mix, of equals the one that speaks least.

    None where no gate can close, or where the mix is written in other symbols than the rows (it lacks a tokenizer).

    Args:
        recipe: everybody in it always speaks.
        leads: names of the members that may lead.
        rows: of all members.
        weights: ``[items]`` that sum to 1.
        calibration: of the recipe's alphabet, with a table for every lead.
    """
    tried = [one for one in _versions(recipe, leads, calibration) if ViewKey.of(one, rows.tokens) == rows.view]
    if not tried:
        return None
    accuracies = (scores_along(tried, rows).right @ weights.numpy()).tolist()
    shares = [_share(one, rows, weights) for one in tried]
    found = [Gated(*row) for row in zip(tried, accuracies, shares, strict=True)]
    return min(found, key=lambda one: (-round(one.accuracy, 9), one.share, one.recipe.digest))


def _versions(recipe: Recipe, leads: Sequence[str], calibration: Calibration) -> Iterator[Recipe]:
    for lead in (member.spec.name for member in recipe.members):
        if lead not in leads or len(recipe.members) < 2:
            continue
        limits = dict.fromkeys(calibration.threshold(lead, share) for share in SHARES)
        for threshold in (one for one in limits if one):
            members = [{**member.model_dump(), "threshold": threshold} for member in recipe.members]
            yield recipe.changed(members=members, lead=lead)


def _share(recipe: Recipe, rows: GoldRows, weights: Tensor) -> float:
    """Of the positions along the texts, items as they are weighted, that at which a follower speaks."""
    threshold = max(member.threshold for member in recipe.members)
    lead = rows.members.index(recipe.lead)
    opens = (rows.entropies[lead] >= threshold) | ~rows.present[lead]
    lengths = torch.bincount(rows.item, minlength=len(rows.items)).clamp_min(1)
    return float(opens.double() @ (weights / lengths)[rows.item])
