"""The speakers of a step side by side, as fusion rules see them: for decoding, and for scores along known texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evoswarm.decoding.step.fusion import Heard, prepare
from evoswarm.decoding.step.plan import Plans
from evoswarm.fusion import AnswerSoFar, FusionRule, gains

Rows = Callable[[NDArray[np.int64], NDArray[np.bool_]], Tensor]
"""From ``[n, speakers]`` columns of the recipes' members, and who of them is present, to ``[speakers, n, symbols]``
log-probabilities of their own; anything where nobody is."""


class AnswersSoFar(NamedTuple):
    """Where streams are, before anybody speaks.

    Attributes:
        length: ``[n]`` bytes of the answer so far.
        inside: ``[n]`` BETWEEN, WORD or NUMBER.
        credibility: ``[n, width]`` nats.
    """

    length: NDArray[np.int32]
    inside: NDArray[np.int8]
    credibility: NDArray[np.float64]


def side_by_side(
    plans: Plans,
    plan: NDArray[np.int64],
    speaks: NDArray[np.bool_],
    present: NDArray[np.bool_],
    places: AnswersSoFar,
    limits: Tensor,
    rows: Rows,
) -> tuple[FusionRule, Heard]:
    """The rule of some streams, and what it sees: speakers first, those who speak in front, in the order of the recipe.

    A lead that abstains keeps its context, so that ties can still be settled; its row is blank.

    Args:
        plans: the recipes.
        plan: ``[n]`` the streams' recipes, all of one rule.
        speaks: ``[n, width]`` who has a say.
        present: ``[n, width]`` who has a say and something to say.
        places: where the streams are.
        limits: ``[n, symbols]`` see ``Speakers.limits``.
        rows: what they say.
    """
    order = _heard_first(speaks)
    here = np.take_along_axis(present, order, 1)
    lead = plans.lead[plan]
    before = (speaks & (np.arange(plans.width)[None] < lead[:, None])).sum(1).clip(max=order.shape[1] - 1)

    def columns(table: NDArray[np.float32]) -> Tensor:
        """``[speakers, n]`` of ``[n, width]``."""
        return torch.from_numpy(np.ascontiguousarray(np.take_along_axis(table, order, 1).T))

    rule = plans.recipes[plan[0]].fusion.definition
    return rule, prepare(
        rows(order, here),
        torch.from_numpy(np.ascontiguousarray(here.T)),
        limits,
        weights=columns(plans.weights[plan]),
        temperatures=columns(plans.temperatures[plan]),
        lead=torch.from_numpy(before),
        parameters={one.name: torch.from_numpy(plans.parameters[one.name][plan]) for one in rule.parameters},
        place=AnswerSoFar(
            length=torch.from_numpy(places.length.astype(np.float32)),
            inside=torch.from_numpy(places.inside),
            credibility=columns(places.credibility.astype(np.float32)),
        ),
    )


def gains_of(speaks: NDArray[np.bool_], heard: Heard, symbols: Tensor) -> NDArray[np.float64]:
    """``[n, width]`` what a step adds to the credibility of members.

    Args:
        speaks: ``[n, width]`` who had a say.
        heard: what `side_by_side` made of it.
        symbols: ``[n]`` what was chosen, or had to be followed.
    """
    found = np.zeros(speaks.shape)
    gained = gains(heard, symbols.to(heard.log_probs.device)).T.double().cpu()
    np.put_along_axis(found, _heard_first(speaks), gained.numpy(), 1)
    return found


def _heard_first(speaks: NDArray[np.bool_]) -> NDArray[np.int64]:
    """``[n, speakers]`` columns of the members that speak, in the order of the recipe; behind them of some others."""
    return np.argsort(~speaks, axis=1, kind="stable")[:, : int(speaks.sum(1).max())]
